"""Splits for data that comes without one: by a hash of the id, so that nothing moves it, or by people."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Set
from dataclasses import dataclass
from typing import Generic, TypeVar

from crsbench.types import FOLDS

_Name = TypeVar("_Name", bound=Hashable)


def percentile(name: str, salt: str) -> int:
    """0 … 99 from a hash of a dialogue's id. Different salts make independent splits."""
    return int(hashlib.sha256(f"{salt} {name}".encode()).hexdigest()[:15], 16) % 100


@dataclass(frozen=True, slots=True)
class ByPeople(Generic[_Name]):
    """`train`: dialogues without a newcomer; `valid`: of newcomers alone; the others are in neither.

    `group`, 0 … FOLDS-1: the period of each dialogue, of all three kinds.
    """

    train: set[_Name]
    valid: set[_Name]
    group: dict[_Name, int]


def by_people(people: Mapping[_Name, Set[Hashable]], per_cent: int) -> ByPeople[_Name]:
    """Split dialogues, oldest first and each with the people in it.

    Newcomers are the people who first appear in the last `per_cent` of the dialogues. Those that newcomers
    have among themselves are valid, train are those of the others among themselves. All are cut into FOLDS
    periods of one length, in which fewer people are met who are also in others than in folds by chance.
    """
    met: dict[Hashable, int] = {}
    for at, those in enumerate(people.values()):
        for one in those:
            met.setdefault(one, at)
    first = len(people) * (100 - per_cent) // 100
    newcomers = {one for one, at in met.items() if at >= first}
    train = {name for name, those in people.items() if not those & newcomers}
    valid = {name for name, those in people.items() if those and those <= newcomers}
    group = {name: at * FOLDS // len(people) for at, name in enumerate(people)}
    return ByPeople(train, valid, group)
