"""What a record says, as tables: what ran, its scores, where it was made; no place on a disk."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crsbench.numbers import number, section, signed
from crsbench.record import Run, Score

Pairs = list[tuple[str, str]]
_NAME = r"[^\s/\\:;,'\"()\[\]{}]+"
_PLACE = re.compile(rf"(?<![\w/\\.:…-])(?:~|[A-Za-z]:)?(?:[/\\]{_NAME})*[/\\]({_NAME})")


def placeless(value: object) -> str:
    """Text without folders of the machine: of a path that begins at a root only the last name stays."""
    return _PLACE.sub(lambda found: f"…/{found[1]}", str(value))


def command(run: Run) -> str:
    """What makes the same run again, but for places."""
    told = run.record["run"]
    words = ["crsbench", "run", "--plugin", _bare(told["plugin"]), "--dataset", _bare(told["dataset"])]
    words += [
        "--protocol",
        told["protocol"],
        "--model",
        placeless(told["model"]),
        "--seed",
        str(told["seed"]),
    ]
    if told["limit"]:
        words += ["--limit", str(told["limit"])]
    for key, value in told["options_passed"].items():
        words += ["-o", f"{key}={placeless(value)}"]
    return shlex.join(words)


def _bare(name: str) -> str:
    return name.removeprefix("crsbench/")


def what_ran(run: Run) -> Pairs:
    """The headline facts."""
    told, counts = run.record["run"], run.record["counts"]
    dropped = ", ".join(f"{n} {why}" for why, n in counts["dropped"].items())
    return [
        ("run", run.id),
        ("policy", told["plugin"]),
        (
            "dataset",
            f"{told['dataset']}, protocol {told['protocol']}, fingerprint {told['dataset_fingerprint']}",
        ),
        ("model", placeless(told["model"])),
        ("seed", str(told["seed"])),
        ("limit", str(told["limit"] or "none")),
        ("simulated users", str(told["simulator"] or "none")),
        ("users met in training", "yes" if told["simulator_in_training"] else "no"),
        ("train dialogues", f"{counts['train_dialogues']:,}"),
        (
            "test rows",
            f"{counts['rows']:,}, {counts['targets']:,} targets" + (f"; dropped: {dropped}" * bool(dropped)),
        ),
        ("catalogue", f"{counts['catalog']:,} items"),
    ]


def options(run: Run) -> list[tuple[str, str, bool]]:
    """(key, value, whether it was passed) of every resolved option."""
    told = run.record["run"]
    passed = told["options_passed"]
    return [(key, placeless(value), key in passed) for key, value in told["options"].items()]


def plugins(run: Run) -> list[tuple[str, str, str, str]]:
    """(kind, name, version, the beginning of the digest of its sources)."""
    return [
        (one["kind"], one["name"], str(one["version"]), str(one["digest"])[:12])
        for one in run.record["run"]["plugins"]
    ]


def environment(run: Run) -> Pairs:
    """Where and with what it was made."""
    return [(key.replace("_", " "), placeless(value)) for key, value in run.record["provenance"].items()]


def stages(run: Run) -> list[tuple[str, str, str, str, str]]:
    """(name, id, seconds, steps, whether it was reused)."""
    return [
        (one["name"], one["id"], f"{one['seconds']:.1f}", str(one["steps"]), "yes" if one["reused"] else "no")
        for one in run.record["stages"]
    ]


@dataclass(frozen=True)
class Line:
    """A metric: its cells stage by stage, and the difference of the last and the first stage."""

    metric: str
    subset: str
    unit: str
    cells: tuple[str, ...]
    gap: str
    decided: bool


def scores(run: Run) -> tuple[list[str], dict[str, list[Line]]]:
    """The stages, and what was measured by section; each metric's own unit and all targets come first."""
    found: dict[tuple[str, str, str, str | None], dict[str, Score]] = {}
    names = list(dict.fromkeys(score.stage for score in run.scores))
    for score in run.scores:
        found.setdefault((score.metric, score.subset, score.unit, score.decoding), {})[score.stage] = score
    gaps: dict[Any, Mapping[str, Any]] = {
        (row["metric"], row["subset"], row["unit"], row["decoding"]): row
        for row in run.record["differences"]
        if (row["a"], row["b"]) == (names[0], names[-1])
    }
    sections: dict[str, list[Line]] = {}
    for key in sorted(found, key=lambda key: key[3] or ""):
        metric, subset, unit, decoding = key
        cells = tuple(_cell(found[key].get(name)) for name in names)
        gap = gaps.get(key)
        decided = gap is not None and (gap["low"] > 0 or gap["high"] < 0)
        text = "" if gap is None else interval(gap["value"], gap["low"], gap["high"], sign=True)
        sections.setdefault(section(decoding), []).append(Line(metric, subset, unit, cells, text, decided))
    return names, sections


def _cell(score: Score | None) -> str:
    return "–" if score is None else interval(score.value, score.low, score.high)


def interval(value: float | None, low: float | None, high: float | None, sign: bool = False) -> str:
    """.512 [.498, .526]; differences with their sign."""
    told = signed if sign else number
    return told(value) if low is None or math.isnan(low) else f"{told(value)} [{told(low)}, {told(high)}]"


def absent(run: Run) -> Sequence[str]:
    """What was not measured, and what observers raised."""
    missing = dict.fromkeys(f"{row['metric']}: {placeless(row['reason'])}" for row in run.record["absent"])
    return [*missing, *(f"an observer failed: {placeless(said)}" for said in run.record["observer_failures"])]
