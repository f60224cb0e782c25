"""ReDial's movies, joined with what is known of them by title and year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from crsbench.types import Item
from crsbench_corpora.files import Files
from crsbench_corpora.titles import plain, titled

MOVIES, METADATA = "movies_with_mentions.csv", "items_info.json"


class Info(TypedDict):
    """An entry of items_info.json. The id at IMDb is read by nothing here."""

    name: str
    genre: list[str]
    director: list[str]
    writer: list[str]
    star: list[str]
    plot: NotRequired[str]


class Listing(TypedDict):
    """What a dialogue's line says about the movies it names."""

    movieMentions: dict[str, str | None] | Annotated[list[Any], Field(max_length=0)]


def movies(files: Files, dialogues: Sequence[str]) -> tuple[Item, ...]:
    """Every movie, in the order of the list; where there is none (the zip has none), those that the files of
    `dialogues` name, by their ids.

    Metadata belongs to a movie where title (without case, accents' encoding and punctuation) and year are
    the same; a movie without a year meets entries without one. Of entries that share both, the first
    stands. Raises DataError.
    """
    known = _metadata(files)
    listed = _listed(files) if MOVIES in files else _mentioned(files, dialogues)
    named = [(number, *titled(name)) for number, name in listed]
    nothing: tuple[dict[str, tuple[str, ...]], str] = {}, ""
    return tuple([Item(number, *it, *known.get((plain(it[0]), it[1]), nothing)) for number, *it in named])


def _listed(files: Files) -> list[tuple[str, str]]:
    """(id, name) of the movie list."""
    found: list[tuple[str, str]] = []
    lines: dict[str, int] = {}
    for line, row in files.table(MOVIES, ("movieId", "movieName")):
        number, name = row["movieId"].strip(), row["movieName"]
        if not number.isascii() or not number.isdigit():
            raise files.damaged(MOVIES, f"field movieId: {number!r} is no number", line)
        if not name.strip():
            raise files.damaged(MOVIES, "field movieName is empty", line)
        if lines.setdefault(number, line) != line:
            raise files.damaged(MOVIES, f"movieId {number} repeats line {lines[number]}", line)
        found.append((number, name))
    if not found:
        raise files.damaged(MOVIES, "holds no movies")
    return found


def _mentioned(files: Files, dialogues: Sequence[str]) -> list[tuple[str, str]]:
    """(id, name) of the movies that dialogues list; what has no name is called by its id."""
    found: dict[str, str] = {}
    for name in dialogues:
        for _, row in files.stream(name, Listing):
            for number, title in dict(row["movieMentions"]).items():
                found[number] = found.get(number) or (title or "").strip()
    return [(number, found[number] or number) for number in sorted(found, key=lambda n: (len(n), n))]


def _metadata(files: Files) -> dict[tuple[str, int | None], tuple[dict[str, tuple[str, ...]], str]]:
    """Attributes and plot, by plain title and year; nothing where there is no such file (ReDial has none)."""
    known: dict[tuple[str, int | None], tuple[dict[str, tuple[str, ...]], str]] = {}
    if METADATA in files:
        for info in files.json(METADATA, dict[str, Info]).values():
            title, year = titled(info["name"])
            facts: Mapping[str, list[str]] = {r: info[r] for r in ("genre", "director", "writer", "star")}
            attributes = {
                relation: tuple(dict.fromkeys(values)) for relation, values in facts.items() if values
            }
            known.setdefault((plain(title), year), (attributes, info.get("plot", "")))
    return known
