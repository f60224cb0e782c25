"""Whose code a stage's `build` is."""

from __future__ import annotations

import functools
from collections import OrderedDict

from crsbench.context import homes


class Builder:
    def build(self, folder: object) -> None: ...

    def __call__(self, folder: object) -> None: ...


def build(folder: object) -> None: ...


def test_homes() -> None:
    here = __name__.partition(".")[0]
    assert homes(build) == {here}
    assert homes(lambda folder: None) == {here}
    assert homes(functools.partial(functools.partial(build), 1)) == {here}
    assert homes(Builder().build) == {here}
    assert homes(Builder()) == {here}


def test_a_method_is_also_of_the_class_that_inherits_it() -> None:
    stranger = type("Stranger", (Builder,), {"__module__": "stranger.deep"})
    assert homes(stranger().build) == {__name__.partition(".")[0], "stranger"}
    assert homes(OrderedDict().copy) == {"collections"}
