"""What a policy's responses are like as text: variety, repetition, length, likeness to a reference.

A response is the text of the turn that a policy would take in a test row; one that is silent says nothing,
which is the empty text. None of these says that a response is good: BLEU and ROUGE-L hold it to one reply of
many that would have done, and what is short and common costs few bits.

Tokens are words and punctuation marks in lower case; those of ROUGE-L runs of a–z and 0–9, those of BLEU
sacreBLEU's (13a).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from crsbench import Options
from crsbench.audit.splits import reply_to
from crsbench.types import Absent, Corpus, Episode, RankedRow, Values
from crsbench_metrics.scorer import ByteScorer
from crsbench_metrics.whole import by_dialogue, distinct, of_rows, of_sample

_TOKEN = re.compile(r"\w+(?:'\w+)*|[^\w\s]")
_ROUGE_TOKEN = re.compile(r"[a-z0-9]+")
_NO_REPLIES = "the test split does not hold the replies that rows ask for"


def tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower())


def pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    """Bigrams."""
    return list(itertools.pairwise(words))


def repetition(text: str, n: int = 4) -> float:
    """1 − different n-grams / n-grams, 0 where there is none: seq-rep-n of Welleck et al., ICLR 2020."""
    words = tokens(text)
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def rouge_l(text: str, reference: str) -> float:
    """F₁ of the longest common subsequence L of tokens: 2 L / (their numbers together) (Lin, 2004).

    Of the reference's tokens bit i of `row` is 0 where the subsequence grows at i (Hyyrö, AWOCA 2004).
    """
    words, theirs = _ROUGE_TOKEN.findall(text.lower()), _ROUGE_TOKEN.findall(reference.lower())
    places: dict[str, int] = {}
    for i, word in enumerate(theirs):
        places[word] = places.get(word, 0) | 1 << i
    full = (1 << len(theirs)) - 1
    row = full
    for word in words:
        matched = row & places.get(word, 0)
        row = (row + matched | row - matched) & full
    common = len(theirs) - row.bit_count()
    return 2 * common / (len(words) + len(theirs)) if common else 0.0


class TextMetric:
    """Measures the responses of rows; `values` is given rows of a policy that talks, at least one."""

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "texts"
    name: ClassVar[str]

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    def measure(
        self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus
    ) -> list[Values | Absent]:
        rows = cast("Sequence[RankedRow]", judged)
        if not rows:
            return [Absent(self.name, "there are no rows")]
        if all(row.action.text is None for row in rows):
            return [Absent(self.name, "the policy does not talk")]
        return [self.values(rows, corpus)]

    def values(self, rows: Sequence[RankedRow], corpus: Corpus) -> Values | Absent:
        """What each of these metrics makes of a policy that talks."""
        raise NotImplementedError


class Distinct2(TextMetric):
    """Different bigrams of all responses together, by the number of their tokens (Li et al., NAACL 2016)."""

    name = "distinct-2"
    most: ClassVar[float | None] = 1.0

    def values(self, rows: Sequence[RankedRow], corpus: Corpus) -> Values | Absent:  # noqa: ARG002
        dialogues = by_dialogue(rows)
        said = [tokens(row.action.text or "") for row in rows]
        bigrams = [[pair for place in places for pair in pairs(said[place])] for places in dialogues.values()]
        sizes = np.array([self.size([said[p] for p in places]) for places in dialogues.values()], np.float64)
        count, without = distinct(bigrams)
        rest = np.maximum(sizes.sum() - sizes, 1)
        whole = count / max(sizes.sum(), 1)
        return of_sample(self.name, tuple(dialogues), whole, without / rest, most=self.most)

    @staticmethod
    def size(said: Sequence[Sequence[str]]) -> int:
        """What the responses of a dialogue add to the denominator."""
        return sum(map(len, said))


class Distinct2Response(Distinct2):
    """As CRSLab and UniCRS compute it: different bigrams by the number of responses, often above 1."""

    name = "distinct-2-response"
    most = None

    @staticmethod
    def size(said: Sequence[Sequence[str]]) -> int:
        return len(said)


class Repetition(TextMetric):
    """Share of a response's 4-grams that it has said before; mean over rows."""

    name = "repetition"

    def values(self, rows: Sequence[RankedRow], corpus: Corpus) -> Values | Absent:  # noqa: ARG002
        return of_rows(self.name, rows, [repetition(row.action.text or "") for row in rows], False)


