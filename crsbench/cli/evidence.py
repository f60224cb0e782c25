"""What `crsbench signals` found: tables for people, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crsbench.cli.numbers import difference, interval, number
from crsbench.cli.output import console, plain, table
from crsbench.evidence.comparisons import Agreement, Comparison
from crsbench.evidence.rows import QUANTILES, Row
from crsbench.types import Absent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from crsbench.evidence.found import Evidence
    from crsbench.intervals import Interval

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


def _print(out: Console, title: str, made: Table) -> None:
    if made.row_count:
        out.print()
        _say(out, title)
        out.print(made)


def _measures(out: Console, rows: Sequence[Row]) -> None:
    made = _fixed("", "covers", "labels", "AUC", "average precision", numbers=(1, 2))
    for kind in dict.fromkeys(row.kind for row in rows):
        made.add_row(f"[dim]{_KINDS[kind]}[/]")
        for row in rows:
            if row.kind == kind:
                covered = "" if row.coverage is None else f"{row.coverage:.1%}"
                name, share, n = plain(f" {row.name}", covered, str(row.n))
                made.add_row(name, share, n, _cell(row.auc), _cell(row.average_precision))
    _print(out, "against the labels [95% interval over dialogues]", made)


def _probabilities(out: Console, rows: Sequence[Row]) -> None:
    made = _fixed("", "Brier score", "expected calibration error")
    for row in rows:
        if row.brier is not None:
            made.add_row(*plain(row.name), _cell(row.brier), _cell(row.calibration_error))
    _print(out, "probabilities [95% interval over dialogues]", made)


def _spread(out: Console, rows: Sequence[Row]) -> None:
    """How values are distributed, and what label models have learnt of them."""
    models = list(dict.fromkeys(model for row in rows for model in row.reliability))
    titles = [f"{share:.0%}" for share in _SHOWN]
    made = table("", "unit", "source", *titles, *(f"r {model}" for model in models), numbers=(3, 4, 5))
    for row in rows:
        values = dict(zip(QUANTILES, row.quantiles, strict=bool(row.quantiles)))
        shares = [number(values.get(share)) for share in _SHOWN]
        learnt = [number(row.reliability.get(model)) if row.reliability else "" for model in models]
        made.add_row(*plain(row.name, row.unit or "", row.source or "", *shares, *learnt))
    learnt = "; r: reliability learnt, .5 tells nothing" if models else ""
    _print(out, f"values: quantiles{learnt}", made)


def _agreement(out: Console, found: Agreement) -> None:
    made = _fixed("", *found.names, numbers=tuple(range(1, len(found.names) + 1)))
    for name, row in zip(found.names, found.rho, strict=True):
        made.add_row(*plain(name, *(number(value) for value in row)))
    if len(found.names) > 1:
        _print(out, "agreement of signals (Spearman)", made)


def _gaps(out: Console, title: str, rows: Sequence[tuple[str, str, Comparison | None]]) -> None:
    made = _fixed("", "", "difference", "n", numbers=(3,))
    for a, b, gap in rows:
        if gap is not None:
            names = plain(a, b)
            made.add_row(*names, difference(gap.value, gap.low, gap.high), *plain(str(gap.n)))
    _print(out, title, made)


def _ranking(out: Console, found: Evidence) -> None:
    ranking = found.ranking
    if isinstance(ranking, Absent):
        out.print()
        _say(out, f"not measured: {ranking.metric} of the catalogue: {ranking.reason}")
        return
    made = _fixed("", "Spearman", "rows", numbers=(2,))
    reward = next(row.name for row in found.rows if row.kind == "reward")
    for name, value in {reward: ranking.reward, **{f"{n} †": v for n, v in ranking.bounds.items()}}.items():
        made.add_row(*plain(name), _cell(value), *plain(str(value.n)))
    _print(out, "ranking of the catalogue against true utilities; † is handed the truth", made)


def _fixed(*columns: str, numbers: tuple[int, ...] = ()) -> Table:
    made = table(*columns, numbers=numbers)
    for column in made.columns:
        column.no_wrap = True
    return made


def _cell(value: Interval | None) -> str:
    return interval(value.value, value.low, value.high) if value else "-"
