"""A conversation as a file: one line of JSON, an object for each utterance (`text`, `role`, `movie`).

That is the form in which INSPIRED was prepared for UniCRS, and which the dataset `inspired` reads: it needs
no list of items beside it, since utterances name theirs by title.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from crsbench.errors import UsageError
from crsbench.store import write_text
from crsbench.types import Catalog, Turn

ROLES = {"user": "SEEKER", "system": "RECOMMENDER"}


def save(turns: Sequence[Turn], catalog: Catalog, file: Path) -> None:
    """Write a new file. Raises UsageError where there is one, or none can be written."""
    if file.exists():
        raise UsageError(f"{file} is there already")
    write_text(file, json.dumps([_utterance(turn, catalog) for turn in turns], ensure_ascii=False) + "\n")


def _utterance(turn: Turn, catalog: Catalog) -> dict[str, object]:
    named = dict.fromkeys((*turn.recommended, *(m.item for m in turn.mentions if m.item is not None)))
    titles = [catalog.items[item].title for item in named]
    return {"text": turn.text, "role": ROLES[turn.speaker], "movie": titles}
