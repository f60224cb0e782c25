"""coherence: how well a response continues its context, by a head that learnt it on train dialogues.

Plain cosine of sentence embeddings is fooled: on ReDial an echo of the user's last turn outscores the true
reply in nearly every row. `next_turn` is trained against such controls, and says what it is made of. It reads
texts without titles (untitled.py): what a policy recommends is judged by other measures, and a head that
reads titles learns by heart which ones follow what, and takes a rarer choice for an incoherent turn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar, cast

from crsbench_features.encoder import Encoder

from crsbench import Options
from crsbench.errors import UsageError
from crsbench.types import Absent, Corpus, Dialogue, Episode, Evidence, RankedRow, Row, Values
from crsbench_metrics.options import CoherenceOptions
from crsbench_metrics.untitled import INSTEAD, Untitled

if TYPE_CHECKING:
    from crsbench_metrics.next_turn import NextTurn

Named = TypeVar("Named", Dialogue, Row)


class Coherence:
    """Probability in [0, 1] that a response, titles aside, is the next turn. Unit row, subset all.

    Learnt from `dialogues` train dialogues and measured on `rows` rows, the first by the hash of their ids,
    so that all policies are measured on the same. Silence of a policy that talks is worth 0. Absent where a
    policy does not talk, and where the encoder (extra `[encoder]`) is not installed.

    Cost: a text that was never embedded before takes 8 ms of CPU. The train dialogues hold some 8,000,
    and the head takes 15 s: once a dataset, as both are kept (`heads`). A policy adds at most `rows` texts.
    """

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "texts"
    name: ClassVar[str] = "coherence"

    def __init__(self, options: Options | None = None) -> None:
        self.options = options if isinstance(options, CoherenceOptions) else CoherenceOptions()
        self._fitted: tuple[Corpus, NextTurn, Untitled] | None = None

    def measure(
        self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus
    ) -> list[Values | Absent]:
        ranked = {one.row.id: one for one in cast("Sequence[RankedRow]", judged)}
        if not any(len(dialogue.turns) > 1 for dialogue in corpus.train.dialogues) or not ranked:
            return [Absent(self.name, f"there are no {'train dialogues' if ranked else 'rows'}")]
        if all(one.action.text is None for one in ranked.values()):
            return [Absent(self.name, "the policy does not talk")]
        chosen = first([one.row for one in ranked.values()], self.options.rows)
        texts = [(ranked[row.id].action.text or "").strip() for row in chosen]
        try:
            head, untitled = self.head(corpus)
        except UsageError as error:
            return [Absent(self.name, str(error))]
        histories = [untitled.turns(row.state.history) for row in chosen]
        found = head.probability(histories, [untitled(text) for text in texts]).tolist()
        values = tuple(value if text else 0.0 for value, text in zip(found, texts, strict=True))
        ids, groups = tuple(row.id for row in chosen), tuple(row.dialogue for row in chosen)
        return [Values(self.name, "all", "row", ids, groups, values)]

    def head(self, corpus: Corpus) -> tuple[NextTurn, Untitled]:
        """Fitted once a corpus: the stages of a run share it. Raises UsageError without the encoder."""
        if self._fitted is None or self._fitted[0] is not corpus:
            encoder = Encoder()
            from crsbench_metrics.heads import fitted  # it needs torch

            untitled = Untitled(corpus.catalog)
            dialogues = first(corpus.train.dialogues, self.options.dialogues)
            read = [untitled.turns(one.turns) for one in dialogues]
            self._fitted = corpus, fitted(encoder, read, [INSTEAD]), untitled
        return self._fitted[1:]

    def evidence(self, data_dir: Path) -> list[Evidence | Absent]:
        """On ReDial's test dialogues: what people did say next, against what nobody said there."""
        from crsbench_metrics.coherence_evidence import ROWS, redial

        return [*redial(Coherence(self.options.model_copy(update={"rows": ROWS})), data_dir)]


def first(named: Sequence[Named], n: int) -> list[Named]:
    """The first n by the hash of their ids: a choice that no order of the data and no seed changes."""
    return sorted(named, key=lambda one: hashlib.sha256(one.id.encode()).digest())[:n]
