"""The run's signals, weak labels and R_φ against the sealed labels, as far as the run kept what it fitted.

Nothing is fitted again. Signals are measured on the test dialogues and R_φ, as saved, is asked about them; of
the label model a run keeps what it said of the train dialogues, so there it is judged.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from crsbench import pictures
from crsbench.asking import BATCH
from crsbench.context import measure
from crsbench.episode import transitions
from crsbench.evidence.believed import Believed, of_label, of_signal
from crsbench.evidence.cases import Cases, cases
from crsbench.evidence.rows import Row, described
from crsbench.plugins import guarded
from crsbench.reopened import Reopened
from crsbench.types import Action, Corpus, Split, Transition, WeakLabel

Steps = tuple[Transition, ...]


def judged(opened: Reopened, corpus: Corpus) -> tuple[list[Row], list[str]]:
    """A row for each of them, and why one is missing."""
    plan, seed = opened.plan, opened.run.record["run"]["seed"]
    if not plan.signals and plan.labels is None and opened.reward is None:
        return [], ["this policy needs no signals, weak labels or reward model"]
    lacking = "the dataset has no explicit labels of what was recommended there"
    steps = _steps(corpus.test)
    asked = cases(corpus, steps)
    rows: list[Row] = []
    for part in plan.signals:
        with guarded(part.offer, seed, None):
            signal = measure(part.make(), steps, corpus.catalog)
        rows.append(described(of_signal(part, signal, asked), asked, lacking, {}))
    missing: list[str] = []
    if plan.labels is not None:
        weak = _weak(opened)
        learnt = _steps(corpus.train)
        if weak is None or len(weak.probability) != len(learnt):
            missing.append(f"{plan.labels.name}: the run's store does not hold what it said of train")
        else:
            known = cases(replace(corpus, test=Split(corpus.train.dialogues)), learnt)
            row = described(of_label(plan.labels, weak, known), known, lacking, {})
            rows.append(replace(row, name=f"{row.name}, on train"))
    if opened.reward is not None:
        rows.append(described(_reward(opened, steps, asked), asked, lacking, {}))
    gone: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for why in dict.fromkeys(row.absent.values()):
            measures = ", ".join(name.replace("_", " ") for name in row.absent if row.absent[name] == why)
            gone.setdefault((measures, why), []).append(row.name)
    missing += [f"{measures} of {', '.join(names)}: {why}" for (measures, why), names in gone.items()]
    return rows, missing


def _steps(split: Split) -> Steps:
    return tuple(step for one in split.dialogues for step in transitions(one))


def _weak(opened: Reopened) -> WeakLabel | None:
    """The run's weak labels, one for each train transition."""
    ids = [stage["id"] for stage in opened.run.record["stages"] if stage["name"] == "labels"]
    for name in ids:
        file: Path = opened.store.out / "stages" / name / "files" / "labels.safetensors"
        if file.is_file():
            arrays: Any = importlib.import_module("safetensors.numpy").load_file(file)
            return WeakLabel(**arrays)
    return None


def _reward(opened: Reopened, steps: Steps, asked: Cases) -> Believed:
    """R_φ of each recommended item, from the history and the system turn: no reply is shown."""
    part = opened.plan.reward
    assert part is not None
    every = [(at, item) for at, step in enumerate(steps) for item in step.action.items]
    values: list[float] = []
    for start in range(0, len(every), BATCH):
        some = every[start : start + BATCH]
        states = [steps[at].state.blank() for at, _ in some]
        actions = [Action((item,), text=steps[at].action.text) for at, item in some]
        with opened.asking("reward"):
            values += [float(reward.total) for reward in opened.reward.score(states, actions)]
    found = np.array(values, np.float64)
    known = dict(zip(every, values, strict=True))
    pairs = zip(asked.at.tolist(), asked.items.tolist(), strict=True)
    of_cases = np.array([known.get(pair, np.nan) for pair in pairs], np.float64)
    unit = bool(((found >= 0) & (found <= 1)).all())
    return Believed(part.offer.name, part.name, "reward", found, of_cases, unit, "reward")


def drawn(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """(title, SVG): ROC curves side by side, then a reliability diagram for each probability."""
    signals = {row.name: row.roc for row in rows if row.roc is not None and row.kind == "signal"}
    others = {row.name: row.roc for row in rows if row.roc is not None and row.kind != "signal"}
    for title, curves in (("ROC of signals", signals), ("ROC of weak labels and R_φ", others)):
        if curves:
            yield title, pictures.roc(curves)
    for row in rows:
        if row.bins:
            bins = [(one.probability, one.liked, one.n) for one in row.bins]
            yield f"reliability of {row.name}", pictures.reliability(bins)
