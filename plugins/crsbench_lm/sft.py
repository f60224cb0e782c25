"""Supervised fine-tuning on packed dialogues: one row a dialogue, one pass for all of its turns.

The loss of a batch is the mean cross-entropy of the labelled items at their recommendation positions plus
`words` times the mean cross-entropy of what was said: the words of users, and of system turns that carry a
label of this split (an unlabelled one may be the answer to a held-out row). What counting says is weighed
before, by trees (rankers.py) and by a network that learns what to add to them (head.py), and stays as it is
here; what the parts of the item logits are worth is fitted on the valid dialogues after each epoch, and in
the end how much of what is added to the trees is kept (mixing.py). Last of all, trees learn from valid as
well. Where SFT goes on, all of it stays as it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from crsbench_features.rankers import Labelled, Rankers
from torch import Tensor, nn
from torch.nn import functional as F

from crsbench.protocols import Context
from crsbench.types import Dialogue
from crsbench_lm.batch import Batch, collate, token_batches
from crsbench_lm.codec import SYSTEM, DialogueCodec, Encoded
from crsbench_lm.evidence import Evidences
from crsbench_lm.head import train_head
from crsbench_lm.mixing import HeldOut, fit_weight, thinned
from crsbench_lm.model import RANKED, GroundedLM
from crsbench_lm.options import SftOptions

TREES = 300  # at most: as many as `hybrid` has by default


def encode_dialogue(codec: DialogueCodec, dialogue: Dialogue) -> Encoded:
    """The dialogue's tokens; system turns without a label of this split are neither said nor scored."""
    row = codec.encode(dialogue.turns, fold=dialogue.fold)
    labelled = np.zeros(len(row.ids), bool)
    starts = np.flatnonzero((row.ids == codec.user) | (row.ids == codec.system))
    with_label = {int(at) for at, targets in zip(row.rec, row.targets, strict=True) if targets}
    for start, stop in zip(starts, [*starts[1:], len(row.ids)], strict=True):
        labelled[start:stop] = start + 1 in with_label
    scored = [t for t, targets in enumerate(row.targets) if targets]
    return replace(
        row,
        say=row.say & ((row.role != SYSTEM) | labelled),
        rec=row.rec[scored],
        shown=row.shown[scored],
        turns=row.turns[scored],
        targets=tuple(row.targets[t] for t in scored),
    )


def item_loss(logits: Tensor, batch: Batch) -> tuple[Tensor, int]:
    """Summed cross-entropy over labelled positions (several targets share one), and their number."""
    b, t, target, weight = [], [], [], []
    for row, positions in enumerate(batch.targets):
        for position, items in enumerate(positions):
            for item in items:
                b.append(row)
                t.append(position)
                target.append(item)
                weight.append(1.0 / len(items))
    if not b:
        return logits.sum() * 0.0, 0
    chosen = logits[b, t].log_softmax(-1).gather(1, torch.tensor(target, device=logits.device)[:, None])
    losses = -chosen[:, 0] * torch.tensor(weight, device=logits.device)
    return losses.sum(), round(sum(weight))


def word_positions(batch: Batch, role: int | None = None) -> Tensor:
    """Bool [B, L-1]: the next token is a word to be said (by `role`)."""
    said = batch.say[:, 1:]
    return said if role is None else said & (batch.role[:, 1:] == role)


def word_loss(model: GroundedLM, hidden: Tensor, batch: Batch, where: Tensor) -> tuple[Tensor, int]:
    """Summed cross-entropy of the words at `where`, and their number."""
    logits = model.word_logits(hidden[:, :-1][where])
    return F.cross_entropy(logits, batch.ids[:, 1:][where], reduction="sum"), len(logits)


