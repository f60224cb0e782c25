"""What `crsbench signals` found as one page that needs nothing else: tables, ROC, reliability diagrams."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

from crsbench import pictures
from crsbench.evidence.found import Evidence
from crsbench.evidence.rows import MEASURES, QUANTILES, Row
from crsbench.intervals import Interval
from crsbench.types import Absent

TEMPLATE = Path(__file__).with_name("page.html")
KINDS = {
    "signal": "signals",
    "labels": "label models",
    "reward": "reward model, before the reply",
    "baseline": "baselines: they know nothing of satisfaction",
    "ceiling": "ceiling: the true probability, before the reply",
}


def page(found: Evidence) -> str:
    """The page as HTML; whatever a plugin or the data calls itself is escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    rows = (*found.rows, *found.rulers)
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault(KINDS[row.kind], []).append(row)
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        found=found,
        kinds=kinds,
        absent=_absent(rows),
        quantiles=QUANTILES,
        models=list(dict.fromkeys(model for row in found.rows for model in row.reliability)),
        ranked=_ranked(found),
        pictures=[(title, _data(svg)) for title, svg in _pictures(found)],
        number=_number,
    )


def _absent(rows: tuple[Row, ...]) -> list[str]:
    """Each reason once, with the rows and measures that it explains."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for reason in dict.fromkeys(row.absent.values()):
            measures = ", ".join(
                name.replace("_", " ") for name in MEASURES if row.absent.get(name) == reason
            )
            reasons.setdefault((measures, reason), []).append(row.name)
    return [f"{measures} of {', '.join(names)}: {why}" for (measures, why), names in reasons.items()]


def _ranked(found: Evidence) -> dict[str, Interval]:
    if isinstance(found.ranking, Absent):
        return {}
    name = next(row.name for row in found.rows if row.kind == "reward")
    return {name: found.ranking.reward, **{f"{n} †": value for n, value in found.ranking.bounds.items()}}


def _pictures(found: Evidence) -> Iterator[tuple[str, str]]:
    """(title, SVG): those that can be compared in one picture first, then each on its own."""
    curves = {row.name: row.roc for row in found.rows if row.roc is not None}
    for title, kinds in (("signals", ("signal",)), ("label models and reward model", ("labels", "reward"))):
        several = {row.name: curves[row.name] for row in found.rows if row.kind in kinds and row.roc}
        if len(several) > 1:
            yield f"ROC: {title}", pictures.roc(several)
    for row in (*found.rows, *found.rulers):
        if row.roc is not None and row.kind != "baseline":
            yield f"ROC: {row.name}", pictures.roc({row.name: row.roc})
        if row.bins and row.kind != "baseline":
            bins = [(one.probability, one.liked, one.n) for one in row.bins]
            yield f"Reliability: {row.name}", pictures.reliability(bins)


def _data(svg: str) -> str:
    """As an image of its own, so that ids of two pictures do not meet."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
