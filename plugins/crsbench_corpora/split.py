"""A split by dialogue for data that comes without one: by a hash of the id, so that nothing moves it."""

from __future__ import annotations

import hashlib


def percentile(name: str, salt: str) -> int:
    """0 … 99 from a hash of a dialogue's id. Different salts make independent splits."""
    return int(hashlib.sha256(f"{salt} {name}".encode()).hexdigest()[:15], 16) % 100
