"""What is remembered of train and valid."""

from __future__ import annotations

from dataclasses import replace

from crsbench_features.remembered import Remembered

from crsbench.types import Dialogue, Mention, Split, Turn


def turns(*labels: tuple[int, ...]) -> tuple[Turn, ...]:
    """A user's turn, and a system turn for each of these labels."""
    said = (Turn("system", f"turn {n}", (), of) for n, of in enumerate(labels))
    return (Turn("user", "hello"), *said)


TRAIN = Split((Dialogue("a", turns((1,)), group=3), Dialogue("b", turns((2,), ()))))
VALID = Split((Dialogue("b", turns((), (4,), (5,))), Dialogue("c", turns((6,)))))


def test_of_many_items_valid_is_remembered_too() -> None:
    few, many = (Remembered(TRAIN, VALID, items) for items in (300, 301))
    assert few.dialogues == TRAIN.dialogues
    assert (few.fold("a"), few.fold("c")) == (3, None)
    assert [one.id for one in many.dialogues] == ["a", "b", "c"]
    assert many.fold("c") == VALID.dialogues[1].fold
    assert many.fold("d") is None
    assert not many.by_row
    assert Remembered(replace(TRAIN, by_row=True), VALID, 301).by_row


def test_a_dialogue_of_both_is_remembered_once() -> None:
    known = Remembered(TRAIN, VALID, 301)
    _, both, _ = known.dialogues
    assert both == Dialogue("b", turns((2,), (4,), (5,)))
    assert known.fold("b") == both.fold
    turned = Remembered(VALID, TRAIN, 301)  # whichever goes further
    assert turned.dialogues[0] == both


def test_what_either_names_is_named_and_recommended_once() -> None:
    heat, jaws = Mention("Heat", 0, (0, 4)), Mention("Jaws", 1)
    one = Dialogue("a", (Turn("system", "Heat, Jaws", (heat,), (0,)),))
    other = Dialogue("a", (Turn("system", "Heat, Jaws", (Mention("Heat", 0), jaws), (1, 0)),))
    (both,) = Remembered(Split((one,)), Split((other,)), 301).dialogues
    assert both.turns == (Turn("system", "Heat, Jaws", (heat, jaws), (0, 1)),)
