"""True satisfaction in conversations with a simulator: its mean a turn, its sum, and success.

An episode's `truth.satisfied` holds z, one a recommendation turn. One without any satisfied nobody: 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, cast

from crsbench import Options
from crsbench.types import Absent, Corpus, Episode, RankedRow, Values

DECODINGS: tuple[Literal["greedy", "sampled"], ...] = ("greedy", "sampled")


def of_episodes(metric: str, episodes: Sequence[Episode], values: Sequence[float]) -> list[Values | Absent]:
    """One value an episode. Unit episode, subset all, greedy and sampled apart."""
    found: list[Values | Absent] = []
    for decoding in DECODINGS:
        some = [(one, v) for one, v in zip(episodes, values, strict=True) if one.decoding == decoding]
        if some:
            ids = tuple(f"{decoding}/{one.seed}" for one, _ in some)
            groups = tuple(str(one.seed) for one, _ in some)
            measured = tuple(value for _, value in some)
            found.append(Values(metric, "all", "episode", ids, groups, measured, decoding=decoding))
    return found


class EpisodeMetric:
    """A number for each episode's z; greedy and sampled episodes apart."""

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "episodes"
    name: ClassVar[str]

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    @staticmethod
    def value(satisfied: Sequence[bool]) -> float:
        """Of one episode: where each of these metrics differs."""
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
        values = [self.value(episode.truth.satisfied) for episode in episodes if episode.truth]
        return of_episodes(self.name, episodes, values)


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
