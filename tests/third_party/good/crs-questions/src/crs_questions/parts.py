"""Question marks, in the replies of users and in the words of a policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from crsbench import Options
from crsbench.types import Absent, Corpus, Episode, RankedRow, Signal, Transition, Values


class Questions:
    def __init__(self, options: Options) -> None:
        self.options = options

    def measure(self, transitions: Sequence[Transition]) -> Signal:
        asked = [np.nan if t.reply is None else float("?" in t.reply.text) for t in transitions]
        return Signal("questions", np.array(asked, np.float64), "1", "logged")


class Asks:
    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "texts"

    def __init__(self, options: Options) -> None:
        self.options = options

    def measure(
        self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus
    ) -> list[Values | Absent]:
        rows = [row for row in judged if isinstance(row, RankedRow)]
        ids, groups = tuple(row.row.id for row in rows), tuple(row.row.dialogue for row in rows)
        asks = tuple(float("?" in (row.action.text or "")) for row in rows)
        return [Values("asks", "all", "row", ids, groups, asks)]
