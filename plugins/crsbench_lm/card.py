"""The model card of a saved policy: which part is which, and who loads it."""

from __future__ import annotations

from crsbench_lm.codec import DialogueCodec
from crsbench_lm.model import GroundedLM

_CARD = """\
---
library_name: transformers
pipeline_tag: text-generation
---
# A grounded language model for conversational recommendation

| folder | what it is | who loads it |
|---|---|---|
| `lm/` | {architecture}, {parameters:,} parameters: {words:,} word pieces, and a token for each of {items:,} items | `AutoModelForCausalLM`, `AutoTokenizer` |
| `head/` | what item embeddings are composed of, and how mentions and counts of a conversation speak for items | crsbench |
| both | the policy | `crsbench.load_policy(RUN)` |

`lm/` says the same words as the policy: its logits of word pieces are equal. Its logits of item tokens are the
language model's own part, h · e; without `head/` they rank items worse than the policy does.

A dialogue is `<user> words <eot> <system> <rec> <item:I> words <eot> …`; an item's title in the words is
`<title>`, `<end>` closes the turn after which a speaker leaves. Items are numbered as in `head/catalog.json`.
Up to {max_length} tokens of history are read.
"""


def card(model: GroundedLM, codec: DialogueCodec) -> str:
    """Markdown."""
    return _CARD.format(
        architecture=type(model.lm).__name__,
        parameters=sum(p.numel() for p in model.lm.parameters()),
        words=model.words,
        items=model.items,
        max_length=codec.max_length,
    )
