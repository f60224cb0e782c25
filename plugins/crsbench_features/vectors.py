"""Vectors of texts, kept between runs.

One SQLite file a model lies under CRSBENCH_CACHE, else the user's cache folder: its transactions are atomic,
and several runs may read and write it at once. A row is found by the SHA-256 of its text and carries a
checksum. Rows that were used longest ago go first when there are more than `KEPT`. A file that is damaged or
cannot be written costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

KEPT = 400_000  # rows; of 384 half-precision numbers each, about 350 MB
_TABLE = """CREATE TABLE IF NOT EXISTS vectors
            (key BLOB PRIMARY KEY, used INTEGER, checksum INTEGER, vector BLOB) WITHOUT ROWID"""
_NOW = "SELECT COALESCE(MAX(used), 0) + 1 FROM vectors"
_OLDEST = "DELETE FROM vectors WHERE key IN (SELECT key FROM vectors ORDER BY used LIMIT ?)"


class VectorCache:
    """float16 vectors by key. `name` says which model they are of, with its version."""

    def __init__(self, name: str, kept: int = KEPT) -> None:
        given = os.environ.get("CRSBENCH_CACHE")
        folder = Path(given) if given else platformdirs.user_cache_path("crsbench")
        self.path = folder / "vectors" / f"{name}.sqlite"
        self.kept = kept

    def get(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float16]]:
        """The vectors that are known, each noted as used."""
        found: dict[bytes, NDArray[np.float16]] = {}
        if not self.path.is_file():
            return found
        with contextlib.suppress(sqlite3.Error), contextlib.closing(self._open()) as base, base:
            for key in keys:
                row = base.execute("SELECT checksum, vector FROM vectors WHERE key = ?", (key,)).fetchone()
                if row is not None and zlib.crc32(row[1]) == row[0]:
                    found[key] = np.frombuffer(row[1], np.float16)
            (now,) = base.execute(_NOW).fetchone()
            base.executemany("UPDATE vectors SET used = ? WHERE key = ?", [(now, key) for key in found])
        return found

    def put(self, vectors: Mapping[bytes, NDArray[np.float16]]) -> None:
        """Keep vectors, and let the oldest go."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write(vectors)
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):  # no database: begin again
                self.path.unlink(missing_ok=True)
        except OSError:
            pass

    def _write(self, vectors: Mapping[bytes, NDArray[np.float16]]) -> None:
        with contextlib.closing(self._open()) as base, base:
            (now,) = base.execute(_NOW).fetchone()
            base.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
                [(key, now, zlib.crc32(one.tobytes()), one.tobytes()) for key, one in vectors.items()],
            )
            (count,) = base.execute("SELECT COUNT(*) FROM vectors").fetchone()
            if count > self.kept:
                base.execute(_OLDEST, (count - self.kept,))

    def _open(self) -> sqlite3.Connection:
        base = sqlite3.connect(self.path, timeout=30)
        try:
            base.execute(_TABLE)
        except sqlite3.Error:
            base.close()
            raise
        return base