def parameter_groups(model: GroundedLM, options: SftOptions) -> list[dict[str, object]]:
    """The language model and the grounding head at rates of their own; no decay on biases and norms.

    The embeddings of items and entities decay faster: most are named a few times, and are learnt by heart.
    """
    body = {id(p) for p in model.lm.parameters()}
    tables = {id(p) for p in (model.free.weight, model.entity.weight)}
    groups: list[dict[str, object]] = [
        {
            "params": [model.free.weight, model.entity.weight],
            "lr": options.head_learning_rate,
            "weight_decay": options.item_decay,
        }
    ]
    for in_body, rate in ((True, options.learning_rate), (False, options.head_learning_rate)):
        trained = [p for p in model.parameters() if p.requires_grad and id(p) not in tables]
        params = [p for p in trained if (id(p) in body) == in_body]
        groups += [
            {"params": [p for p in params if p.ndim > 1], "lr": rate, "weight_decay": options.weight_decay},
            {"params": [p for p in params if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
        ]
    return groups


def cosine_schedule(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """Linear warm-up over 5% of the steps, cosine decay to 5% of the peak."""
    warm = max(1, steps // 20)

    def scale(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.05 + 0.475 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, scale)


def train_sft(
    model: GroundedLM,
    codec: DialogueCodec,
    train: Sequence[Dialogue],
    valid: Sequence[tuple[Dialogue, int | None]],
    options: SftOptions,
    ctx: Context,
    more: Sequence[tuple[Dialogue, int | None]] = (),
) -> None:
    """Train in place; the epoch with the lowest loss on the valid dialogues, read without their folds, is
    kept. Of `more` dialogues, read so as well, trees alone learn, in the end."""
    rows = codec.evident([encode_dialogue(codec, dialogue) for dialogue in train])
    held_out = [replace(encode_dialogue(codec, dialogue), fold=fold) for dialogue, fold in valid]
    held_out = codec.evident(thinned(held_out, model.items))
    model.to(ctx.device).train()
    counted = model.evidence.counted() if model.evidence is not None else []
    fitted: Rankers | None = None
    known: list[Labelled] = []
    if model.evidence is not None and (evidences := codec.evidences) is not None:
        made, to_find = codec.recommended(rows), codec.recommended(held_out)
        # Where every item is a candidate, the network is trained on the very loss that counts. Where SFT goes
        # on, the trees stay as they are.
        large = evidences.candidates.number < model.items
        if options.head.ranker and large and not evidences.rankers.boosters:
            of_train, of_valid = ([one.labelled for one in rows] for rows in (made, to_find))
            evidences.ask(fitted := Rankers.fit(of_train, of_valid, evidences.names, TREES, ctx))
            others = [replace(encode_dialogue(codec, dialogue), fold=fold) for dialogue, fold in more]
            known = [*of_train, *of_valid, *(one.labelled for one in codec.recommended(others))]
            made = [replace(one, evidence=evidences.again(one.evidence, one.fold)) for one in made]
            rows = [_judged(row, evidences, codec.left_out(row)) for row in rows]
        # No tree has learnt from the rows of valid yet.
        to_find = [replace(one, evidence=evidences.again(one.evidence, None)) for one in to_find]
        held_out = [_judged(row, evidences, [None] * len(row.turns)) for row in held_out]
        if fitted is not None:
            model.mix[RANKED] = fit_weight(to_find, model.items)
        train_head(model.evidence, made, to_find, model.items, float(model.mix[RANKED]), ctx)
    for parameter in counted:
        parameter.requires_grad = False
    rng = np.random.default_rng(ctx.seed)
    lengths = [len(row.ids) for row in rows]
    passes = min(options.epochs, max(1, round(options.tokens / sum(lengths))))
    epochs = [token_batches(lengths, options.batch_tokens, rng) for _ in range(passes)]
    steps = sum(len(epoch) for epoch in epochs)
    optimizer = torch.optim.AdamW(parameter_groups(model, options), betas=(0.9, 0.98))
    schedule = cosine_schedule(optimizer, steps)
    best, kept = math.inf, None

    def batches() -> Iterator[tuple[bool, Batch]]:
        for epoch in epochs:
            for i, chosen in enumerate(epoch):
                last = i == len(epoch) - 1
                yield last, collate([rows[j] for j in chosen], codec, ctx.device)

    for step, (last_of_epoch, batch) in enumerate(ctx.progress(batches(), steps, "SFT"), 1):
        with torch.autocast(ctx.device, torch.bfloat16, enabled=ctx.precision == "bf16"):
            hidden = model.hidden(batch)
            items, n_items = item_loss(model.item_logits(hidden, batch), batch)
            words, n_words = word_loss(model, hidden, batch, word_positions(batch))
        loss = items / max(1, n_items) + options.words * words / max(1, n_words)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 50 == 0 or last_of_epoch:
            ctx.step(
                step,
                {
                    "sft/item_loss": float(items.detach()) / max(1, n_items),
                    "sft/word_loss": float(words.detach()) / max(1, n_words),
                },
            )
        if last_of_epoch and held_out:
            mix, item_nll, word_nll = held_out_loss(model, codec, held_out, ctx.device)
            ctx.step(step, {"sft/valid_item_loss": item_nll, "sft/valid_word_loss": word_nll})
            if item_nll + options.words * word_nll < best:
                best = item_nll + options.words * word_nll
                kept = {name: value.clone() for name, value in model.state_dict().items()} | {"mix": mix}
    if kept is not None:
        model.load_state_dict(kept)
    if fitted is not None and fitted.boosters and codec.evidences is not None:
        share, offset = item_parts(model, codec, fitted, held_out, ctx.device).balance()
        model.mix[:RANKED] *= share
        codec.evidences.ask(fitted.whole(known, offset / float(model.mix[RANKED]), ctx))
        ctx.step(steps, {"sft/share": share, "sft/offset": offset})
    for parameter in counted:
        parameter.requires_grad = True
    model.eval()


def _judged(row: Encoded, evidences: Evidences, folds: Sequence[int | None]) -> Encoded:
    """The row with its evidence as the rankers that have not seen the fold of each [T] judge it now."""
    of_row = zip(row.evidence or (), folds, strict=True)
    return replace(row, evidence=tuple(evidences.again(one, fold) for one, fold in of_row))


@torch.no_grad()
def item_parts(
    model: GroundedLM, codec: DialogueCodec, rankers: Rankers, rows: Sequence[Encoded], device: str
) -> HeldOut:
    """At the labelled positions of these rows the logits, what trees add to them, and 1 for what was named
    before."""
    model.eval()
    items = HeldOut()
    for chosen in token_batches([len(row.ids) for row in rows], 8000):
        batch = collate([rows[j] for j in chosen], codec, device)
        logits = model.item_logits(model.hidden(batch), batch)
        named = torch.from_numpy(rankers.named(batch.evidence.cpu().numpy())).to(logits)
        of_candidates = (model.mix[RANKED] * batch.ranked.to(logits), named)
        parts = [torch.zeros_like(logits).scatter(2, batch.candidates, one) for one in of_candidates]
        items.add([logits, *parts], batch)
    return items


@torch.no_grad()
def held_out_loss(
    model: GroundedLM, codec: DialogueCodec, rows: Sequence[Encoded], device: str
) -> tuple[Tensor, float, float]:
    """The weights of the parts that are best here, and with them the mean cross-entropy in nats per
    labelled position and per word."""
    model.eval()
    words = n_words = 0.0
    items = HeldOut()
    for chosen in token_batches([len(row.ids) for row in rows], 8000):
        batch = collate([rows[j] for j in chosen], codec, device)
        hidden = model.hidden(batch)
        items.add([model.own(hidden, batch), *model.grounds(hidden, batch)], batch)
        loss, n = word_loss(model, hidden, batch, word_positions(batch))
        words, n_words = words + float(loss), n_words + n
    model.train()
    mix, nats = items.fit(model.mix)
    return mix, nats, words / max(1.0, n_words)
