"""Names made from content: a digest of everything that a thing depends on."""

from __future__ import annotations

import hashlib
import json


def canonical(value: object) -> str:
    """A JSON value in its one spelling: sorted keys, no spaces. Raises TypeError or ValueError for others."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def identity(value: object) -> str:
    """16 hexadecimal digits of the sha256 of a JSON value."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def derive(seed: int, *names: str) -> int:
    """A seed of 63 bits for one purpose, independent of those for all others."""
    return int(identity([seed, *names]), 16) >> 1
