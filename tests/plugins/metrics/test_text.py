"""Text metrics: by hand, against sacreBLEU, against plain loops."""

import itertools
import math

import numpy as np
import pytest
from crsbench_metrics import text
from crsbench_metrics.scorer import END, ORDER, START, ByteScorer
from crsbench_metrics.text import repetition, rouge_l
from hypothesis import given, settings
from hypothesis import strategies as st

from crsbench.types import (
    Absent,
    Action,
    Catalog,
    Corpus,
    Dialogue,
    RankedRow,
    Row,
    Sealed,
    Split,
    State,
    Turn,
)

METRICS = [
    text.Distinct2,
    text.Distinct2Response,
    text.Repetition,
    text.Length,
    text.BitsPerByte,
    text.RougeL,
    text.Bleu,
]
WORDS = ["a", "b", "c", "d", "e"]
sentences = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


def corpus(train=("you could watch this",), replies=()):
    """Train's system turns, and the replies of the test dialogues d0, d1, …"""
    learnt = Dialogue("t", tuple(Turn("system", said) for said in train))
    test = tuple(
        Dialogue(f"d{n}", (Turn("user", "hi"), Turn("system", reply))) for n, reply in enumerate(replies)
    )
    return Corpus(Catalog(()), Split((learnt,) if train else ()), Split(), Split(test), Sealed(), "", 0)


def ranked(n, said, dialogue=None):
    row = Row(f"r{n}", dialogue or f"d{n}", State((Turn("user", "hi"),)), ())
    return RankedRow(row, Action((), text=said), (), (), (), (), True)


def mean(values):
    return sum(values.values) / len(values.values)


def test_distinct_by_hand():
    rows = [ranked(0, "a b a b"), ranked(1, "a b", "d0"), ranked(2, "B, a!", "d1"), ranked(3, None, "d1")]
    (per_token,) = text.Distinct2().measure(rows, corpus())
    (per_response,) = text.Distinct2Response().measure(rows, corpus())
    # ab, ba; b, and ,a and a!: 5 pairs; 4 + 2 + 4 tokens; 4 responses
    assert mean(per_token) == pytest.approx(5 / 10)
    assert mean(per_response) == pytest.approx(5 / 4)
    assert (per_token.unit, per_token.ids, per_token.groups) == ("dialogue", ("d0", "d1"), ("d0", "d1"))
    # without d0: 3 pairs of 4 tokens; without d1: 2 of 6
    spread = (3 / 4 - 2 / 6) / 2
    assert per_token.values == pytest.approx((1 / 2 - spread, 1 / 2 + spread))


def test_repetition_and_length_by_hand():
    assert repetition("a b c d a b c d") == pytest.approx(1 / 5)  # abcd twice among five
    assert repetition("a b c") == 0
    rows = [ranked(0, "It's fine, really."), ranked(1, None)]
    (length,) = text.Length().measure(rows, corpus())
    assert (length.values, length.unit, length.higher_is_better) == ((5.0, 0.0), "row", False)


def lcs(a, b):
    if not a or not b:
        return 0
    return 1 + lcs(a[1:], b[1:]) if a[0] == b[0] else max(lcs(a[1:], b), lcs(a, b[1:]))


@given(st.lists(st.sampled_from("ab"), max_size=7), st.lists(st.sampled_from("abc"), max_size=7))
def test_rouge_l_against_its_definition(mine, theirs):
    common = lcs(mine, theirs)
    expected = 2 * common / (len(mine) + len(theirs)) if common else 0
    assert rouge_l(" ".join(mine), " ".join(theirs)) == pytest.approx(expected)


def test_rouge_l_against_rouge_score():
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rougeL"])
    for mine, theirs in random_texts(1000):
        assert rouge_l(mine, theirs) == pytest.approx(scorer.score(theirs, mine)["rougeL"].fmeasure)


def random_texts(count):
    rng = np.random.default_rng(0)
    words = [*WORDS, "It's", "Up,", "(1999)", "ok!", "naïve", "x-y", "100%", "."]
    for _ in range(count):
        yield tuple(" ".join(rng.choice(words, rng.integers(0, 15))) for _ in range(2))