class Length(TextMetric):
    """Tokens of a response; mean over rows. Neither is better: the record says lower, to pay no padding."""

    name = "length"

    def values(self, rows: Sequence[RankedRow], corpus: Corpus) -> Values | Absent:  # noqa: ARG002
        return of_rows(self.name, rows, [float(len(tokens(row.action.text or ""))) for row in rows], False)


class BitsPerByte(TextMetric):
    """Bits of all responses by their bytes under `ByteScorer`, fitted on the system's turns in train.

    How expected the responses are in the language of the data: noise costs much. So does wording of one's
    own, and a stock phrase costs least: read it beside distinct-2.
    """

    name = "bits_per_byte"

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self._fitted: tuple[Corpus, ByteScorer] | None = None

    def values(self, rows: Sequence[RankedRow], corpus: Corpus) -> Values | Absent:
        if self._fitted is None or self._fitted[0] is not corpus:
            turns = [turn for dialogue in corpus.train.dialogues for turn in dialogue.turns]
            texts = [turn.text for turn in turns if turn.speaker == "system"]
            if not texts:
                return Absent(self.name, "no system turn in train to fit the scorer on")
            self._fitted = corpus, ByteScorer(texts)
        bits, sizes = self._fitted[1].bits([row.action.text or "" for row in rows])
        dialogues = by_dialogue(rows)
        cost = np.array([bits[places].sum() for places in dialogues.values()])
        size = np.array([sizes[places].sum() for places in dialogues.values()], np.float64)
        whole = float(cost.sum() / size.sum())
        without = (cost.sum() - cost) / np.maximum(size.sum() - size, 1)
        return of_sample(self.name, tuple(dialogues), whole, without, False, most=None)


class ReferenceMetric(TextMetric):
    """Holds responses to the reply that the data has; rows whose reply is not there are left out."""

    def values(self, rows: Sequence[RankedRow], corpus: Corpus) -> Values | Absent:
        dialogues = {one.id: one for one in corpus.test.dialogues}
        replies = [reply_to(row.row, dialogues.get(row.row.dialogue)) for row in rows]
        known = [(row, reply.strip()) for row, reply in zip(rows, replies, strict=True) if reply is not None]
        if not known:
            return Absent(self.name, _NO_REPLIES)
        return self.against([row for row, _ in known], [reply for _, reply in known])

    def against(self, rows: Sequence[RankedRow], replies: Sequence[str]) -> Values:
        """What each of these metrics makes of responses beside the logged replies."""
        raise NotImplementedError


class RougeL(ReferenceMetric):
    """ROUGE-L of a response and the reply; mean over rows."""

    name = "rouge-l"

    def against(self, rows: Sequence[RankedRow], replies: Sequence[str]) -> Values:
        pairs_of = zip(rows, replies, strict=True)
        return of_rows(self.name, rows, [rouge_l(row.action.text or "", reply) for row, reply in pairs_of])


class Bleu(ReferenceMetric):
    """sacreBLEU's corpus score, 0 to 100, of one reference (Post, WMT 2018): secondary to everything else."""

    name = "bleu"

    def against(self, rows: Sequence[RankedRow], replies: Sequence[str]) -> Values:
        from sacrebleu.metrics.bleu import BLEU  # late: it brings a parser with it

        scorer: Any = BLEU(effective_order=True)  # that changes the score of a sentence, and not its counts
        counted: list[list[int]] = []
        for row, reply in zip(rows, replies, strict=True):
            one = scorer.sentence_score(row.action.text or "", [reply])
            counted.append([*one.counts, *one.totals, one.sys_len, one.ref_len])
        counts = np.array(counted)

        def score(sums: NDArray[np.int64]) -> float:
            right, total, (mine, theirs) = sums[:4].tolist(), sums[4:8].tolist(), sums[8:].tolist()
            return float(BLEU.compute_bleu(right, total, mine, theirs, smooth_method="exp").score)

        dialogues = by_dialogue(rows)
        whole = counts.sum(axis=0)
        without = [score(whole - counts[places].sum(axis=0)) for places in dialogues.values()]
        return of_sample(self.name, tuple(dialogues), score(whole), np.array(without), most=100.0)
