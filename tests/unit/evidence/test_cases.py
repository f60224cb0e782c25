"""Which labels are judged, and by which system turn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crsbench.episode import transitions
from crsbench.evidence import rulers
from crsbench.evidence.cases import NOWHERE, cases
from crsbench.types import Catalog, Corpus, Dialogue, Feedback, Item, Row, Sealed, Split, State, Truth, Turn


def system(*items: int) -> Turn:
    return Turn("system", "try this one", recommended=items)


TALK = Dialogue("a", (Turn("user", "hi"), system(3, 1), Turn("user", "no thank you"), system(1), system(2)))
SILENT = Dialogue("b", (system(1),))


def corpus(feedback: dict[str, Feedback], rows: tuple[Row, ...] = (), **truth: Truth) -> Corpus:
    return Corpus(
        Catalog(tuple(Item(str(i), f"film {i}") for i in range(5))),
        Split((SILENT, replace(SILENT, id="c"))),
        Split(),
        Split((TALK, SILENT), rows),
        Sealed(feedback, truth),
        "f",
        targets=len(rows),
    )


def judged(feedback: dict[str, Feedback]) -> list[tuple[str, int, bool, int]]:
    one = corpus(feedback)
    found = cases(one, [*transitions(TALK), *transitions(SILENT)])
    return list(
        zip(found.dialogues, found.items.tolist(), found.liked.tolist(), found.at.tolist(), strict=True)
    )


def test_a_label_counts_once_at_the_first_turn_that_recommends_the_item() -> None:
    found = judged({"a": Feedback(liked={1: True, 2: False}), "b": Feedback(liked={1: False})})
    assert found == [("a", 1, True, 0), ("a", 2, False, 2), ("b", 1, False, 3)]


def test_only_what_was_suggested_counts_where_that_was_asked() -> None:
    forms = {"a": Feedback(liked={1: True, 2: True, 3: False}, suggested={1: True, 2: False})}
    assert judged(forms) == [("a", 1, True, 0)]


def test_another_persons_guess_is_no_label() -> None:
    assert judged({"a": Feedback(liked={1: True, 3: True}, guessed=frozenset({1}))}) == [("a", 3, True, 0)]


def test_a_label_without_system_turn_has_no_value() -> None:
    assert judged({"b": Feedback(liked={4: True})}) == [("b", 4, True, NOWHERE)]
    steps = [*transitions(TALK), *transitions(SILENT)]
    found = cases(corpus({"a": Feedback(liked={3: True}), "b": Feedback(liked={4: True})}), steps)
    assert found.of(np.arange(4.0) + 10).tolist()[:1] == [10.0]
    assert np.isnan(found.of(np.arange(4.0))[1])


def test_forms_of_other_dialogues_are_not_judged() -> None:
    assert judged({"c": Feedback(liked={1: True})}) == []


def test_baselines() -> None:
    steps = [*transitions(TALK), *transitions(SILENT)]
    one = corpus({"a": Feedback(liked={1: True, 2: False}), "b": Feedback(liked={1: True})})
    held = rulers.baselines(one, steps, cases(one, steps))
    assert held[rulers.CONSTANT].tolist() == [2 / 3] * 3
    np.testing.assert_array_equal(held[rulers.REPLY_WORDS], [3, np.nan, np.nan])
    assert held[rulers.SYSTEM_WORDS].tolist() == [3, 3, 3]
    assert held[rulers.POPULARITY].tolist() == [2, 0, 2]  # in train


def test_the_truth_is_that_of_the_turn() -> None:
    steps = [*transitions(TALK), *transitions(SILENT)]
    rows = (Row("r1", "a", State(TALK.turns[:1]), (3, 1)), Row("r4", "a", State(TALK.turns[:4]), (2,)))
    truth = {name: Truth(np.arange(5, dtype=np.float32) / scale) for name, scale in (("r1", 10), ("r4", 100))}
    one = corpus({"a": Feedback(liked={1: True, 2: False}), "b": Feedback(liked={1: True})}, rows, **truth)
    found = rulers.utilities(one, rows, steps, cases(one, steps))
    assert found is not None
    np.testing.assert_allclose(found, [0.1, 0.02, np.nan], rtol=1e-6)
    bare = corpus({"a": Feedback(liked={1: True})}, rows)
    assert rulers.utilities(bare, rows, steps, cases(bare, steps)) is None
