"""A sentence encoder that needs no weights."""

from __future__ import annotations

import numpy as np


class Axes:
    """A sentence's vector: one axis a first word."""

    def embed(self, texts: list[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), 384), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[sum(map(ord, text.split()[0])) % 384] = 1
        return vectors
