"""True satisfaction in conversations with a simulator: its mean a turn, its sum, and success.

An episode's `truth.satisfied` holds z, one a recommendation turn. One without any satisfied nobody: 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, cast

from crsbench import Options
from crsbench.types import Absent, Corpus, Episode, RankedRow, Values

DECODINGS: tuple[Literal["greedy", "sampled"], ...] = ("greedy", "sampled")


class EpisodeMetric:
    """A number for each episode's z; greedy and sampled episodes apart."""

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "episodes"
    name: ClassVar[str]

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    @staticmethod
    def value(satisfied: Sequence[bool]) -> float:
        raise NotImplementedError

    def measure(
        self,
        judged: Sequence[RankedRow] | Sequence[Episode],
        corpus: Corpus,  # noqa: ARG002 (the episodes carry their truth)
    ) -> list[Values | Absent]:
        episodes = cast("Sequence[Episode]", judged)
        if not episodes:
            return [Absent(self.name, "no simulator: there are no episodes")]
        if any(episode.truth is None for episode in episodes):
            return [Absent(self.name, "the simulator knows no true satisfaction")]
        return [
            self._values(decoding, chosen)
            for decoding in DECODINGS
            if (chosen := [episode for episode in episodes if episode.decoding == decoding])
        ]

    def _values(self, decoding: Literal["greedy", "sampled"], episodes: Sequence[Episode]) -> Values:
        return Values(
            metric=self.name,
            subset="all",
            unit="episode",
            ids=tuple(f"{decoding}/{episode.seed}" for episode in episodes),
            groups=tuple(str(episode.seed) for episode in episodes),
            values=tuple(self.value(episode.truth.satisfied) for episode in episodes if episode.truth),
            decoding=decoding,
        )


class Satisfaction(EpisodeMetric):
    name = "satisfaction"

    @staticmethod
    def value(satisfied: Sequence[bool]) -> float:
        return sum(satisfied) / len(satisfied) if satisfied else 0.0


class SatisfactionTotal(EpisodeMetric):
    name = "satisfaction_total"

    @staticmethod
    def value(satisfied: Sequence[bool]) -> float:
        return float(sum(satisfied))


class SuccessRate(EpisodeMetric):
    name = "success_rate"

    @staticmethod
    def value(satisfied: Sequence[bool]) -> float:
        return float(sum(satisfied) >= 2)
