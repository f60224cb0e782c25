"""The audit finds each defect that was planted, counts it exactly, and finds nothing in clean data."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from crsbench.audit import audit
from crsbench.audit.documents import Document, Likeness, words
from crsbench.audit.finding import WIDTH, Finding
from crsbench.audit.items import gini
from crsbench.audit.splits import reply_to
from crsbench.audit.targets import in_text
from crsbench.audit.truth import bounds
from crsbench.types import (
    Catalog,
    Corpus,
    Dialogue,
    Feedback,
    Item,
    Mention,
    Row,
    Sealed,
    Split,
    State,
    Truth,
    Turn,
)

ITEMS = 10
TITLES = [f"Film Number {letter}" for letter in "ABCDEFGHIJ"]


def babble(seed: object, count: int = 12) -> str:
    """Words that no other seed has."""
    rng = random.Random(str(seed))
    return " ".join("".join(rng.choices(string.ascii_lowercase, k=7)) for _ in range(count))


def dialogue(name: str, item: int) -> Dialogue:
    """A user asks, a film is recommended, the user answers in time; nothing is named beforehand."""
    return Dialogue(
        name,
        (
            Turn("user", f"hello {babble((name, 0))}", seconds=0.0),
            Turn(
                "system", f"{babble((name, 1))} {TITLES[item]}", (Mention(TITLES[item], item),), (item,), 4.0
            ),
            Turn("user", babble((name, 2)), seconds=9.0, ends=True),
        ),
    )


def row(one: Dialogue) -> Row:
    return Row(f"{one.id}-1", one.id, State(one.turns[:1]), one.turns[1].recommended)


def clean() -> Corpus:
    """Each item recommended equally often, half of them liked, every reply timed, no text twice."""
    train = tuple(dialogue(f"train{n}", n % ITEMS) for n in range(2 * ITEMS))
    valid = tuple(dialogue(f"valid{n}", n % ITEMS) for n in range(ITEMS))
    test = tuple(dialogue(f"test{n}", n % ITEMS) for n in range(ITEMS))
    return Corpus(
        catalog=Catalog(tuple(Item(f"i{n}", TITLES[n], 2000 + n, {"genre": ("x",)}) for n in range(ITEMS))),
        train=Split(train),
        valid=Split(valid, tuple(map(row, valid))),
        test=Split(test, tuple(map(row, test))),
        sealed=Sealed(
            {
                one.id: Feedback(liked=dict.fromkeys(one.turns[1].recommended, n % 2 == 0))
                for n, one in enumerate((*train, *valid, *test))
            }
        ),
        fingerprint="0" * 16,
        targets=ITEMS,
    )


def found(corpus: Corpus) -> dict[str, Finding]:
    return {one.name: one for one in audit(corpus)}


def counts(corpus: Corpus) -> dict[str, int]:
    """What was found at all."""
    return {name: one.count for name, one in found(corpus).items() if one.count}


def split_with(split: Split, *dialogues: Dialogue, rows: tuple[Row, ...] | None = None) -> Split:
    more = tuple(map(row, dialogues)) if rows is None else rows
    return Split(split.dialogues + dialogues, split.rows + more)


def test_clean_data_has_no_findings() -> None:
    corpus = clean()
    assert counts(corpus) == {}
    totals = {name: one.total for name, one in found(corpus).items()}
    assert totals.pop("logged_targets_below_best") == 0  # nothing is known of the truth
    of_users = [name for name in totals if "_users_in_" in name]
    assert len(of_users) == 4
    assert [totals.pop(name) for name in of_users] == [0] * 4  # nobody is told apart
    assert all(totals.values())


def test_findings_are_json_with_reasons() -> None:
    corpus = clean()
    spoilt = replace(corpus, test=split_with(corpus.test, corpus.train.dialogues[0]))
    for one in audit(spoilt):
        assert set(json.loads(json.dumps(asdict(one)))) == {"name", "count", "total", "examples", "affects"}
        assert one.affects
        assert 0 <= one.count <= one.total
        assert bool(one.examples) <= bool(one.total)
        assert all(len(example) <= WIDTH and "\n" not in example for example in one.examples)


def of_users(split: Split, *users: str | None) -> Split:
    """The first dialogues are of these users."""
    named = [replace(one, user=user) for one, user in zip(split.dialogues, users, strict=False)]
    return replace(split, dialogues=(*named, *split.dialogues[len(users) :]))


def test_users_are_met_in_other_splits_and_folds() -> None:
    corpus = clean()
    folds = [one.fold for one in corpus.train.dialogues]
    other = next(n for n, fold in enumerate(folds) if fold != folds[0])
    trained = ["ann", *(None,) * (other - 1), "ann", "bob"]
    corpus = replace(
        corpus,
        train=of_users(corpus.train, *trained),
        valid=of_users(corpus.valid, "cy", None, "bob"),
        test=of_users(corpus.test, "cy", "ann", "dee"),
    )
    of = {name: (one.count, one.total) for name, one in found(corpus).items() if "_users_in_" in name}
    assert of == {
        "test_users_in_train": (1, 3),
        "test_users_in_valid": (1, 3),
        "valid_users_in_train": (1, 2),
        "train_users_in_other_folds": (2, 3),
    }
    # bob's dialogue of valid, if it is not scored, is learnt from alone
    unscored = [row for row in corpus.valid.rows if row.dialogue != corpus.valid.dialogues[2].id]
    corpus = replace(corpus, valid=replace(corpus.valid, rows=tuple(unscored)))
    of = {name: (one.count, one.total) for name, one in found(corpus).items() if "_users_in_" in name}
    assert of["valid_users_in_train"] == (0, 1)
    assert of["test_users_in_valid"] == (1, 3)


Plant = Callable[[Corpus], Corpus]


def planted_shared_id(corpus: Corpus) -> Corpus:
    """The same id with other text: only the ids tell."""
    twin = replace(dialogue("other", 1), id="train3")
    return replace(corpus, test=split_with(corpus.test, twin))


def planted_shared_with_valid(corpus: Corpus) -> Corpus:
    return replace(corpus, test=split_with(corpus.test, replace(dialogue("other", 1), id="valid3")))


def planted_valid_in_train(corpus: Corpus) -> Corpus:
    twin = replace(dialogue("other", 1), id="train3")
    return replace(corpus, valid=split_with(corpus.valid, twin, rows=()))


def planted_shared_text(corpus: Corpus) -> Corpus:
    """A train dialogue under another id; its case and punctuation differ."""
    one = corpus.train.dialogues[3]
    turns = tuple(replace(turn, text=turn.text.upper().replace(" ", ", ")) for turn in one.turns)
    return replace(corpus, test=split_with(corpus.test, Dialogue("copy", turns)))


def planted_opening(corpus: Corpus) -> Corpus:
    """Test knows only the beginning of a train dialogue."""
    turns = corpus.train.dialogues[3].turns[:2]
    copy = Row("copy-2", "copy", State(turns), ())
    return replace(corpus, test=split_with(corpus.test, rows=(copy,)))


def planted_near(corpus: Corpus) -> Corpus:
    """A train dialogue with one word in each long turn changed."""
    one = corpus.train.dialogues[3]
    turns = (*one.turns[:2], replace(one.turns[2], text=one.turns[2].text + " besides"))
    return replace(corpus, test=split_with(corpus.test, Dialogue("copy", turns)))


def planted_reply(corpus: Corpus) -> Corpus:
    one, other = corpus.test.dialogues[0], corpus.train.dialogues[0]
    turns = (one.turns[0], replace(one.turns[1], text=other.turns[1].text), one.turns[2])
    return replace(
        corpus, test=replace(corpus.test, dialogues=(replace(one, turns=turns), *corpus.test.dialogues[1:]))
    )


def planted_twice_in(split: str) -> Plant:
    def plant(corpus: Corpus) -> Corpus:
        part: Split = getattr(corpus, split)
        return replace(
            corpus,
            **{split: replace(part, dialogues=(*part.dialogues, replace(part.dialogues[0], id="copy")))},
        )

    return plant


def with_first_row(corpus: Corpus, text: str, mentions: tuple[Mention, ...] = ()) -> Corpus:
    first, *others = corpus.test.rows
    said = Turn("user", text, mentions, seconds=0.0)
    return replace(corpus, test=replace(corpus.test, rows=(replace(first, state=State((said,))), *others)))


def planted_mention(corpus: Corpus) -> Corpus:
    """Marked, but not named by its title."""
    return with_first_row(corpus, "that one again", (Mention(TITLES[0], 0),))


def planted_verbatim(corpus: Corpus) -> Corpus:
    """Named in the text, and nobody marked it."""
    return with_first_row(corpus, f"I liked {TITLES[0].lower()}!")


def planted_row_twice(corpus: Corpus) -> Corpus:
    first = corpus.test.rows[0]
    return replace(corpus, test=replace(corpus.test, rows=(*corpus.test.rows, replace(first, id="again"))))


def planted_lost_target(corpus: Corpus) -> Corpus:
    first, *others = corpus.test.rows
    rows = (replace(first, targets=()), *others)
    return replace(corpus, test=replace(corpus.test, rows=rows), dropped={"not in the catalogue": 1})


def planted_item(**change: object) -> Plant:
    def plant(corpus: Corpus) -> Corpus:
        items = corpus.catalog.items
        return replace(corpus, catalog=Catalog((*items[:9], replace(items[9], **change))))

    return plant


def planted_unseen_item(corpus: Corpus) -> Corpus:
    """Nobody recommends the last film in train."""
    train = tuple(one for one in corpus.train.dialogues if one.turns[1].recommended != (9,))
    return replace(corpus, train=Split(train))


def planted_skew(corpus: Corpus) -> Corpus:
    """20 more recommendations of one film: 24 of 40 fall on the first 2 of 10 items, 16 more than a fifth."""
    more = tuple(dialogue(f"more{n}", 0) for n in range(20))
    liked = {one.id: Feedback(liked={0: n % 2 == 0}) for n, one in enumerate(more)}
    sealed = Sealed({**corpus.sealed.feedback, **liked})
    return replace(corpus, train=Split((*corpus.train.dialogues, *more)), sealed=sealed)


def with_first_train(corpus: Corpus, at: int, seconds: float | None) -> Corpus:
    first, *others = corpus.train.dialogues
    turns = tuple(replace(turn, seconds=seconds) if i == at else turn for i, turn in enumerate(first.turns))
    return replace(corpus, train=Split((replace(first, turns=turns), *others)))


def planted_untimed(corpus: Corpus) -> Corpus:
    return with_first_train(corpus, 2, None)


def planted_backwards(corpus: Corpus) -> Corpus:
    return with_first_train(corpus, 2, 3.0)


def planted_infinite(corpus: Corpus) -> Corpus:
    return with_first_train(corpus, 2, float("inf"))


def planted_unlabelled(corpus: Corpus) -> Corpus:
    feedback = {name: one for name, one in corpus.sealed.feedback.items() if name not in ("train0", "train1")}
    return replace(corpus, sealed=Sealed(feedback))


def planted_imbalance(corpus: Corpus) -> Corpus:
    """Of 40 labels 30 instead of 20 say liked."""
    names = list(corpus.sealed.feedback)
    liked = {name: dict.fromkeys(corpus.sealed.feedback[name].liked, True) for name in names[:20]}
    feedback = {
        name: Feedback(liked=liked.get(name, one.liked)) for name, one in corpus.sealed.feedback.items()
    }
    return replace(corpus, sealed=Sealed(feedback))


def planted_truth(corpus: Corpus) -> Corpus:
    """What was logged is worth .2, the best .9; the last row logged the best."""
    utilities = np.array([0.2] * 9 + [0.9], np.float32)
    truth = {one.id: Truth(utilities) for one in corpus.test.rows}
    return replace(corpus, sealed=replace(corpus.sealed, truth=truth))


NO_FEEDBACK = {"recommendations_without_label": 1}  # the copy has no label of its own


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (planted_shared_id, {"test_dialogues_in_train": 1, "test_rows_of_shared_dialogues": 1}),
        (
            planted_shared_with_valid,
            {"test_dialogues_in_valid": 1, "test_rows_of_shared_dialogues": 1},
        ),
        (planted_valid_in_train, {"valid_dialogues_in_train": 1}),
        (planted_shared_text, {"test_texts_in_train": 1, **NO_FEEDBACK}),
        (planted_opening, {"test_texts_in_train": 1, "rows_without_target": 1}),
        (planted_near, {"test_near_duplicates_in_train": 1, "test_replies_in_train": 1, **NO_FEEDBACK}),
        (planted_reply, {"test_replies_in_train": 1}),
        (planted_twice_in("train"), {"train_duplicate_dialogues": 1, **NO_FEEDBACK}),
        (planted_twice_in("valid"), {"valid_duplicate_dialogues": 1, **NO_FEEDBACK}),
        (planted_twice_in("test"), {"test_duplicate_dialogues": 1, **NO_FEEDBACK}),
        (planted_row_twice, {"test_duplicate_rows": 1}),
        (planted_mention, {"targets_already_mentioned": 1}),
        (planted_verbatim, {"targets_verbatim_in_input": 1, "targets_verbatim_but_unmarked": 1}),
        (planted_lost_target, {"targets_dropped": 1, "rows_without_target": 1}),
        (planted_item(attributes={}), {"items_without_links": 1}),
        (planted_item(title=TITLES[0], year=2000), {"duplicate_items": 1}),
        (planted_item(title=f" {TITLES[0].upper()} (2000)", year=None), {"duplicate_items": 1}),
        (planted_item(title=TITLES[0], year=1999), {}),  # a remake
        (
            planted_unseen_item,
            {"items_never_recommended_in_train": 1, "targets_never_recommended_in_train": 1},
        ),
        (planted_skew, {"popularity_head_excess": 16}),
        (planted_untimed, {"replies_without_time": 1}),
        (planted_backwards, {"times_out_of_order": 1}),
        (planted_infinite, {"times_out_of_order": 1}),
        (planted_unlabelled, {"recommendations_without_label": 2}),
        (planted_imbalance, {"label_imbalance": 20}),
        (planted_truth, {"logged_targets_below_best": 9}),
    ],
)
def test_a_planted_defect_is_found_and_nothing_else(plant: Plant, expected: dict[str, int]) -> None:
    here = counts(plant(clean()))
    if plant is planted_shared_id or plant is planted_shared_with_valid or plant is planted_valid_in_train:
        here.pop("recommendations_without_label", None)
    assert here == expected


def test_examples_name_the_place() -> None:
    one = found(planted_shared_text(clean()))["test_texts_in_train"]
    assert one.examples[0].startswith("copy = train3: hello ")
    assert (one.count, one.total) == (1, ITEMS + 1)
    assert (
        found(planted_near(clean()))["test_near_duplicates_in_train"]
        .examples[0]
        .startswith("copy ~ train3 (0.9")
    )


def test_each_reason_for_a_drop_is_an_example() -> None:
    one = found(replace(clean(), dropped={"lost": 3, "twice": 1}))["targets_dropped"]
    assert (one.count, one.examples) == (4, ("lost: 3", "twice: 1"))


def test_without_labels_all_recommendations_lack_one() -> None:
    corpus = replace(clean(), sealed=Sealed())
    one = found(corpus)["recommendations_without_label"]
    assert (one.count, one.total, one.examples) == (40, 40, ("the data has no explicit labels",))


def test_an_empty_corpus() -> None:
    empty = Corpus(Catalog(()), Split(), Split(), Split(), Sealed(), "0" * 16, 0)
    assert {(one.count, one.total) for one in audit(empty)} == {(0, 0)}


def test_margin_of_the_oracle() -> None:
    corpus = planted_truth(clean())
    measured = bounds(corpus)
    assert measured is not None
    assert measured.logged == pytest.approx((9 * 0.2 + 0.9) / 10)
    assert measured.evenly == pytest.approx((9 * 0.2 + 0.9) / 10)
    assert measured.best == pytest.approx(0.9)
    margin = measured.margin
    assert margin.value == pytest.approx(0.63)
    assert 0 < margin.low < margin.value < margin.high == pytest.approx(0.7)
    assert bounds(clean()) is None
    # the rows of one user are one draw: where all have the same user, nothing can be said of others
    alone = tuple(replace(one, user="me") for one in corpus.test.dialogues)
    same = bounds(replace(corpus, test=replace(corpus.test, dialogues=alone)))
    assert same is not None
    assert same.margin.low == same.margin.high == pytest.approx(0.63)
    exposed = tuple(replace(one, exposed=n > 0) for n, one in enumerate(corpus.test.rows))
    assert bounds(replace(corpus, test=replace(corpus.test, rows=exposed))).margin.n == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("counts", "value"),
    [([], 0), ([0, 0], 0), ([3, 3, 3], 0), ([0, 0, 0, 4], 0.75), ([1, 2, 3], 2 / 9)],
)
def test_gini(counts: list[int], value: float) -> None:
    assert gini(counts) == pytest.approx(value)


@pytest.mark.parametrize(
    ("title", "text", "there"),
    [
        ("The Matrix", "i saw the matrix.", True),
        ("The Matrix", "i saw the matrixes", False),
        ("Her", "I gave it to her", False),
        ("Her", "I saw Her twice", True),
        ("It", "It was fine", False),
        ("What?", "I saw What? yesterday", True),
        ("(500) Days of Summer", "saw (500) days of summer", True),
        ("X-Men", "X-Men!", True),
    ],
)
def test_titles_in_text(title: str, text: str, there: bool) -> None:
    assert in_text(title, text) is there


def test_the_reply_that_a_row_asks_for() -> None:
    one = dialogue("d", 0)
    assert reply_to(row(one), one) == one.turns[1].text
    assert reply_to(Row("r", "d", State(one.turns), (0,)), one) is None
    assert reply_to(row(dialogue("e", 0)), one) is None  # another dialogue of the same id
    first = replace(one.turns[1], text=one.turns[1].text[:10])
    part = Row("r", "d", State((one.turns[0], first)), (0,))
    assert reply_to(part, one) == one.turns[1].text[10:]  # of two messages in one turn the second


def document(name: str, text: str) -> Document:
    return Document(name, (tuple(words(text)), ("end",)))


def test_near_duplicates_are_found_at_every_likeness() -> None:
    """Of 1,000 pairs at random all with a Jaccard similarity of .7 or more, and none below."""
    rng = random.Random(0)
    texts = {f"a{n}": babble(("text", n), 60) for n in range(1000)}
    likeness = Likeness({name: document(name, text) for name, text in texts.items()})
    missed = 0
    for name, text in texts.items():
        changed = text.split()
        for at in rng.sample(range(60), rng.randrange(8)):
            changed[at] = "other"
        one, other = document("b", " ".join(changed)), document(name, text)
        a, b = set(one.shingles().tolist()), set(other.shingles().tolist())
        similarity = len(a & b) / len(a | b)
        nearest = likeness.nearest(one)
        if nearest is None:
            missed += similarity >= 0.7
        else:
            assert nearest == (name, pytest.approx(similarity))
            assert similarity >= 0.7
    assert missed <= 1  # banding loses a pair of similarity .7 once in 5,000


def test_short_texts_are_like_nothing() -> None:
    likeness = Likeness({"a": document("a", "hello there")})
    assert likeness.nearest(document("b", "hello there")) is None


def test_opendialkg(data_dir: Path) -> None:
    from crsbench_corpora.opendialkg import OpenDialKG

    if not (data_dir / "opendialkg" / "ievalm").is_dir():
        pytest.skip("opendialkg/ievalm is not at hand")
    here = found(OpenDialKG().load("ievalm", data_dir, 0))

    def measured(name: str) -> tuple[int, int]:
        return here[name].count, here[name].total

    assert measured("test_dialogues_in_train") == (558, 1113)
    assert measured("test_rows_of_shared_dialogues") == (1188 - 523, 1188)
    assert measured("targets_already_mentioned") == (431, 1261)  # 34%
    assert measured("test_replies_in_train") == (310, 1188)
    assert measured("targets_dropped") == (1, 1262)
    assert here["replies_without_time"].count == here["replies_without_time"].total
