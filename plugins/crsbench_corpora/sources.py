"""The corpora's official sources, for their attribute `sources`: what `crsbench data get` downloads."""

from __future__ import annotations

from pathlib import Path

from crsbench.fetch.pins import Pinned, read_pins

_PINS = Path(__file__).with_name("sources.toml")


def sources(dataset: str) -> tuple[Pinned, ...]:
    """The pinned sources of a dataset."""
    return read_pins(_PINS)[dataset]
