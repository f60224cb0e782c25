"""Word pieces: how the words of turns are cut, mentions of items left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from crsbench.types import Mention, Turn

SPECIALS = ("<pad>", "<user>", "<system>", "<rec>", "<title>", "<eot>", "<end>")


def train_tokenizer(histories: Iterable[Sequence[Turn]], vocabulary: int) -> Tokenizer:
    """A byte-level BPE over the words that were said, titles of items left out."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=list(SPECIALS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    pieces = (
        piece
        for history in histories
        for turn in history
        for piece, mention in segments(turn)
        if mention is None or mention.item is None
    )
    tokenizer.train_from_iterator(pieces, trainer)
    return tokenizer


def segments(turn: Turn) -> list[tuple[str, Mention | None]]:
    """The text cut at its mentions; a space before a mention belongs to it, as it does for the BPE."""
    cuts: list[tuple[str, Mention | None]] = []
    at = 0
    spans = sorted(
        (m.span, m) for m in {m.span: m for m in turn.mentions if m.span is not None}.values() if m.span
    )
    for (start, end), mention in spans:
        if start < at:  # overlapping spans: the first one stands
            continue
        start_with_space = start - 1 if start > at and turn.text[start - 1] == " " else start
        if start_with_space > at:
            cuts.append((turn.text[at:start_with_space], None))
        cuts.append((turn.text[start_with_space:end], mention))
        at = end
    if at < len(turn.text):
        cuts.append((turn.text[at:], None))
    return cuts
