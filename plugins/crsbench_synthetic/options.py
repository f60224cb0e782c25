"""Options of datasets and simulators; those with equal `items` and `seed` have one catalogue."""

from __future__ import annotations

from pydantic import Field

from crsbench import Options


class WorldOptions(Options):
    items: int = Field(default=300, ge=10, le=1_000_000, description="size of the catalogue")
    seed: int = Field(default=0, ge=0, description="the world: its catalogue and its users")


class DatasetOptions(WorldOptions):
    dialogues: int = Field(default=4000, ge=1, le=1_000_000, description="train dialogues")
    valid: int = Field(default=200, ge=0, le=100_000, description="validation dialogues")
    test: int = Field(
        default=400, ge=1, le=100_000, description="test dialogues; each of their system turns is a row"
    )
    exposed: float = Field(
        default=0.1, ge=0, le=1, description="share of test turns whose item is drawn at random"
    )


class SimulatorOptions(WorldOptions):
    episodes: int = Field(default=400, ge=1, le=100_000, description="conversations of an evaluation")
