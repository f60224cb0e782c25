"""What speaks for each metric: its agreement with what people judged, as the metric itself measures it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crsbench.errors import DataError, PluginError, UsageError
from crsbench.plugins import Host, Offer, guarded
from crsbench.protocols import Evident
from crsbench.types import Absent, Evidence
from crsbench.ui import Ui

TEMPLATE = Path(__file__).with_name("metrics.html")


@dataclass(frozen=True, slots=True)
class Checked:
    """`rows` of the metrics that have evidence, `absent` what could not be measured and why, `silent` the
    metrics that offer no evidence."""

    rows: tuple[Evidence, ...]
    absent: tuple[Absent, ...]
    silent: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values; a bound that is not known is null."""
        return {"rows": [{key: _known(value) for key, value in asdict(row).items()} for row in self.rows]}

    def page(self) -> str:
        """One page that needs nothing else; whatever a plugin calls itself is escaped."""
        from jinja2 import Environment, StrictUndefined

        environment = Environment(autoescape=True, undefined=StrictUndefined)
        return environment.from_string(TEMPLATE.read_text("utf-8")).render(checked=self, isnan=math.isnan)


def check(host: Host, data_dir: Path, wanted: Sequence[str] | None, ui: Ui) -> Checked:
    """Ask metrics for their evidence: all that are offered, or those `wanted` by name.

    Raises UsageError for an unknown name, PluginError where a metric breaks, and DataError where nothing at
    all was found.
    """
    offers = [host.find("metric", name) for name in wanted] if wanted else _offered(host)
    rows: list[Evidence] = []
    absent: list[Absent] = []
    silent: list[str] = []
    for offer in ui.progress(offers, len(offers), "metrics"):
        metric: object = offer.make(offer.options_model()())
        if not isinstance(metric, Evident):
            silent.append(offer.name)
            continue
        for one in _asked(offer, metric, data_dir):
            if isinstance(one, Absent):
                absent.append(one)
            else:
                rows.append(one)
    if not rows:
        reasons = "; ".join(f"{one.metric}: {one.reason}" for one in absent)
        raise DataError("no metric has evidence here", reasons or "none that was asked offers any")
    return Checked(tuple(rows), tuple(absent), tuple(silent))


def _offered(host: Host) -> list[Offer]:
    return [offer for offer in host.offers if offer.kind == "metric"]


def _asked(offer: Offer, metric: Evident, data_dir: Path) -> Iterator[Evidence | Absent]:
    """What it says, under its own name; data or an extra that is missing is a reason."""
    try:
        with guarded(offer, 0, None):
            found = metric.evidence(data_dir)
    except (DataError, UsageError) as error:
        found = [Absent(offer.name, str(error))]
    for one in found:
        if one.metric != offer.name:
            text = f"{offer.full}: gave evidence of {one.metric!r}, which is not its name"
            raise PluginError(text, offer.full)
        yield one


def _known(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value
