"""Results that others reported (`published.toml`): they stand beside measured ones and rank with none."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crsbench.errors import DataError

FILE = "published.toml"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Reported(_Frozen):
    """A row of a paper: metric → value on all targets, and on new ones."""

    name: str = Field(min_length=1)
    all: dict[str, float] = Field(default_factory=dict)
    new: dict[str, float] = Field(default_factory=dict)


class Source(_Frozen):
    """Where rows come from, and how they were scored there (`protocol` in a word, `how` in full)."""

    dataset: str
    protocol: str
    how: str
    unit: str
    title: str
    citation: str
    doi: str = Field(pattern=r"^10\.[0-9]{4,9}/[^\s<>\"]+$")
    rows: tuple[Reported, ...] = Field(min_length=1)


class _File(_Frozen):
    sources: tuple[Source, ...] = ()


def read_published(folder: Path) -> tuple[Source, ...]:
    """The sources in a leaderboard's folder; none without the file. Raises DataError naming the field."""
    file = folder / FILE
    if not file.exists():
        return ()
    try:
        return _File.model_validate(tomllib.loads(file.read_text("utf-8"))).sources
    except ValidationError as error:
        fault = error.errors()[0]
        raise DataError(f"{file}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {file}: {error}") from error
