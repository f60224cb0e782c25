"""Training rows out of dialogues."""

from __future__ import annotations

from crsbench_features.examples import examples

from crsbench.types import Dialogue, Mention, Turn

SYSTEM = Turn(
    "system",
    "try Alien\nor not\nHeat, or Alien",
    (Mention("Alien", 0, (4, 9)), Mention("Heat", 1, (17, 21)), Mention("Alien", 0, (26, 31))),
    (0, 1),
)


def test_each_message_with_labels_is_a_row_after_the_messages_before_it() -> None:
    asked = Turn("user", "a film?")
    dialogue = Dialogue("d", (asked, SYSTEM))
    first, second = examples([Dialogue("e", (asked,)), dialogue])
    assert (first.state.history, first.targets) == ((asked,), (0,))
    assert second.targets == (1, 0)
    begun = second.state.history[1]
    assert begun == Turn("system", "try Alien\nor not", (Mention("Alien", 0, (4, 9)),))
    assert second.fold == dialogue.fold
    assert second.dialogue == 1


def test_a_label_that_no_line_names_belongs_to_the_first() -> None:
    turn = Turn("system", "this\nand Heat", (Mention("Heat", 1, (9, 13)),), (5, 1))
    rows = [(len(row.state.history), row.targets) for row in examples([Dialogue("d", (turn,))])]
    assert rows == [(0, (5,)), (1, (1,))]


def test_one_message_keeps_its_labels() -> None:
    turn = Turn("system", "Heat", (), (1, 3))
    assert [row.targets for row in examples([Dialogue("d", (turn,))])] == [(1, 3)]
