"""The reference plugins hold the conformance suite that strangers' plugins hold.

Options are what makes a fit small, and nothing else. Datasets whose files are not here are skipped with the
reason; `tests/bench/test_datasets.py` checks them where they are.
"""

from __future__ import annotations

from typing import Any

import pytest

from crsbench.plugins import Host, Kind, Offer
from crsbench.testing import Check, checks

TINY: dict[str, Any] = {"tiny.width": 16, "tiny.layers": 1, "tiny.heads": 2, "tiny.vocabulary": 300}
TINY |= {"epochs": 1, "max_words": 6}
SFT = {f"sft.{name}": value for name, value in TINY.items()}
SCENARIO = {"dataset.items": 12, "dataset.dialogues": 20, "dataset.valid": 2, "dataset.test": 8}
SCENARIOS = ("", "-noisy", "-polite", "-distracted", "-clickbait", "-cold", "-drift")
OPTIONS: dict[tuple[Kind, str], dict[str, Any]] = {
    ("policy", "sft"): TINY,
    ("policy", "filtered-sft"): SFT,
    ("policy", "ppo-iuf"): SFT | {"iterations": 1, "dialogues": 4, "minibatch": 4, "epochs": 1},
    ("policy", "reinforce-iuf"): SFT | {"iterations": 1, "dialogues": 4},
    **{("policy", name): SFT | {"contexts": 8, "batch": 8} for name in ("dpo-iuf", "kto-iuf")},
    **{
        ("policy", name): SFT | {"contexts": 2, "batch": 4, "generations": 2}
        for name in ("grpo-iuf", "rloo-iuf")
    },
    **{("policy", bound): SCENARIO for bound in ("oracle", "logger", "best-quality")},
    ("reward", "iuf-reward"): TINY,
    **{
        ("dataset", f"synthetic{which}"): {n.removeprefix("dataset."): v for n, v in SCENARIO.items()}
        for which in SCENARIOS
    },
    **{("simulator", f"synthetic{which}"): {"items": 12} for which in SCENARIOS},
}
EXPECTED: dict[tuple[Kind, str], dict[str, str]] = {
    ("policy", "dpo-iuf"): {
        "serves_one_item": "with one item no turn is worth more than another: there is no pair to learn from"
    },
}


def reference() -> list[Offer]:
    return [offer for offer in Host.discover().offers if offer.origin.distribution == "crsbench"]


def asked(offer: Offer) -> list[Any]:
    key = (offer.kind, offer.name)
    expected = EXPECTED.get(key)
    mark = checks(*key, options=OPTIONS.get(key), expected_failures=expected, data_dir="/nowhere")
    return [
        pytest.param(*case.values, id=f"{offer.kind}-{offer.name}-{case.id}", marks=case.marks)
        for case in mark.args[1]
    ]


@pytest.mark.parametrize("check", [case for offer in reference() for case in asked(offer)])
def test_conformance(check: Check) -> None:
    check()


def test_the_options_are_of_plugins_that_there_are() -> None:
    offered = {(offer.kind, offer.name) for offer in reference()}
    assert OPTIONS.keys() <= offered
    assert EXPECTED.keys() <= offered
