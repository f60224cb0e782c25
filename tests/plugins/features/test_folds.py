"""What a row leaves out of memory: the fold of its dialogue, or, of a split by row, its own."""

from __future__ import annotations

from dataclasses import replace

from crsbench_features.examples import Example, examples
from crsbench_features.folds import left_out, seen_dialogues, seen_rows, stays

from crsbench.types import FOLDS, Dialogue, Mention, State, Turn


def dialogue(*labels: tuple[int, ...], group: int = 0) -> Dialogue:
    """User and system in turn; the n-th system turn has the n-th of the labels."""
    turns = [Turn(("user", "system")[n % 2], f"turn {n}") for n in range(2 * len(labels) + 1)]
    for n, items in enumerate(labels):
        turns[2 * n + 1] = replace(turns[2 * n + 1], recommended=items)
    return Dialogue(f"d{group}", tuple(turns), group=group)


def test_the_fold_of_a_row() -> None:
    turns = dialogue((), (), ()).turns
    befores = [turns[:n] for n in (0, 1, 3, 4)]  # (the last stands within the second turn of the system)
    assert [left_out(before, 2, False) for before in befores] == [2, 2, 2, 2]
    assert [left_out(before, 2, True) for before in befores] == [2, 3, 0, 0]
    assert [left_out(before, None, by_row) for before in befores for by_row in (False, True)] == [None] * 8


def test_whole_dialogues_are_left_out_with_their_rows() -> None:
    known = [dialogue((1,), (2,), group=group) for group in (0, 3)]
    kept, seen = seen_dialogues(known, False)
    assert kept == known
    rows = seen_rows(list(examples(known)))
    for fold in range(FOLDS):
        assert stays(seen, fold).tolist() == [fold != 0, fold != 3]
        assert stays(rows, fold).tolist() == [fold != 0, fold != 0, fold != 3, fold != 3]
    assert stays(seen, None).all()
    assert stays(rows, None).all()


def test_by_row_a_fold_takes_its_rows_alone() -> None:
    known = [dialogue((1,), (2,), (), group=4)]  # rows of folds (4 + 1) % 5 and (4 + 3) % 5
    made, seen = seen_dialogues(known, True)
    rows = seen_rows(list(examples(known, True)))
    assert [stays(rows, fold).tolist() for fold in range(FOLDS)] == [
        [False, True],
        [True, True],
        [True, False],
        [True, True],
        [True, True],
    ]
    left = {
        fold: [one for one, there in zip(made, stays(seen, fold), strict=True) if there] for fold in range(5)
    }
    assert left[1] == left[3] == left[4] == known
    ((without_first,), (without_second,)) = left[0], left[2]
    assert [turn.recommended for turn in without_first.turns] == [(), (), (), (2,)]
    assert [turn.recommended for turn in without_second.turns] == [(), (1,)]  # and what it said is not there
    assert [one for one, there in zip(made, stays(seen, None), strict=True) if there] == known


def test_by_row_nothing_remains_of_a_dialogue_of_one_row() -> None:
    made, seen = seen_dialogues([dialogue((), (1,), group=0)], True)
    assert len(made) == 1
    assert [stays(seen, fold).sum() for fold in range(FOLDS)] == [1, 1, 1, 0, 1]


def test_by_row_a_turn_goes_with_each_of_its_messages() -> None:
    text = "Alpha\nBeta"
    named = (Mention("Alpha", 0, (0, 5)), Mention("Beta", 1, (6, 10)))
    turns = (Turn("user", "hello"), Turn("system", text, named, (0, 1)), Turn("user", "no"))
    known = [Dialogue("d", (*turns, Turn("system", "so", (), (2,))), group=0)]
    rows = list(examples(known, True))
    assert [row.fold for row in rows] == [left_out(row.state.history, 0, True) for row in rows] == [1, 1, 3]
    assert stays(seen_rows(rows), 1).tolist() == [False, False, True]
    made, seen = seen_dialogues(known, True)
    (rest,) = (one for one, there in zip(made, stays(seen, 1), strict=True) if there)
    assert [turn.recommended for turn in rest.turns] == [(), (), (), (2,)]


def test_what_belongs_to_no_fold_stays() -> None:
    assert seen_rows([Example(State(()), (1,), None, 0)]).all()
    for by_row in (False, True):
        assert seen_rows([]).shape == seen_dialogues([], by_row)[1].shape == (0, FOLDS + 1)
