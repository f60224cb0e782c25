"""Which rows are scored, which subsets their targets belong to, and what is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from crsbench.asking import Actor, nullcontext
from crsbench.data import OUTSIDE, learnable, limited
from crsbench.errors import PluginError, UsageError
from crsbench.evaluation import Meter, evaluate, frequent, judge
from crsbench.types import (
    Absent,
    Action,
    Catalog,
    Corpus,
    Dialogue,
    Episode,
    Feedback,
    Item,
    Mention,
    RankedRow,
    Row,
    Sealed,
    Split,
    State,
    Truth,
    Turn,
    Values,
)
from crsbench.ui import SilentUi

ITEMS = 60


def dialogue(name: str, *items: int) -> Dialogue:
    return Dialogue(name, tuple(Turn("system", "s", recommended=(item,)) for item in items))


def row(name: str, of: str, targets: tuple[int, ...], mentioned: Sequence[int] = ()) -> Row:
    said = Turn("user", "u", tuple(Mention(str(item), item) for item in mentioned))
    return Row(name, of, State((said,), session=9), targets)


CORPUS = Corpus(
    catalog=Catalog(tuple(Item(str(i), f"film {i}") for i in range(ITEMS))),
    train=Split((dialogue("d0", 5, 5, 7), dialogue("d1", 5, 1), dialogue("d2", 2, 3))),
    valid=Split((dialogue("v0", 4),), (row("w0", "v1", (1,)),)),
    test=Split(
        (),
        (
            row("t0", "d1", (59, 3), mentioned=(3, 8)),
            row("t1", "v1", (55,)),
            row("t2", "e0", (5,)),
            row("t3", "e0", ()),
        ),
    ),
    sealed=Sealed({"e0": Feedback(liked={5: True})}, {f"t{i}": Truth() for i in range(4)}),
    fingerprint="f",
    targets=4,
)


class Downwards:
    """The items from the last to the first; talks when asked for a turn."""

    text: str | None = "hello"

    def act(self, states: Sequence[State], want: str, k: int, mask: Any, rng: Any) -> list[Action]:
        assert mask is None
        assert rng is None
        assert all(state.session is None for state in states)
        items = tuple(range(ITEMS - 1, -1, -1))[:k]
        return [
            Action(items, tuple(map(float, items)), self.text if want == "turn" else None) for _ in states
        ]


def actor(policy: Any = None, **more: Any) -> Actor:
    return Actor("final", policy or Downwards(), "toy/p", ITEMS, **more)


def test_ranks_and_subsets() -> None:
    t0, t1, t2, t3 = judge(actor(), CORPUS, "ranking", SilentUi())
    assert t0.ranks == (1, None)  # item 3 is 57th, beyond the list of 50
    assert t0.new == (True, False)
    assert (t0.clean, t1.clean, t2.clean) == (False, False, True)  # t1's dialogue has a valid row
    assert t1.ranks == (5,)
    assert t2.tail == (False,)
    assert t0.tail == (True, True)
    assert t2.liked == (True,)
    assert t1.liked == (None,)
    assert t3.ranks == ()
    assert len(t0.action.items) == 50


def test_frequent_items_of_train() -> None:
    # five items are recommended at all; 5 three times, the others once: a fifth of five is one
    assert frequent(CORPUS.train) == {5}
    assert frequent(Split((dialogue("d", 4, 9, 9, 4, 1, 2, 3, 8),))) == {4, 9}  # ⌈1.2⌉ of six
    assert frequent(Split()) == frozenset()


def test_words_are_asked_for_with_one_item() -> None:
    rows = judge(actor(), CORPUS, "turn", SilentUi())
    assert [(len(r.action.items), r.action.text) for r in rows] == [(1, "hello")] * 4


class Measures:
    def __init__(self, reads: str, answer: Any) -> None:
        self.reads = reads
        self.answer = answer

    def measure(self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus) -> Any:
        return self.answer(judged) if callable(self.answer) else self.answer


def meter(reads: str, answer: Any) -> Meter:
    return Meter("m", "toy/m", Measures(reads, answer), nullcontext)  # pyright: ignore[reportArgumentType]


def one(name: str = "m", ids: tuple[str, ...] = ("a",), values: tuple[float, ...] = (1.0,)) -> Values:
    return Values(name, "all", "row", ids, ids, values)


def measured(*meters: Meter, policy: Any = None, conversations: Any = None) -> Any:
    return evaluate(actor(policy), CORPUS, meters, "toy/s", conversations, SilentUi())


def test_metrics_receive_what_they_read() -> None:
    seen: dict[str, Any] = {}

    def note(kind: str) -> Meter:
        return meter(kind, lambda judged: seen.setdefault(kind, judged) and [one()])

    episodes = {d: Episode(1, (), None, d) for d in ("greedy", "sampled")}
    found = measured(
        note("rankings"), note("texts"), note("episodes"), conversations=lambda actor, d: [episodes[d]]
    )
    assert seen["rankings"][0].ranks == (1, None)
    assert seen["texts"][0].action.text == "hello"
    assert seen["episodes"] == [episodes["greedy"], episodes["sampled"]]
    assert [m.simulator for m in found.measured] == [None, None, "toy/s"]
    assert {m.stage for m in found.measured} == {"final"}
    assert found.rows == seen["rankings"]


def test_what_no_metric_reads_is_not_asked_for() -> None:
    class Ranks(Downwards):
        def act(self, states: Sequence[State], want: str, **rest: Any) -> list[Action]:
            assert want == "ranking"
            return super().act(states, want, **rest)

    def never(*_: Any) -> Any:
        raise AssertionError

    found = measured(meter("rankings", [one()]), policy=Ranks(), conversations=never)
    assert found.episodes == []


def test_what_cannot_be_measured_says_why() -> None:
    class Mute(Downwards):
        text = None

    found = measured(
        meter("episodes", []),
        meter("texts", []),
        meter("rankings", [Absent("m", "no truth"), one(ids=(), values=())]),
        policy=Mute(),
    )
    assert [absent.reason for absent in found.absent] == [
        "there is no simulator to talk to",
        "the policy does not talk",
        "no truth",
        "no row in subset 'all'",
    ]
    assert found.measured == []


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (one("other"), "'other', which is not its name"),
        (one(ids=("a", "b")), "1 values, 2 ids"),
        (one(ids=("a", "a"), values=(1.0, 1.0)), "one row twice"),
        (one(values=(float("nan"),)), "no finite number"),
    ],
)
def test_a_broken_metric_is_named(answer: Values, fault: str) -> None:
    with pytest.raises(PluginError, match=f"toy/m: .*{fault}"):
        measured(meter("rankings", [answer]))


@pytest.mark.parametrize(
    ("action", "fault"),
    [
        (Action((0, 0)), "an item twice"),
        (Action((0, 1), (0.5, 0.6)), "do not descend"),
        (Action(tuple(range(51))), "51 items where 50"),
    ],
)
def test_a_wrong_ranking_names_the_policy(action: Action, fault: str) -> None:
    class Wrong:
        def act(self, states: Sequence[State], **kwargs: Any) -> list[Action]:
            return [action] * len(states)

    with pytest.raises(PluginError, match=f"toy/p: act .*{fault}"):
        judge(actor(Wrong()), CORPUS, "ranking", SilentUi())


def test_a_short_ranking_is_allowed_and_finds_less() -> None:
    class Short:
        def act(self, states: Sequence[State], **kwargs: Any) -> list[Action]:
            return [Action((5,))] * len(states)

    assert [r.ranks for r in judge(actor(Short()), CORPUS, "ranking", SilentUi())][2] == (1,)


def test_a_privileged_policy_needs_the_truth() -> None:
    class Knowing(Downwards):
        def act(self, states: Sequence[State], *, truths: Sequence[Truth], **rest: Any) -> list[Action]:
            assert len(truths) == len(states)
            return super().act(states, **rest)

    assert judge(actor(Knowing(), privileged=True), CORPUS, "ranking", SilentUi())[0].ranks == (1, None)
    blind = replace(CORPUS, sealed=Sealed())
    with pytest.raises(UsageError, match="toy/p needs data whose truth is known"):
        judge(actor(Knowing(), privileged=True), blind, "ranking", SilentUi())


def test_limit_takes_the_first_by_hash() -> None:
    many = replace(
        CORPUS,
        train=Split(tuple(dialogue(f"d{i}", 1) for i in range(30))),
        test=Split((), tuple(row(f"t{i}", "e", (1, 2)) for i in range(30))),
        targets=60,
    )
    five, nine = limited(many, 5), limited(many, 9)
    assert len(five.train.dialogues) == len(five.test.rows) == 5
    assert set(five.test.rows) < set(nine.test.rows)
    order = [one.id for one in many.test.rows]
    assert [order.index(one.id) for one in nine.test.rows] == sorted(
        order.index(one.id) for one in nine.test.rows
    )
    assert [one.id for one in five.train.dialogues] != [f"d{i}" for i in range(5)]
    assert (five.targets, five.dropped) == (60, {OUTSIDE: 50})
    assert limited(many, None) is many
    assert limited(many, 100).dropped == {}
    reordered = replace(many, train=Split(many.train.dialogues[::-1]))
    assert set(limited(reordered, 5).train.dialogues) == set(five.train.dialogues)
    by_row = replace(
        many, **{name: replace(getattr(many, name), by_row=True) for name in ("train", "valid", "test")}
    )
    few = limited(by_row, 5)
    assert [split.by_row for split in (few.train, few.valid, few.test)] == [True] * 3


def test_of_valid_the_limit_keeps_dialogues_with_their_rows() -> None:
    scored = [dialogue(f"s{i}", 1) for i in range(20)]
    rows = tuple(row(f"s{i}-{n}", f"s{i}", (1,)) for i in range(20) for n in range(2))
    valid = Split((*scored, *(dialogue(f"u{i}", 1) for i in range(20))), rows)
    few = limited(replace(CORPUS, valid=valid), 7).valid
    assert len(few.dialogues) == 7
    assert {one.id for one in few.dialogues} == {one.dialogue for one in few.rows}
    assert len(few.rows) == 14
    assert len(limited(replace(CORPUS, valid=valid), 30).valid.dialogues) == 30  # ten of no row
    assert limited(replace(CORPUS, valid=valid), 40).valid == valid
    for other in (Split(valid.dialogues), Split((), rows)):  # one without the other
        few = limited(replace(CORPUS, valid=other), 7).valid
        assert (len(few.dialogues), len(few.rows)) == (7 * bool(other.dialogues), 7 * bool(other.rows))


def test_learnable_covers_what_training_sees_and_no_more() -> None:
    def digest(corpus: Corpus) -> str:
        return learnable(corpus.catalog, corpus.train, corpus.valid)

    base = digest(CORPUS)
    assert digest(replace(CORPUS, test=Split(), sealed=Sealed(), fingerprint="g")) == base
    assert digest(replace(CORPUS, valid=Split())) != base
    assert digest(replace(CORPUS, train=Split(CORPUS.train.dialogues[:-1]))) != base
    moved = Split(CORPUS.valid.dialogues, (replace(CORPUS.valid.rows[0], targets=(2,)),))
    assert digest(replace(CORPUS, valid=moved)) != base
    assert digest(replace(CORPUS, train=replace(CORPUS.train, by_row=True))) != base
