"""What `crsbench signals` found: tables for people, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from crsbench.cli import fitting
from crsbench.cli.numbers import difference, interval, number
from crsbench.cli.output import console, plain
from crsbench.evidence.comparisons import Agreement, Comparison
from crsbench.evidence.rows import QUANTILES, Row
from crsbench.types import Absent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from crsbench.evidence.found import Evidence
    from crsbench.intervals import Interval

Cells: TypeAlias = "Sequence[str | Text]"
_WIDTH = 80
_KINDS = {
    "signal": "signals",
    "labels": "label models",
    "reward": "before the reply",
    "baseline": "baselines",
    "ceiling": "most before the reply",
}
_SHOWN = (0.05, 0.5, 0.95)  # of the quantiles


def show(found: Evidence) -> None:
    """Everything, what matters most first."""
    out = console()
    out.print()
    limit = f", limit {found.limit}" if found.limit else ""
    counts = found.counts
    _say(out, f"{found.dataset}, protocol {found.protocol}", f"model {found.model}, seed {found.seed}{limit}")
    for did, split in (("fitted", "train"), ("judged", "test")):
        turns = counts[f"{split}_transitions"]
        _say(out, f"{did} on {counts[f'{split}_dialogues']} {split} dialogues, {turns} recommending turns")
    if found.liked is not None:
        lost = counts["labels_without_system_turn"]
        of_these = f"; no system turn names the item of {lost}" if lost else ""
        _say(out, f"{counts['labels']} sealed labels, {found.liked:.1%} of them liked{of_these}")
    out.print()
    _say(out, *(line for text in found.says for line in textwrap.wrap(text, _WIDTH)))
    rows = (*found.rows, *found.rulers)
    _measures(out, rows)
    _probabilities(out, rows)
    _spread(out, found.rows)
    _agreement(out, found.agreement)
    _gaps(out, "AUC, first minus second, paired", [(gap.a, gap.b, gap) for gap in found.comparisons])
    first = next((row.name for row in found.rows if row.kind == "labels"), "")
    refits = [(one.signal, one.how, one.difference) for one in found.ablation]
    _gaps(out, f"AUC of {first} refitted with a signal permuted or left out, minus as it is", refits)
    _ranking(out, found)


def _say(out: Console, *lines: str) -> None:
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


def _print(
    out: Console, title: str, columns: Sequence[str], rows: Sequence[Cells], numbers: tuple[int, ...] = ()
) -> None:
    if rows:
        out.print()
        _say(out, title)
        fitting.show(out, columns, rows, numbers)


def _measures(out: Console, rows: Sequence[Row]) -> None:
    lines: list[Cells] = []
    for kind in dict.fromkeys(row.kind for row in rows):
        lines.append([f"[dim]{_KINDS[kind]}[/]"])
        for row in rows:
            if row.kind == kind:
                covered = "" if row.coverage is None else f"{row.coverage:.1%}"
                name, share, n = plain(f" {row.name}", covered, str(row.n))
                lines.append([name, share, n, _cell(row.auc), _cell(row.average_precision)])
    columns = ["", "covers", "labels", "AUC", "average precision"]
    _print(out, "against the labels [95% interval over dialogues]", columns, lines, (1, 2))


def _probabilities(out: Console, rows: Sequence[Row]) -> None:
    lines = [
        [*plain(row.name), _cell(row.brier), _cell(row.calibration_error)]
        for row in rows
        if row.brier is not None
    ]
    columns = ["", "Brier score", "expected calibration error"]
    _print(out, "probabilities [95% interval over dialogues]", columns, lines)


def _spread(out: Console, rows: Sequence[Row]) -> None:
    """How values are distributed, and what label models have learnt of them."""
    models = list(dict.fromkeys(model for row in rows for model in row.reliability))
    titles = [f"{share:.0%}" for share in _SHOWN]
    lines: list[Cells] = []
    for row in rows:
        values = dict(zip(QUANTILES, row.quantiles, strict=bool(row.quantiles)))
        shares = [number(values.get(share)) for share in _SHOWN]
        learnt = [number(row.reliability.get(model)) if row.reliability else "" for model in models]
        lines.append(plain(row.name, row.unit or "", row.source or "", *shares, *learnt))
    learnt = "; r: reliability learnt, .5 tells nothing" if models else ""
    columns = ["", "unit", "source", *titles, *(f"r {model}" for model in models)]
    _print(out, f"values: quantiles{learnt}", columns, lines, (3, 4, 5))


def _agreement(out: Console, found: Agreement) -> None:
    lines = [
        plain(name, *(number(value) for value in row))
        for name, row in zip(found.names, found.rho, strict=True)
    ]
    if len(lines) > 1:
        numbers = tuple(range(1, len(lines) + 1))
        _print(out, "agreement of signals (Spearman)", ["", *found.names], lines, numbers)


def _gaps(out: Console, title: str, rows: Sequence[tuple[str, str, Comparison | None]]) -> None:
    lines = [
        [*plain(a, b), difference(gap.value, gap.low, gap.high), str(gap.n)]
        for a, b, gap in rows
        if gap is not None
    ]
    _print(out, title, ["", "", "difference", "n"], lines, (3,))


def _ranking(out: Console, found: Evidence) -> None:
    ranking = found.ranking
    if isinstance(ranking, Absent):
        out.print()
        _say(out, f"not measured: {ranking.metric} of the catalogue: {ranking.reason}")
        return
    reward = next(row.name for row in found.rows if row.kind == "reward")
    values = {reward: ranking.reward, **{f"{name} †": value for name, value in ranking.bounds.items()}}
    lines = [[*plain(name), _cell(value), str(value.n)] for name, value in values.items()]
    title = "ranking of the catalogue against true utilities; † is handed the truth"
    _print(out, title, ["", "Spearman", "rows"], lines, (2,))


def _cell(value: Interval | None) -> str:
    return interval(value.value, value.low, value.high) if value else "-"
