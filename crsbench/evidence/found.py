"""What `crsbench signals` found, as JSON and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from crsbench.evidence.comparisons import Ablation, Agreement, Comparison
from crsbench.evidence.ranking import Ranking
from crsbench.evidence.rows import Row
from crsbench.intervals import Interval
from crsbench.types import Absent


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything found, field by field a key of the JSON object.

    `rows` are the signals, label models and R_φ; `rulers` what they are held against: baselines, and the true
    utility where it is known. `counts` says of how many dialogues, recommendations and labels, `liked` is the
    share of labels that say so. `comparisons` are paired differences in AUC, `agreement` is between signals,
    `ablation` what the first label model owes to each signal, `ranking` R_φ's of the whole catalogue against
    true utilities or the reason why there is none. `says` puts what matters most into sentences.
    """

    dataset: str
    protocol: str
    fingerprint: str
    model: str
    seed: int
    limit: int | None
    counts: Mapping[str, int]
    liked: float | None
    rows: tuple[Row, ...]
    rulers: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    agreement: Agreement
    ablation: tuple[Ablation, ...]
    ranking: Ranking | Absent
    says: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values, without the curves."""
        found = asdict(self)
        for row in (*found["rows"], *found["rulers"]):
            del row["roc"]
        return found


def sentences(rows: Sequence[Row]) -> list[str]:
    """What can be known before the user answers, and what after, by the label model that R_φ learns from."""
    known = [(row, row.auc) for row in rows if row.auc is not None]
    if not known:
        reasons = dict.fromkeys(row.absent.get("auc", "") for row in rows)
        return [f"Nothing can be judged: {'; '.join(reasons)}."]
    pairs = "ranks a liked item above one that was not in"
    said: list[str] = []
    label = next(((row, auc) for row, auc in known if row.kind == "labels"), None)
    for row, auc in known:
        if row.kind == "reward":
            said.append(
                f"What can be known before the user answers: {row.name}, which is shown the history and the "
                f"system turn but no reply, {pairs} {_share(auc)} of the pairs; {_coin(auc)}."
            )
            if label is not None and label[1].value > 0.5:
                way = max(auc.value - 0.5, 0) / (label[1].value - 0.5)
                said.append(f"That is {way:.0%} of the way from a coin to {label[0].name} after the reply.")
    if label is not None:
        row, auc = label
        said.append(
            f"What can be known once the user has replied: {row.name} {pairs} {_share(auc)} of the pairs; "
            f"{_coin(auc)}."
        )
    return said


def _share(value: Interval) -> str:
    return f"{value.value:.1%} [{value.low:.1%}, {value.high:.1%}]"


def _coin(value: Interval) -> str:
    if value.high < 0.5:
        return "it is wrong more often than a coin"
    return "a coin does in 50%" if value.low > 0.5 else "a coin might do as well"
