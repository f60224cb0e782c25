"""Options of PPO, with the symbols of Schulman et al. 2017 (arXiv 1707.06347) and 2015 (1506.02438)."""

from __future__ import annotations

from typing import Literal

from crsbench_lm.options import SftOptions
from pydantic import Field

from crsbench import Options

Rollout = Literal["model", "logged", "simulator"]
Control = Literal["none", "permuted"]


class PpoOptions(Options):
    """PPO of the language model against R_φ, starting from and tied to the SFT policy."""

    sft: SftOptions = Field(default_factory=SftOptions, description="the start and reference policy")
    rollout: Rollout = Field(
        default="model",
        description="who answers: R_φ's transition model, nobody (item choices in logged contexts), "
        "or the run's simulator",
    )
    control: Control = Field(
        default="none",
        description="`permuted`: rewards change places at random: what is still gained needs no reward",
    )
    iterations: int = Field(default=10, ge=1, le=100_000, description="rounds of rollout and update")
    dialogues: int = Field(default=160, ge=2, description="conversations of a rollout (N actors)")
    turns: int = Field(default=2, ge=1, le=50, description="most system turns of a conversation in a rollout")
    epochs: int = Field(default=3, ge=1, le=100, description="passes over a rollout (K)")
    minibatch: int = Field(default=40, ge=1, description="conversations of a minibatch (M)")
    learning_rate: float = Field(default=3e-4, gt=0, le=1, description="Adam rate of the language model")
    head_learning_rate: float = Field(
        default=3e-3, gt=0, le=1, description="Adam rate of grounding and value head"
    )
    anneal: bool = Field(default=False, description="both rates fall to 0 on a line over the iterations")
    rise: int = Field(
        default=3, ge=1, description="rounds over which both rates rise on a line, once the policy is trained"
    )
    gradient_norm: float = Field(default=1.0, gt=0, description="gradients are clipped to this norm")
    clip: float = Field(default=0.2, gt=0, lt=1, description="range of the probability ratio (ε)")
    value_clip: float = Field(default=0.2, gt=0, description="range of a value's change")
    value_weight: float = Field(default=0.5, ge=0, description="weight of the value loss (c1)")
    value_warmup: int = Field(default=2, ge=0, description="first rounds that train the value head alone")
    entropy: float = Field(default=0.0, ge=0, description="weight of the entropy bonus on item choices (c2)")
    words: float = Field(
        default=0.05, ge=0, description="weight of the policy loss on words beside that on items"
    )
    turn_discount: float = Field(default=0.5, ge=0, le=1, description="γ from one system turn to the next")
    turn_lambda: float = Field(
        default=0.95, ge=0, le=1, description="λ of GAE from one system turn to the next"
    )
    token_discount: float = Field(default=1.0, ge=0, le=1, description="γ inside a turn")
    token_lambda: float = Field(default=1.0, ge=0, le=1, description="λ of GAE inside a turn")
    whiten: bool = Field(default=True, description="advantages of a rollout get mean 0 and variance 1")
    kl: float = Field(
        default=0.02, ge=0, description="first coefficient of the KL to the SFT policy, items (β)"
    )
    kl_target: float = Field(
        default=3.0, gt=0, description="KL in nats per item choice that β is steered to (d_targ)"
    )
    kl_spread: float = Field(
        default=0.1,
        ge=0,
        description="a reward whose spread over the items depends on the conversation by less than this "
        "standard deviation moves the policy less: both rates shrink with the ratio, and with its square "
        "kl_target shrinks and kl grows, a hundredfold at most (0: never)",
    )
    item_spread: float = Field(
        default=1.0,
        ge=0,
        description="what the reward says of an item in all conversations alike counts in full up to "
        "1 / item_spread times the spread of what depends on the conversation; beyond, it is multiplied by "
        "the squared ratio of the two (0: always in full)",
    )
    kl_again: float = Field(
        default=10.0,
        ge=0,
        description="coefficient of that KL for naming an item again, which a rollout never does: "
        "without it nothing would hold what the policy knows of repeats",
    )
    kl_words: float = Field(default=10.0, ge=0, description="coefficient of the KL to the SFT policy, words")
    step_kl: float = Field(
        default=0.1, gt=0, description="an update ends early past this KL to the rollout's policy"
    )
    kl_stop: float = Field(
        default=3.0,
        gt=1,
        description="guard: past this many times kl_target, as it is given, training stops with an error",
    )
    entropy_floor: float = Field(
        default=0.05, ge=0, description="guard: under this entropy (nats per item choice) it does so too"
    )
    lora: int = Field(
        default=0, ge=0, description="rank of low-rank adapters on the language model; 0 trains all of it"
    )
    gradient_checkpointing: bool = Field(
        default=False, description="compute activations twice instead of keeping them"
    )
    curve: int = Field(
        default=4, ge=0, description="earlier policies kept, which the evaluation asks for curves.jsonl"
    )


class ReinforceOptions(Options):
    """REINFORCE (Williams 1992) on R_φ: one step a rollout, with the mean return as baseline.

    What is no option here is as in ppo-iuf by default, how far the reward is believed among it.
    """

    sft: SftOptions = Field(default_factory=SftOptions, description="the start and reference policy")
    rollout: Rollout = Field(default="model", description="who answers, as in ppo-iuf")
    control: Control = Field(default="none", description="as in ppo-iuf")
    iterations: int = Field(default=40, ge=1, le=100_000, description="rounds of a rollout and a step")
    dialogues: int = Field(default=40, ge=2, description="conversations of a rollout")
    turns: int = Field(default=2, ge=1, le=50, description="most system turns of a conversation in a rollout")
    learning_rate: float = Field(default=3e-4, gt=0, le=1, description="Adam rate of the language model")
    head_learning_rate: float = Field(default=3e-3, gt=0, le=1, description="Adam rate of the grounding head")
    turn_discount: float = Field(default=0.5, ge=0, le=1, description="γ from one system turn to the next")
    kl: float = Field(
        default=0.02, ge=0, description="first coefficient of the KL to the SFT policy, items (β)"
    )
    kl_target: float = Field(default=3.0, gt=0, description="KL in nats per item choice that β is steered to")
    curve: int = Field(default=4, ge=0, description="earlier policies kept for curves.jsonl")

    def as_ppo(self) -> PpoOptions:
        """λ = 1 and a value of 0 leave the discounted return, whitened; one minibatch, so that r = 1."""
        shared = {name: getattr(self, name) for name in type(self).model_fields}
        single = {"epochs": 1, "minibatch": self.dialogues, "value_weight": 0.0, "value_warmup": 0}
        return PpoOptions(**shared, **single, turn_lambda=1.0, token_lambda=1.0)


class FilteredSftOptions(Options):
    """SFT continued on the weakly positive turns: what counting says is weighed first, as in sft."""

    sft: SftOptions = Field(default_factory=SftOptions, description="the start")
    keep: Literal["positive", "all"] = Field(
        default="positive",
        description="`all` is the control: SFT for as many more steps, on every turn",
    )
    threshold: float = Field(
        default=0.5, ge=0, le=1, description="a turn is positive from this weak label on"
    )
    epochs: int = Field(default=1, ge=1, le=1000, description="more passes over the train dialogues")
    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="peak rate of the language model")
    head_learning_rate: float = Field(
        default=2.5e-3, gt=0, le=1, description="peak rate of the grounding head"
    )
