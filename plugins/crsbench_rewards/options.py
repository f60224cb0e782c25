"""Options of the reward model R_φ."""

from __future__ import annotations

from crsbench_lm.options import TinyOptions
from pydantic import Field

from crsbench import Options


class RewardOptions(Options):
    """R_φ and its transition model, trained jointly."""

    tiny: TinyOptions = Field(default_factory=TinyOptions, description="size of the trunk for --model tiny")
    epochs: int = Field(
        default=3, ge=1, le=1000, description="most passes; the best on held-out labels is kept"
    )
    learning_rate: float = Field(default=2e-3, gt=0, le=1, description="peak AdamW rate of the trunk")
    head_learning_rate: float = Field(default=5e-3, gt=0, le=1, description="peak rate of the heads")
    batch_tokens: int = Field(default=3000, ge=64, description="tokens of a minibatch, padding included")
    transition: float = Field(
        default=0.5, ge=0, description="weight of the loss of predicting the user's reply"
    )
    pairs: float = Field(
        default=0.0, ge=0, description="weight of the Bradley–Terry loss on the turns of one dialogue"
    )
    signals: float = Field(default=0.2, ge=0, description="weight of the loss of predicting each signal")
    weight_decay: float = Field(default=0.1, ge=0, description="AdamW weight decay")
    item_decay: float = Field(default=5.0, ge=0, description="that of the item and entity embeddings")
    max_length: int = Field(default=512, ge=32, description="tokens of history that are read")
    max_words: int = Field(default=40, ge=1, le=512, description="most tokens of a sampled user reply")
