"""Typed reading of a corpus's files: what is missing or damaged is named by file, line and field."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from crsbench.errors import DataError

T = TypeVar("T")


class Files:
    """The files of one folder, and a digest of everything read from it.

    `source` says where the files come from; it is the hint of the error that a missing one raises.
    """

    def __init__(self, folder: Path, source: str) -> None:
        self.folder = folder
        self.source = source
        self._digest = hashlib.sha256()

    @property
    def fingerprint(self) -> str:
        """16 hex digits over the names and bytes of the files read so far, in the order of reading."""
        return self._digest.hexdigest()[:16]

    def json(self, name: str, kind: type[T]) -> T:
        """One JSON document of the given type. Raises DataError."""
        return _parse(TypeAdapter(kind), self._read(name), str(self.folder / name))

    def rows(self, name: str, kind: type[T]) -> list[tuple[int, T]]:
        """A JSON-lines file as (line number from 1, row); empty lines are skipped. Raises DataError."""
        adapter = TypeAdapter(kind)
        path = self.folder / name
        rows = [
            (number, _parse(adapter, line, f"{path}, line {number}"))
            for number, line in enumerate(self._read(name).split(b"\n"), start=1)
            if line.strip()
        ]
        if not rows:
            raise DataError(f"{path} holds no rows", self.source)
        return rows

    def damaged(self, name: str, problem: str, line: int | None = None) -> DataError:
        """The error for something that types cannot express, at its place in a file."""
        return DataError(f"{self.folder / name}{f', line {line}' if line else ''}: {problem}")

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        missing = next((p for p in (self.folder, path) if not p.exists()), None)
        if missing is not None:
            raise DataError(f"{missing} is missing", self.source)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error
        self._digest.update(f"{name}\0{len(content)}\0".encode())
        self._digest.update(content)
        return content


def _parse(adapter: TypeAdapter[T], content: bytes, where: str) -> T:
    try:
        return adapter.validate_json(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            # the parser counts lines from the start of what it was given, which for a row is one line
            reason = first["msg"].removeprefix("Invalid JSON: ").replace(" at line 1 column", " at column")
            raise DataError(f"{where}: not valid JSON: {reason}") from None
        field = ".".join(str(part) for part in first["loc"])
        problem = first["msg"][0].lower() + first["msg"][1:]
        raise DataError(f"{where}, field {field}: {problem}" if field else f"{where}: {problem}") from None
