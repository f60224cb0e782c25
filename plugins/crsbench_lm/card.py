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

- `lm/` is {architecture} with {parameters:,} parameters: {words:,} word pieces and a token for each of
  {items:,} items. `AutoModelForCausalLM` and `AutoTokenizer` load it.
- `head/` holds what item embeddings are composed of, and how what was mentioned and counted speaks for items.
- `crsbench.load_policy(RUN)` loads both: the policy.

The logits that `lm/` gives to word pieces are the policy's own. Those of item tokens are the language model's
part, h · e, alone: the ranking of the policy needs `head/`.

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
