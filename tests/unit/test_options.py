"""Options: from text to values of the right type, and what is said when that fails."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator

from crsbench.errors import UsageError
from crsbench.options import Options, assignments, fields, resolve


class Inner(Options):
    epochs: int = Field(3, ge=1, le=10, description="passes")
    tags: tuple[str, ...] = ("a",)


class Model(Options):
    inner: Inner = Field(default_factory=Inner)
    rate: float = Field(0.1, gt=0)
    cap: int | None = Field(None, ge=0)
    size: Literal[1, 10] = 1
    mode: Literal["model", "logged"] = "model"
    fast: bool = False
    numbers: list[int] = Field(default_factory=list)
    name: str = "x"
    weights: dict[str, float] = Field(default_factory=dict)
    half: float = Field(0.5, ge=0, lt=1)
    even: int = Field(2, multiple_of=2)


class Other(Options):
    scale: float = Field(1.0, ge=0, le=1)


TARGETS: dict[str, type[Options]] = {
    "": Model,
    "reward": Other,
    "signals.dwell": Other,
    "metrics.recall@10": Other,
}


def policy(**passed: Any) -> Model:
    found = resolve({key.replace("__", "."): value for key, value in passed.items()}, {"": Model})[""]
    assert isinstance(found, Model)
    return found


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("inner__epochs", "4", 4),
        ("inner__tags", "a, b", ("a", "b")),
        ("inner__tags", '["a,b", "c"]', ("a,b", "c")),
        ("inner__tags", "", ()),
        ("rate", "1e-3", 0.001),
        ("rate", "2", 2.0),
        ("cap", "none", None),
        ("cap", "7", 7),
        ("size", "10", 10),
        ("mode", "LOGGED", "logged"),
        ("fast", "true", True),
        ("fast", "no", False),
        ("numbers", "1,2", [1, 2]),
        ("numbers", "[1, 2]", [1, 2]),
        ("name", "none", "none"),
        ("name", "a,b", "a,b"),
        ("weights", '{"a": 1}', {"a": 1.0}),
        # what is typed already, as from a file or from Python, is taken as it is
        ("numbers", [1, 2], [1, 2]),
        ("cap", None, None),
        ("fast", True, True),
    ],
)
def test_text_becomes_a_value_of_the_fields_type(key: str, text: object, value: object) -> None:
    found: Any = policy(**{key: text})
    for name in key.split("__"):
        found = getattr(found, name)
    assert found == value
    assert type(found) is type(value)


@given(st.integers(1, 10), st.floats(1e-300, 1e300), st.booleans(), st.none() | st.integers(0))
def test_what_python_writes_is_read_back(epochs: int, rate: float, fast: bool, cap: int | None) -> None:
    found = policy(inner__epochs=str(epochs), rate=repr(rate), fast=str(fast), cap=str(cap))
    assert (found.inner.epochs, found.rate, found.fast, found.cap) == (epochs, rate, fast, cap)


@pytest.mark.parametrize(
    ("key", "text", "line"),
    [
        ("inner__epochs", "11", "option inner.epochs: '11' is not allowed; it takes an integer from 1 to 10"),
        ("inner__epochs", "x", "option inner.epochs: 'x' is not allowed; it takes an integer from 1 to 10"),
        (
            "inner__epochs",
            "2.5",
            "option inner.epochs: '2.5' is not allowed; it takes an integer from 1 to 10",
        ),
        ("rate", "0", "option rate: '0' is not allowed; it takes a number above 0"),
        ("rate", "nan", "option rate: 'nan' is not allowed; it takes a number above 0"),
        ("rate", "inf", "option rate: 'inf' is not allowed; it takes a number above 0"),
        ("cap", "-1", "option cap: '-1' is not allowed; it takes an integer of at least 0 or none"),
        ("size", "3", "option size: '3' is not allowed; it takes one of 1, 10"),
        ("mode", "fast", "option mode: 'fast' is not allowed; it takes one of model, logged"),
        ("fast", "maybe", "option fast: 'maybe' is not allowed; it takes true or false"),
        ("numbers", "1,x", "option numbers: 'x' is not allowed; it takes a list (a,b), each an integer"),
        ("weights", "{a", "option weights: '{a' is not allowed; it takes a table"),
        ("half", "1", "option half: '1' is not allowed; it takes a number of at least 0 and below 1"),
        ("even", "3", "option even: '3' is not allowed; it takes an integer, a multiple of 2"),
        ("inner__epoch", "1", "unknown option 'inner.epoch' (did you mean 'inner.epochs'?)"),
        ("rat", "1", "unknown option 'rat' (did you mean 'rate'?)"),
        ("inner", "1", "unknown option 'inner' (a group of options, such as inner.epochs)"),
    ],
)
def test_what_is_wrong_is_one_line_with_what_is_allowed(key: str, text: str, line: str) -> None:
    with pytest.raises(UsageError) as caught:
        policy(**{key: text})
    assert str(caught.value) == line


def test_options_go_to_the_part_that_their_prefix_names() -> None:
    passed = {
        "rate": "2",
        "reward.scale": "0.5",
        "signals.dwell.scale": "0.25",
        "metrics.recall@10.scale": "0",
    }
    found: dict[str, Any] = resolve(passed, TARGETS)
    assert found[""].rate == 2
    assert [found[key].scale for key in list(TARGETS)[1:]] == [0.5, 0.25, 0]


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("labels.scale", "option 'labels.scale': this run has no label model"),
        ("signals.dwel.scale", "option 'signals.dwel.scale': this run has no such signal"),
        ("reward.scal", "unknown option 'reward.scal' (did you mean 'reward.scale'?)"),
    ],
)
def test_an_option_of_a_part_that_is_not_there(key: str, line: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve({key: "1"}, TARGETS)
    assert str(caught.value).startswith(line)


def test_a_bad_value_of_a_part_is_named_in_full() -> None:
    with pytest.raises(
        UsageError, match=r"^option reward.scale: '2' is not allowed; it takes a number from 0"
    ):
        resolve({"reward.scale": "2"}, TARGETS)


def test_a_rule_over_several_options_is_told() -> None:
    class Ruled(Options):
        low: int = 0
        high: int = 1

        @model_validator(mode="after")
        def ordered(self) -> Ruled:
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    with pytest.raises(UsageError, match="low is above high"):
        resolve({"low": "5"}, {"": Ruled})


def test_options_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        policy().rate = 3  # pyright: ignore


def test_assignments() -> None:
    assert assignments(["a=1", "b.c = x=y", "a=2"]) == {"a": "2", "b.c": "x=y"}
    for bad in ("a", "=1", ""):
        with pytest.raises(UsageError, match="not of the form key=value"):
            assignments([bad])


def test_fields_are_flat_with_defaults_in_json() -> None:
    found = {field.name: field for field in fields(Model)}
    assert list(found)[:3] == ["inner.epochs", "inner.tags", "rate"]
    assert found["inner.tags"].default == ["a"]
    assert found["cap"].default is None
    assert found["numbers"].default == []
    assert found["inner.epochs"].info.description == "passes"
