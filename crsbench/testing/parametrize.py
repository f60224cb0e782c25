"""The suite as pytest parametrisation, with named expected failures that need a reason."""

from __future__ import annotations

import functools
import importlib
import json
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crsbench.errors import UsageError, nearest
from crsbench.plugins import Kind
from crsbench.store import remove
from crsbench.testing.bench import Bench, Target
from crsbench.testing.suite import NotAskedError, Rule, rules

if TYPE_CHECKING:
    import pytest

KEPT = 3  # plugins whose fitted models are kept for the checks that follow


@dataclass(frozen=True, slots=True)
class Asked:
    """A check of one plugin. Calling it raises where the plugin does not hold it."""

    rule: Rule
    target: Target

    def __call__(self) -> None:
        try:
            self.rule.ask(_bench(json.dumps(asdict(self.target), sort_keys=True)))
        except NotAskedError as reason:
            importlib.import_module("pytest").skip(str(reason))


def checks(
    kind: Kind,
    name: str,
    *,
    options: Mapping[str, Any] | None = None,
    dataset: str | None = None,
    data_dir: str | Path | None = None,
    plugins_dir: str | Path | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> pytest.MarkDecorator:
    """Parametrise a test with every check of a kind, as its argument `check`.

    `options` are the plugin's own, as after `-o` and without a prefix; "dataset.…" are those of `dataset`,
    on which it is checked instead of the tiny world. `expected_failures` maps the name of a check to the
    reason why it fails; a check that passes after all is then a failure, so that the list stays true.
    Raises UsageError for a check that there is not, and for a reason that is empty.
    """
    asked = rules(kind)
    expected = dict(expected_failures or {})
    for check, reason in expected.items():
        if check not in [rule.name for rule in asked]:
            raise UsageError(f"{kind}s have no check {check!r}", nearest(check, [r.name for r in asked]))
        if not reason.strip():
            raise UsageError(f"the expected failure of {check!r} needs a reason")
    target = Target(kind, name, dict(options or {}), dataset, _text(data_dir), _text(plugins_dir))
    pytest: Any = importlib.import_module("pytest")
    cases = [
        pytest.param(Asked(rule, target), id=rule.name, marks=_marks(expected.get(rule.name)))
        for rule in asked
    ]
    return pytest.mark.parametrize("check", cases)


def _marks(reason: str | None) -> list[Any]:
    pytest: Any = importlib.import_module("pytest")
    return [] if reason is None else [pytest.mark.xfail(reason=reason, strict=True)]


@functools.lru_cache(maxsize=KEPT)
def _bench(target: str) -> Bench:
    folder = Path(tempfile.mkdtemp(prefix="crsbench-check-"))
    bench = Bench(Target(**json.loads(target)), folder)
    weakref.finalize(bench, remove, folder)
    return bench


def _text(path: str | Path | None) -> str | None:
    return None if path is None else str(path)
