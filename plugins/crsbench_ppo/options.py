"""Options of PPO, with the symbols of Schulman et al. 2017 (arXiv 1707.06347) and 2015 (1506.02438)."""

from __future__ import annotations

from typing import Literal

from crsbench_lm.options import SftOptions
from pydantic import Field

from crsbench import Options


class PpoOptions(Options):
    """PPO of the language model against R_φ, starting from and tied to the SFT policy."""

    sft: SftOptions = Field(default_factory=SftOptions, description="the start and reference policy")
    rollout: Literal["model", "logged"] = Field(
        default="model",
        description="who answers: the transition model, or nobody (one item choice a logged context)",
    )
    iterations: int = Field(default=10, ge=1, le=100_000, description="rollout and update rounds")
    dialogues: int = Field(default=160, ge=2, description="conversations of a rollout")
    turns: int = Field(default=2, ge=1, le=50, description="most system turns of a conversation in a rollout")
    epochs: int = Field(default=3, ge=1, le=100, description="passes over a rollout (K)")
    minibatch: int = Field(default=40, ge=1, description="conversations of a minibatch")
    learning_rate: float = Field(default=3e-4, gt=0, le=1, description="Adam rate of the language model")
    head_learning_rate: float = Field(
        default=3e-3, gt=0, le=1, description="Adam rate of grounding and value head"
    )
    clip: float = Field(default=0.2, gt=0, lt=1, description="range of the probability ratio (ε)")
    value_clip: float = Field(default=0.2, gt=0, description="range of a value's change")
    value_weight: float = Field(default=0.5, ge=0, description="weight of the value loss (c1)")
    entropy: float = Field(default=0.0, ge=0, description="weight of the entropy bonus on item choices (c2)")
    words: float = Field(
        default=0.2, ge=0, description="weight of the policy loss on words beside that on items"
    )
    turn_discount: float = Field(default=0.5, ge=0, le=1, description="γ from one system turn to the next")
    turn_lambda: float = Field(
        default=0.95, ge=0, le=1, description="λ of GAE from one system turn to the next"
    )
    token_discount: float = Field(default=1.0, ge=0, le=1, description="γ inside a turn")
    token_lambda: float = Field(default=1.0, ge=0, le=1, description="λ inside a turn")
    kl: float = Field(
        default=0.02, ge=0, description="first coefficient of the KL to the SFT policy, items (β)"
    )
    kl_target: float = Field(default=3.0, gt=0, description="KL in nats per item choice that β is steered to")
    kl_words: float = Field(default=0.3, ge=0, description="coefficient of the KL to the SFT policy, words")
    kl_stop: float = Field(default=3.0, gt=1, description="training stops at this many times kl_target")
    step_kl: float = Field(
        default=0.1, gt=0, description="an update ends early past this KL to the rollout's policy"
    )
    value_warmup: int = Field(default=2, ge=0, description="first rounds that train the value head alone")
