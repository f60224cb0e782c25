"""Options of the baselines."""

from __future__ import annotations

from pydantic import Field

from crsbench import Options


class TextKnnOptions(Options):
    turns: int = Field(default=3, ge=1, description="how many of the last turns are compared")
    ngrams: int = Field(default=2, ge=1, le=5, description="longest n-gram of words that counts as a term")
    power: float = Field(default=3.0, gt=0, le=20, description="a neighbour's vote weighs cosine ** power")


class HybridOptions(Options):
    candidates: int = Field(default=300, ge=10, description="items that the ranker orders in each state")
    trees: int = Field(default=300, ge=1, le=5000, description="most trees; valid says when to stop")
    encoder: bool = Field(default=False, description="features of the sentence encoder too; needs [encoder]")
