"""The evidence head is trained alone and stays as it is; parts that are turned off say nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_lm import head as head_module
from crsbench_lm import mixing
from crsbench_lm.codec import Encoded
from crsbench_lm.evidence import Evidence, Recommended
from crsbench_lm.head import EvidenceHead, train_head
from crsbench_lm.mixing import LEAST, HeldOut, thinned
from crsbench_lm.options import HeadOptions, SftOptions, TinyOptions
from crsbench_lm.policy import LanguageModelPolicy, SftPolicy
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from crsbench.errors import DataError
from crsbench.types import Catalog, Dialogue, State

Toy = tuple[Catalog, tuple[Dialogue, ...]]
TINY = TinyOptions(width=32, layers=1, heads=2, vocabulary=400)


def fitted(context: Any, **parts: bool) -> LanguageModelPolicy:
    torch.manual_seed(0)
    options = SftOptions(tiny=TINY, epochs=2, head=HeadOptions(**parts))
    return SftPolicy(options).fit(context.train, context)


def recommended(rng: np.random.Generator, number: int, items: int) -> list[Recommended]:
    """The target is the candidate with the largest first feature."""
    made = []
    for _ in range(number):
        features = rng.random((6, 2)).astype(np.float16)
        found = np.sort(rng.choice(items, 6, replace=False)).astype(np.int32)
        evidence = Evidence(found, features, features[:, 1].astype(np.float32))
        made.append(Recommended(evidence, (int(found[features[:, 0].argmax()]),), None))
    return made


def encoded(rng: np.random.Generator, rows: int, items: int) -> Encoded:
    """`rows` positions of one dialogue."""
    made, no = recommended(rng, rows, items), np.zeros(0, np.int64)
    targets, evidence = (tuple(getattr(one, of) for one in made) for of in ("targets", "evidence"))
    return Encoded(*[no] * 6, targets, *[no] * 5, (), evidence=evidence)


def test_the_head_learns_which_feature_tells_and_where_the_others_stand(toy_context: Any) -> None:
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    head = EvidenceHead(4, torch.ones(2))
    train_head(head, recommended(rng, 400, 50), recommended(rng, 50, 50), 50, 0.0, toy_context)
    test = recommended(rng, 200, 50)
    with torch.no_grad():
        features = torch.tensor(np.stack([one.evidence.features for one in test]))
        logits = head.worth(head.read(features))[..., 0]
    chosen = [one.evidence.items[i] for one, i in zip(test, logits.argmax(1).tolist(), strict=True)]
    assert (
        np.mean([item in one.targets for item, one in zip(chosen, test, strict=True)]) > 0.7
    )  # chance: 1 / 6
    assert float(torch.sigmoid(logits.logsumexp(1) - np.log(44)).mean()) > 0.9  # no target is outside


def test_a_target_that_is_no_candidate_costs_what_the_others_share() -> None:
    (made,) = recommended(np.random.default_rng(0), 1, 50)
    outside = next(i for i in range(50) if i not in made.evidence.items)
    one = head_module._Rows.of([replace(made, targets=(outside,))], 50, 2.0)
    head = EvidenceHead(4, torch.ones(2))
    with torch.no_grad():
        head.worth.weight.zero_()
        head.worth.bias.fill_(1.0)
    assert one is not None
    ranked = made.evidence.ranked
    expected = np.log(np.exp(1 + 2 * ranked).sum() + 44)  # what trees make of it counts twice
    assert one.losses(head, np.array([0])).item() == pytest.approx(expected)


def test_the_mix_is_the_best_of_a_grid() -> None:
    rng = np.random.default_rng(0)
    good, noise = rng.normal(size=(2, 1, 400, 5)).astype(np.float32)
    chance = np.exp(1.5 * good[0]) / np.exp(1.5 * good[0]).sum(1, keepdims=True)
    targets = tuple((int(rng.choice(5, p=row / row.sum())),) for row in chance.astype(float))
    held = HeldOut([np.concatenate([good, noise, noise])], list(targets))
    mix, nats = held.fit(torch.tensor([1.0, 1.0, 0.0, 1.0]))

    def loss(a: float, b: float) -> float:
        logits = torch.from_numpy(a * good[0] + b * noise[0])
        return torch.nn.functional.cross_entropy(logits, torch.tensor([t[0] for t in targets])).item()

    grid = min((loss(a, b), a, b) for a in np.arange(0, 3, 0.05) for b in np.arange(0.1, 1, 0.05))
    assert nats == pytest.approx(loss(*mix[:2].tolist()), abs=1e-5)
    assert nats <= grid[0] + 1e-6
    assert mix[0].item() == pytest.approx(grid[1], abs=0.06)
    assert mix[1].item() == pytest.approx(max(LEAST, grid[2]), abs=0.06)
    assert mix[2:].tolist() == [0.0, 1.0]  # left out, and not among the parts


def test_what_is_learnt_alone_stays_as_it_is_and_may_be_tuned_later(
    toy_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    after: dict[str, torch.Tensor] = {}

    def spy(head: EvidenceHead, *rest: Any) -> None:
        train_head(head, *rest)
        after.update({name: value.clone() for name, value in head.state_dict().items()})

    monkeypatch.setattr("crsbench_lm.sft.train_head", spy)
    head = fitted(toy_context).model.evidence
    assert head is not None
    for name, value in head.state_dict().items():
        same = torch.equal(value, after[name])
        assert same == (name != "reading.weight")
    assert all(p.requires_grad and p.grad is None for p in head.counted())


def test_in_a_large_catalogue_some_of_the_rows_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [encoded(np.random.default_rng(n), 3, 50) for n in range(20)]
    assert thinned(rows, 50) == rows
    monkeypatch.setattr(mixing, "MOST", 3 * 5 * 50)  # five rows
    assert thinned(rows, 50) == rows[::4]
    assert thinned(rows[:2], 10_000) == rows[:1]  # at least one


def test_something_must_rank() -> None:
    with pytest.raises(ValidationError, match="nothing that ranks items"):
        SftOptions(evidence=False, head=HeadOptions(language_model=False))


def test_another_head_on_disk_is_refused(toy_context: Any, tmp_path: Path) -> None:
    policy = fitted(toy_context)
    policy.save(tmp_path)
    file = tmp_path / "head" / "head.safetensors"
    tensors = load_file(file)
    weight = tensors.pop("evidence.worth.weight")
    for other in ({}, {"evidence.worth.weight": weight, "mix": tensors["mix"][:5].clone()}):
        save_file(tensors | other, file)
        with pytest.raises(DataError, match="another head"):
            LanguageModelPolicy(1).load(tmp_path)


@pytest.mark.parametrize("part", ["links", "memory", "copies", "language_model"])
def test_a_part_that_is_off_says_nothing_and_stays_off(
    toy: Toy, toy_context: Any, tmp_path: Path, part: str
) -> None:
    policy = fitted(toy_context, **{part: False})
    names = policy.codec.evidences.names  # type: ignore[union-attr]
    gone = {"links": "walk:last", "memory": "text", "copies": "copy:last"}.get(part)
    assert gone not in names
    off = {"links": [1], "copies": [2], "language_model": [0, 1, 2, 4]}.get(part, [])
    assert all(policy.model.mix[n] == 0 for n in off)
    policy.save(tmp_path)
    again = LanguageModelPolicy(1).load(tmp_path)
    assert again.codec.evidences is not None
    assert again.codec.evidences.names == names
    states = [State(d.turns[:1]) for d in toy[1][:5]]
    assert again.act(states, k=12) == policy.act(states, k=12)