def test_bleu_against_sacrebleu():
    """1,000 pairs, empty ones among them: the score, and what it is without a row."""
    import sacrebleu

    said, replies = zip(*random_texts(1000), strict=True)
    data = corpus(replies=replies)
    dialogues = {one.id: one for one in data.test.dialogues}
    rows = [ranked(n, one) for n, one in enumerate(said)]
    (values,) = text.Bleu().measure(rows, data)
    assert mean(values) == pytest.approx(sacrebleu.corpus_bleu(said, [replies]).score)
    assert (values.unit, len(values.ids)) == ("dialogue", len(dialogues))
    without = sacrebleu.corpus_bleu(said[1:], [replies[1:]]).score
    other = sacrebleu.corpus_bleu(said[:-1], [replies[:-1]]).score
    assert values.values[0] - values.values[-1] == pytest.approx(999 * (other - without))


def test_references_are_those_of_the_test_dialogues():
    rows = [ranked(0, "see Up"), ranked(1, "see It"), ranked(2, "no dialogue")]
    (values,) = text.RougeL().measure(rows, corpus(replies=("see Up", "go")))
    assert (values.ids, values.values) == (("r0", "r1"), (1.0, 0.0))
    for metric in (text.RougeL, text.Bleu):
        (absent,) = metric().measure(rows, corpus())
        assert absent == Absent(metric.name, "the test split does not hold the replies that rows ask for")


def witten_bell(texts, context, byte):
    """The definition, by counting."""
    padded = [bytes([START] * (ORDER - 1)) + one.encode() + bytes([END]) for one in texts]
    p = 1 / 256
    for length in range(len(context) + 1):
        tail = context[len(context) - length :]
        after = [one[i] for one in padded for i in range(ORDER - 1, len(one)) if one[i - length : i] == tail]
        if after:
            kinds = len(set(after))
            p = (after.count(byte) + kinds * p) / (len(after) + kinds)
    return p


@given(st.lists(sentences, min_size=1, max_size=3), st.lists(sentences, min_size=1, max_size=3))
@settings(max_examples=25, deadline=None)
def test_the_scorer_against_its_definition(train, said):
    bits, sizes = ByteScorer(train).bits(said)
    for one, cost, size in zip(said, bits, sizes, strict=True):
        padded = bytes([START] * (ORDER - 1)) + one.encode() + bytes([END])
        assert size == len(one) + 1
        expected = sum(
            -math.log2(witten_bell(train, padded[i - ORDER + 1 : i], padded[i]))
            for i in range(ORDER - 1, len(padded))
        )
        assert cost == pytest.approx(expected)


def test_noise_costs_more_than_the_language_of_the_data():
    scorer = ByteScorer(["you could watch Up", "I like Up"])
    expected, noise = scorer.bits(["you could watch Up", "zq xkw vjjq zz"])[0]
    assert 0 < expected < noise / 5


def test_bits_per_byte_pools_rows():
    data = corpus(train=("you could watch Up", "see It"))
    rows = [ranked(0, "see Up"), ranked(1, "zz", "d0"), ranked(2, "you could watch It", "d1")]
    (values,) = text.BitsPerByte().measure(rows, data)
    bits, sizes = ByteScorer([t.text for t in data.train.dialogues[0].turns]).bits(
        [row.action.text for row in rows]
    )
    assert mean(values) == pytest.approx(bits.sum() / sizes.sum())
    assert (values.unit, values.higher_is_better) == ("dialogue", False)
    (absent,) = text.BitsPerByte().measure(rows, corpus(train=()))
    assert absent == Absent("bits_per_byte", "no system turn in train to fit the scorer on")


@pytest.mark.parametrize("metric", METRICS)
def test_silence(metric):
    (absent,) = metric().measure([ranked(0, None)], corpus(replies=("hi",)))
    assert absent == Absent(metric.name, "the policy does not talk")
    (absent,) = metric().measure([], corpus())
    assert absent == Absent(metric.name, "there are no rows")
    (values,) = metric().measure([ranked(0, ""), ranked(1, "")], corpus(replies=("", "")))
    assert all(math.isfinite(value) for value in values.values)


@given(st.lists(st.tuples(sentences, st.sampled_from("xyz")), min_size=1, max_size=8))
@settings(max_examples=50, deadline=None)
def test_every_number_is_finite(said):
    rows = [ranked(n, one, dialogue) for n, (one, dialogue) in enumerate(said)]
    for metric, (_, whole) in itertools.product(METRICS[:5], [(0, corpus())]):
        (values,) = metric().measure(rows, whole)
        assert all(math.isfinite(value) for value in values.values)
