"""Writes what a run leaves behind; `result.json` comes last, and a folder without it is an unfinished run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crsbench.config import flat
from crsbench.errors import CrsbenchError, PluginError
from crsbench.evaluation import Judged
from crsbench.plan import Plan
from crsbench.provenance import provenance
from crsbench.record import RESULT, SCHEMA, VALUES, Measured, Run, load_run, values_lines
from crsbench.stats import Row, scores, stage_differences
from crsbench.store import write_json, write_lines, write_text
from crsbench.types import Corpus, Episode, RankedRow
from crsbench.workshop import Workshop

Record = dict[str, Any]
Unit = tuple[str, str | None]  # id, decoding


@dataclass
class Recorder:
    """Writes into the folder of one run."""

    path: Path
    plan: Plan
    run_id: str
    corpus: Corpus
    workshop: Workshop
    started: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        """What can be said before anything was done: `config.toml` makes the same run again."""
        write_text(self.path / "config.toml", self.plan.config.to_toml())

    def success(self, judged: Mapping[str, Judged]) -> Run:
        """Every file of a run that went well, the record last."""
        measured = [one for stage in judged.values() for one in stage.measured]
        rows = [line for stage, one in judged.items() for line in _rows(stage, one)]
        episodes = [line for stage, one in judged.items() for line in _episodes(stage, one)]
        write_lines(self.path / "rows.jsonl", rows)
        write_lines(self.path / "episodes.jsonl", episodes)
        write_lines(self.path / VALUES, values_lines(measured))
        absent = [
            {"metric": missing.metric, "stage": stage, "reason": missing.reason}
            for stage, one in judged.items()
            for missing in one.absent
        ]
        differences = [_difference(row) for row in stage_differences(measured)]
        return self._write("complete", None, measured, absent, differences)

    def failure(self, error: BaseException) -> None:
        """The record of a run that failed; asked for again, it is tried again."""
        told = {
            "type": type(error).__name__,
            "message": error.message if isinstance(error, CrsbenchError) else str(error),
            "plugin": error.plugin if isinstance(error, PluginError) else None,
        }
        self._write("failed", told, (), (), ())

    def _write(
        self,
        status: str,
        error: Record | None,
        measured: Sequence[Measured],
        absent: Sequence[Record],
        differences: Sequence[Record],
    ) -> Run:
        write_lines(self.path / "curves.jsonl", self.workshop.curves)
        seconds = round(time.monotonic() - self.started, 3)
        record = {
            "schema": SCHEMA,
            "status": status,
            "error": error,
            "run": {
                **describe(self.plan, self.run_id, self.corpus.fingerprint),
                "simulator_in_training": self.workshop.met_users,
            },
            "scores": [asdict(score) for score in scores(measured)],
            "stages": [asdict(stage) for stage in self.workshop.stages.values()],
            "counts": {
                "rows": len(self.corpus.test.rows),
                "targets": self.corpus.targets,
                "dropped": dict(self.corpus.dropped),
                "catalog": len(self.corpus.catalog),
                "train_dialogues": len(self.corpus.train.dialogues),
            },
            "absent": absent,
            "differences": differences,
            "observer_failures": self.workshop.observer_failures,
            "provenance": {**provenance(self.plan.device), "seconds": seconds},
        }
        write_json(self.path / RESULT, record)
        return load_run(self.path)

    def observed(self, run: Run) -> Run:
        """The record again, with what observers raised when they were told of its end."""
        failures = self.workshop.observer_failures
        if failures == run.record["observer_failures"]:
            return run
        write_json(self.path / RESULT, {**run.record, "observer_failures": failures})
        return load_run(self.path)


def describe(plan: Plan, run_id: str, fingerprint: str) -> Record:
    """The part of a record that says what was run."""
    config = plan.config
    return {
        "id": run_id,
        "plugin": plan.policy.name,
        "plugins": [{"kind": kind, **part.identity()} for kind, part in plan.parts],
        "dataset": plan.dataset.name,
        "dataset_fingerprint": fingerprint,
        "protocol": plan.protocol,
        "seed": config.seed,
        "model": config.model,
        "simulator": plan.simulator.name if plan.simulator else None,
        "limit": config.limit,
        "precision": plan.precision,
        "privileged": plan.policy.offer.spec.privileged,
        "options": _options(plan),
        "options_passed": dict(config.options),
    }


def _options(plan: Plan) -> Record:
    """Every resolved option, under the key that `-o` takes."""
    found: Record = {}
    for kind, part in plan.parts:
        prefix = {
            "policy": "",
            "signal": f"signals.{part.offer.name}.",
            "metric": f"metrics.{part.offer.name}.",
        }.get(kind, f"{kind}.")
        values = flat(part.options.model_dump(mode="json"))
        found |= {prefix + name: value for name, value in values.items()}
    return found


def _difference(row: Row) -> Record:
    return {
        "metric": row.metric,
        "subset": row.subset,
        "unit": row.unit,
        "decoding": row.decoding,
        "a": row.a,
        "b": row.b,
        "value": row.difference,
        "low": row.low,
        "high": row.high,
        "p": row.p,
        "n": row.n,
    }


def _rows(stage: str, judged: Judged) -> list[Record]:
    values = _values(judged, "row")
    return [_row(stage, row, values.get((row.row.id, None), {})) for row in judged.rows]


def _row(stage: str, row: RankedRow, values: Mapping[str, float]) -> Record:
    return {
        "id": row.row.id,
        "dialogue": row.row.dialogue,
        "stage": stage,
        "targets": row.row.targets,
        "ranks": row.ranks,
        "new": row.new,
        "tail": row.tail,
        "liked": row.liked,
        "clean": row.clean,
        "exposed": row.row.exposed,
        "values": values,
    }


def _episodes(stage: str, judged: Judged) -> list[Record]:
    values = _values(judged, "episode")
    return [_episode(stage, one, values.get((str(one.seed), one.decoding), {})) for one in judged.episodes]


def _episode(stage: str, episode: Episode, values: Mapping[str, float]) -> Record:
    history = episode.transitions[-1].next_state.history if episode.transitions else ()
    return {
        "id": str(episode.seed),
        "stage": stage,
        "decoding": episode.decoding,
        "turns": [{"speaker": t.speaker, "text": t.text, "items": t.recommended} for t in history],
        "values": values,
    }


def _values(judged: Judged, unit: str) -> dict[Unit, dict[str, float]]:
    """What metrics measured of each row or episode as a whole, by its id."""
    found: dict[Unit, dict[str, float]] = {}
    for values in (one.values for one in judged.measured):
        if values.unit == unit and values.subset == "all":
            for name, value in zip(values.ids, values.values, strict=True):
                found.setdefault((name, values.decoding), {})[values.metric] = value
    return found
