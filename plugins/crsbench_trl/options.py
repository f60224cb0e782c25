"""Options of the policies that TRL's trainers tune."""

from __future__ import annotations

from crsbench_lm.options import SftOptions
from pydantic import Field, model_validator

from crsbench import Options


class TrlOptions(Options):
    """What all of them share."""

    sft: SftOptions = Field(default_factory=SftOptions, description="the start and reference policy")
    contexts: int = Field(default=1600, ge=2, description="logged states to learn in, drawn at random")
    epochs: int = Field(default=1, ge=1, le=100, description="passes over them")
    batch: int = Field(default=32, ge=1, description="turns of a minibatch (DPO: pairs)")
    learning_rate: float = Field(default=3e-4, gt=0, le=1, description="Adam rate of the language model")
    head_learning_rate: float = Field(
        default=3e-3, gt=0, le=1, description="Adam rate of the grounding head and of what items are made of"
    )


class DpoOptions(TrlOptions):
    """Direct preference optimisation (arXiv 2305.18290)."""

    beta: float = Field(default=0.1, gt=0, description="how strongly the policy is tied to its start (β)")
    candidates: int = Field(default=4, ge=2, le=64, description="turns sampled in a context to choose among")


class KtoOptions(TrlOptions):
    """Kahneman–Tversky optimisation (arXiv 2402.01306)."""

    beta: float = Field(default=0.1, gt=0, description="how strongly the policy is tied to its start (β)")
    threshold: float = Field(
        default=0.5, gt=0, lt=1, description="a logged turn is desirable from this weak label on"
    )


class _GroupOptions(TrlOptions):
    contexts: int = Field(default=400, ge=2, description="logged states to learn in, drawn at random")
    beta: float = Field(default=0.02, ge=0, description="coefficient of the KL to the start (β)")
    generations: int = Field(default=8, ge=2, le=256, description="turns sampled in a context (G)")

    @model_validator(mode="after")
    def _whole_groups(self) -> _GroupOptions:
        if self.batch % self.generations:
            raise ValueError(f"batch={self.batch} holds no whole groups of generations={self.generations}")
        return self


class GrpoOptions(_GroupOptions):
    """Group relative policy optimisation (arXiv 2402.03300)."""


class RlooOptions(_GroupOptions):
    """REINFORCE leave-one-out (arXiv 2402.14740)."""
