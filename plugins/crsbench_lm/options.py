"""Options of the language model and of its supervised fine-tuning."""

from __future__ import annotations

from pydantic import Field, model_validator

from crsbench import Options


class TinyOptions(Options):
    """The size of the randomly initialised Llama that `--model tiny` stands for."""

    width: int = Field(default=64, ge=16, le=4096, multiple_of=16, description="hidden size")
    layers: int = Field(default=2, ge=1, le=48, description="decoder layers")
    heads: int = Field(default=4, ge=1, le=64, description="attention heads")
    vocabulary: int = Field(
        default=4000, ge=300, le=200_000, description="most word pieces learnt from train text"
    )


class HeadOptions(Options):
    """What may speak for an item; an ablation turns one off. The encoder has to be turned on."""

    links: bool = Field(default=True, description="what the knowledge graph links with what was named")
    memory: bool = Field(default=True, description="what other dialogues recommended")
    copies: bool = Field(default=True, description="items, and words of their titles, that were said before")
    language_model: bool = Field(
        default=True, description="how the conversation reads (off: it says words, counting ranks)"
    )
    ranker: bool = Field(
        default=True, description="trees that weigh what is counted, in catalogues of more than 300 items"
    )
    encoder: bool = Field(
        default=False, description="count what the sentence encoder finds, too; needs [encoder], slow"
    )


class SftOptions(Options):
    """Supervised fine-tuning on logged dialogues, and what the policy does when it acts."""

    tiny: TinyOptions = Field(default_factory=TinyOptions, description="size of the tiny model")
    epochs: int = Field(default=8, ge=1, le=1000, description="most passes over the train dialogues")
    tokens: int = Field(
        default=1_500_000,
        ge=1,
        description="tokens to train on, about: small corpora are read more often",
    )
    learning_rate: float = Field(
        default=2e-3, gt=0, le=1, description="peak AdamW rate of the language model"
    )
    head_learning_rate: float = Field(default=5e-3, gt=0, le=1, description="peak rate of the grounding head")
    batch_tokens: int = Field(default=2000, ge=64, description="tokens of a minibatch, padding included")
    words: float = Field(
        default=2.0, ge=0, description="weight of the loss on words beside the loss on items"
    )
    weight_decay: float = Field(default=0.05, ge=0, description="AdamW weight decay")
    item_decay: float = Field(default=5.0, ge=0, description="that of the item and entity embeddings")
    item_dropout: float = Field(
        default=0.3, ge=0, lt=1, description="dropout of the hidden state by which items are scored"
    )
    head: HeadOptions = Field(default_factory=HeadOptions, description="what speaks for an item")
    evidence: bool = Field(default=True, description="weigh what counting says of the items, too")
    max_length: int = Field(
        default=512, ge=32, description="tokens of history that are read; older turns go first"
    )
    max_words: int = Field(default=40, ge=1, le=512, description="most tokens of a generated turn")

    @model_validator(mode="after")
    def _something_ranks(self) -> SftOptions:
        if not (self.evidence or self.head.language_model):
            raise ValueError("evidence=false and head.language_model=false leave nothing that ranks items")
        return self
