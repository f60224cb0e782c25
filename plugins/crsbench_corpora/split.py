"""Splits for data that comes without one: by a hash of the id, so that nothing moves it, or by people."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence, Set
from typing import TypeVar

from crsbench.types import FOLDS

_Name = TypeVar("_Name", bound=Hashable)


def percentile(name: str, salt: str) -> int:
    """0 … 99 from a hash of a dialogue's id. Different salts make independent splits."""
    return int(hashlib.sha256(f"{salt} {name}".encode()).hexdigest()[:15], 16) % 100


def by_people(people: Mapping[_Name, Set[Hashable]], per_cent: int) -> tuple[dict[_Name, int], set[_Name]]:
    """Split dialogues, oldest first and each with the people in it: (train: groups 0 … FOLDS-1), valid.

    Newcomers are the people who first appear in the last `per_cent` of the dialogues. Those that newcomers
    have among themselves are valid; those that they have with others are in neither, so that nobody is in
    both. The rest is cut into FOLDS periods of one length, in which fewer people are met who are also in
    others than in folds by chance.
    """
    met: dict[Hashable, int] = {}
    for at, those in enumerate(people.values()):
        for one in those:
            met.setdefault(one, at)
    first = len(people) * (100 - per_cent) // 100
    newcomers = {one for one, at in met.items() if at >= first}
    train = [name for name, those in people.items() if not those & newcomers]
    valid = {name for name, those in people.items() if those and those <= newcomers}
    return _periods(train), valid


def _periods(names: Sequence[_Name]) -> dict[_Name, int]:
    return {name: at * FOLDS // len(names) for at, name in enumerate(names)}
