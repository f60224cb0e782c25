"""Dialogues that stand in two splits, or twice in one, and users who are met in two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from crsbench.audit.documents import Document, Likeness, documents
from crsbench.audit.finding import Finding, finding
from crsbench.data import scored
from crsbench.types import Corpus, Dialogue, Row, Split

_MEMORY = "a method that remembers what it has read is scored too high on it; "
_PAIRS = (
    ("test", "train", "every score on test: " + _MEMORY + "read the subset clean beside all"),
    ("test", "valid", "every score on test: " + _MEMORY + "the subset clean leaves these out, too"),
    ("valid", "train", "the choice of models and settings: valid rewards memory, and picks what remembers"),
)
FEWEST_WORDS = 4  # of a reply; shorter ones ("you are welcome") are everybody's


def findings(corpus: Corpus) -> Iterator[Finding]:
    """Shared dialogues by id, by text and nearly, shared users, replies of test in train, repeats within a
    split."""
    splits = {"train": corpus.train, "valid": corpus.valid, "test": corpus.test}
    texts = {name: documents(split) for name, split in splits.items()}
    for first, second, affects in _PAIRS:
        shared = [name for name in texts[first] if name in texts[second]]
        yield finding(
            f"{first}_dialogues_in_{second}", map("dialogue {}".format, shared), len(texts[first]), affects
        )
    known = texts["train"].keys() | texts["valid"].keys()
    seen = [row.id for row in corpus.test.rows if row.dialogue in known]
    yield finding(
        "test_rows_of_shared_dialogues",
        map("row {}".format, seen),
        len(corpus.test.rows),
        "every score on all test rows: these have context or reply in train or valid; clean leaves them out",
    )
    for first, second, affects in _PAIRS:
        same = _same(texts[first], texts[second])
        lines = (f"{a} = {b}: {texts[first][a].opening()}" for a, b in same.items())
        hidden = "; the ids differ, so the subset clean does not leave them out"
        yield finding(
            f"{first}_texts_in_{second}", lines, len(texts[first]), affects.partition(";")[0] + hidden
        )
        near = _near(texts[first], texts[second], same)
        lines = (f"{a} ~ {b} ({alike:.2f}): {texts[first][a].opening()}" for a, (b, alike) in near.items())
        yield finding(
            f"{first}_near_duplicates_in_{second}",
            lines,
            len(texts[first]),
            affects.partition(";")[0] + hidden,
        )
    yield from _people(splits)
    yield _replies(corpus)
    for name in splits:
        repeats = _repeats(texts[name])
        yield finding(
            f"{name}_duplicate_dialogues",
            (f"{a} = {b}: {texts[name][a].opening()}" for a, b in repeats.items()),
            len(texts[name]),
            "training weighs these twice, and folds do not keep their copies apart"
            if name == "train"
            else f"the intervals on {name}: they count as independent, so intervals are too narrow",
        )
    yield _rows_twice(corpus.test.rows)


def _people(splits: Mapping[str, Split]) -> Iterator[Finding]:
    """Dialogues whose user (in ReDial the initiator) is met in another split too, or in another fold of
    train; of those with a user that are scored, where a split scores any."""
    people = {name: {one.user for one in split.dialogues} for name, split in splits.items()}
    told = {name: [one for one in scored(split) if one.user is not None] for name, split in splits.items()}
    for first, second, affects in _PAIRS:
        known = [f"dialogue {one.id}: {one.user}" for one in told[first] if one.user in people[second]]
        yield finding(f"{first}_users_in_{second}", known, len(told[first]), affects)
    folds: defaultdict[str | None, set[int]] = defaultdict(set)
    for one in told["train"]:
        folds[one.user].add(one.fold)
    yield finding(
        "train_users_in_other_folds",
        (f"dialogue {one.id}: {one.user}" for one in told["train"] if len(folds[one.user]) > 1),
        len(told["train"]),
        "what is learnt out of fold: it trusts memory more than strangers warrant",
    )


def _same(ones: Mapping[str, Document], others: Mapping[str, Document]) -> dict[str, str]:
    """Id → id of another dialogue, of another id, that begins with all its text (or is it)."""
    openings: defaultdict[bytes, list[str]] = defaultdict(list)
    for name, other in others.items():
        for key in other.prefixes() if other.long else ():
            openings[key].append(name)
    found: dict[str, str] = {}
    for name, one in ones.items():
        twins = openings.get(one.prefixes()[-1], []) if one.long else []
        twin = next((other for other in twins if other != name), None)
        if twin is not None:
            found[name] = twin
    return found


def _near(
    ones: Mapping[str, Document], others: Mapping[str, Document], same: Mapping[str, str]
) -> dict[str, tuple[str, float]]:
    """Id → (id, similarity) of the nearest other dialogue that is neither the same nor of the same id."""
    likeness = Likeness(others)
    pairs = ((name, likeness.nearest(one, (name,))) for name, one in ones.items() if name not in same)
    return {name: nearest for name, nearest in pairs if nearest}


def _repeats(texts: Mapping[str, Document]) -> dict[str, str]:
    """Id → id of the first dialogue with the same text."""
    first: dict[bytes, str] = {}
    found: dict[str, str] = {}
    for name, one in texts.items():
        twin = first.setdefault(one.prefixes()[-1], name) if one.long else name
        if twin != name:
            found[name] = twin
    return found


def _replies(corpus: Corpus) -> Finding:
    """Replies of the test rows that stand word for word in a turn of train."""
    said = {" ".join(turn.text.split()) for one in corpus.train.dialogues for turn in one.turns}
    said |= {" ".join(turn.text.split()) for row in corpus.train.rows for turn in row.state.history}
    whole = {one.id: one for one in corpus.test.dialogues}
    replies = [(row.id, reply_to(row, whole.get(row.dialogue))) for row in corpus.test.rows]
    known = [(name, " ".join(reply.split())) for name, reply in replies if reply]
    return finding(
        "test_replies_in_train",
        (f"{name}: {reply}" for name, reply in known if len(reply.split()) >= FEWEST_WORDS and reply in said),
        len(known),
        "scores of words (bleu, perplexity, coherence): the reply itself, which names the target, was read",
    )


def reply_to(row: Row, dialogue: Dialogue | None) -> str | None:
    """The text of the turn that a row asks for, where its dialogue is at hand and begins like the row."""
    if dialogue is None:
        return None
    history, turns = row.state.history, dialogue.turns
    at = len(history)
    if [turn.text for turn in history] == [turn.text for turn in turns[:at]]:
        return turns[at].text if at < len(turns) else None
    if 0 < at <= len(turns) and turns[at - 1].text.startswith(history[-1].text):
        return turns[at - 1].text[len(history[-1].text) :]  # a turn of several messages, some of them said
    return None


def _rows_twice(rows: tuple[Row, ...]) -> Finding:
    first: dict[object, str] = {}
    twice: list[str] = []
    for row in rows:
        key = tuple((turn.speaker, turn.text) for turn in row.state.history), row.targets
        twin = first.setdefault(key, row.id)
        if twin != row.id:
            twice.append(f"{row.id} = {twin}")
    return finding(
        "test_duplicate_rows",
        twice,
        len(rows),
        "scores and intervals of test: one context with one answer counts several times",
    )
