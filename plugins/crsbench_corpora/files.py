"""Typed reading of a corpus's files: what is missing or damaged is named by file, line and field."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from crsbench.errors import DataError
from crsbench_corpora import archives

T = TypeVar("T")
MOST_CHARACTERS = 1 << 24  # of one field of a table


class Files:
    """The files of one folder, and a digest of everything read from it.

    `source` says where the files come from; it is the hint of the error that a missing one raises. What is
    not in the folder itself is looked for in its `archive`, a zip.
    """

    def __init__(self, folder: Path, source: str, archive: str | None = None) -> None:
        self.folder = folder
        self.source = source
        self.archive = folder / archive if archive else None
        self._digest = hashlib.sha256()
        self._contents: dict[str, bytes] = {}

    @property
    def fingerprint(self) -> str:
        """16 hex digits over the names and bytes of the files read so far, in the order of reading."""
        return self._digest.hexdigest()[:16]

    def __contains__(self, name: str) -> bool:
        """Whether there is such a file, in the folder or in its archive."""
        return (self.folder / name).exists() or self._archived(name) is not None

    def content(self, name: str) -> bytes:
        """What a file holds; it joins the digest, and is read once. Raises DataError."""
        if name not in self._contents:
            content = self._contents[name] = self._read(name)
            self._digest.update(f"{name}\0{len(content)}\0".encode())
            self._digest.update(content)
        return self._contents[name]

    def place(self, name: str) -> str:
        """Where a file lies, for people."""
        inside = not (self.folder / name).exists() and self._archived(name) is not None
        return f"{self.archive} ({name})" if inside else str(self.folder / name)

    def json(self, name: str, kind: type[T]) -> T:
        """One JSON document of the given type. Raises DataError."""
        return parse(TypeAdapter(kind), self.content(name), self.place(name))

    def rows(self, name: str, kind: type[T]) -> list[tuple[int, T]]:
        """A JSON-lines file as (line number from 1, row); empty lines are skipped. Raises DataError."""
        return list(self.stream(name, kind))

    def stream(self, name: str, kind: type[T]) -> Iterator[tuple[int, T]]:
        """The same row by row: a row that is worked off makes room for the next."""
        adapter = TypeAdapter(kind)
        place = self.place(name)
        number = found = 0
        for number, line in enumerate(self.content(name).split(b"\n"), start=1):
            if line and not line.isspace():
                found += 1
                yield number, parse(adapter, line, place, number)
        if not found:
            raise DataError(f"{place} holds no rows", self.source)

    def table(self, name: str, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
        """A .csv or .tsv as (line number from 1, column → value); blank lines are skipped. Raises DataError.

        `columns` must be among those of the first line. A .tsv has no quoting.
        """
        text = self.text(name)
        quoting = csv.QUOTE_NONE if name.endswith(".tsv") else csv.QUOTE_MINIMAL
        delimiter = "\t" if name.endswith(".tsv") else ","
        before = csv.field_size_limit(MOST_CHARACTERS)
        line = 1
        try:
            reader = csv.reader(
                io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True
            )
            header = next(reader, [])
            absent = [column for column in columns if column not in header]
            if absent:
                raise self.damaged(name, f"the column {absent[0]!r} is missing", 1)
            line = reader.line_num + 1
            for row in reader:
                if row and len(row) != len(header):
                    raise self.damaged(name, f"{len(row)} fields instead of {len(header)}", line)
                if row:
                    yield line, dict(zip(header, row, strict=True))
                line = reader.line_num + 1
        except csv.Error as error:
            raise self.damaged(name, f"not a valid table: {error}", line) from None
        finally:
            csv.field_size_limit(before)

    def text(self, name: str) -> str:
        """A file as text, without a byte order mark. Raises DataError where it is not UTF-8."""
        content = self.content(name)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise self.damaged(name, f"not UTF-8: {error.reason}", line) from None

    def damaged(self, name: str, problem: str, line: int | None = None) -> DataError:
        """The error for something that types cannot express, at its place in a file."""
        return DataError(f"{self.place(name)}{f', line {line}' if line else ''}: {one_line(problem)}")

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        if not path.exists():
            member = self._archived(name)
            if member is not None:
                return archives.read(*member)
        missing = next((p for p in (self.folder, path) if not p.exists()), None)
        if missing is not None:
            raise DataError(f"{missing} is missing", self.source)
        try:
            return path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error

    def _archived(self, name: str) -> tuple[Path, str] | None:
        """The archive and the member that is called so, wherever in it."""
        if self.archive is None or not self.archive.exists():
            return None
        member = archives.find(self.archive, name)
        return None if member is None else (self.archive, member)


def parse(adapter: TypeAdapter[T], content: bytes | str, place: str, line: int | None = None) -> T:
    """JSON of the given type. Raises DataError that names the place, the line and the field."""
    try:
        return adapter.validate_json(content, strict=True)
    except ValidationError as error:
        where = f"{place}, line {line}" if line else place
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            # the parser counts lines from the start of what it was given, which for a row is one line
            reason = first["msg"].removeprefix("Invalid JSON: ").replace(" at line 1 column", " at column")
            raise DataError(f"{where}: not valid JSON: {reason}") from None
        field = ".".join(str(part) for part in first["loc"])
        problem = first["msg"][0].lower() + first["msg"][1:]
        said = f", field {one_line(field)}: {problem}" if field else f": {problem}"
        raise DataError(where + said) from None


def one_line(text: str) -> str:
    """Something of the data in a message: on one line, and not all of it where it is long."""
    line = "".join(c if c.isprintable() else " " for c in text[:400])
    return f"{line[:200]}…" if len(line) > 200 else line
