"""Where a dataset's official files are, pinned: repository, commit, path and git blob id of each.

A dataset declares them as a class attribute `sources`, a tuple of `Pinned`; `crsbench data get` reads it.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

CHUNK = 1 << 18


def _inside(path: str) -> str:
    """A relative path that stays where it is put, on every system."""
    parts = path.split("/")
    odd = any(character in '\\:*?"<>|' or ord(character) < 32 for character in path)
    if odd or any(part in ("", ".", "..") for part in parts):
        raise ValueError("not a plain relative path")
    return path


Inside = Annotated[str, AfterValidator(_inside)]
Sha1 = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class PinnedFile(BaseModel):
    """One file of a repository, called `name` here where that is not what it is called there.

    Of a zip, `members` are unpacked beside it; `size` is in bytes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Inside
    blob: Sha1
    name: Inside | None = None
    size: int | None = Field(default=None, ge=0)
    members: tuple[Inside, ...] = ()


class Pinned(BaseModel):
    """Files of one repository at one commit, and the folder under the data folder where they belong.

    `protocols` are those of the dataset that read them; empty means all. `licence` is that of the data;
    `terms` says in a sentence what it asks of those who use it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository: str = Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")
    commit: Sha1
    folder: Inside
    licence: str
    terms: str = ""
    citation: str = ""
    protocols: tuple[str, ...] = ()
    files: tuple[PinnedFile, ...]

    def url(self, base: str, file: PinnedFile) -> str:
        """The address of a file under `base`, the root of a server of raw repository files."""
        return f"{base.rstrip('/')}/{self.repository}/{self.commit}/{quote(file.path)}"

    def place(self, data_dir: Path, file: PinnedFile) -> Path:
        """Where a file belongs."""
        return data_dir / self.folder / (file.name or PurePosixPath(file.path).name)


def read_pins(path: Path) -> dict[str, tuple[Pinned, ...]]:
    """Dataset name → its sources, from a TOML file. Raises ValueError where it is not well formed."""
    adapter = TypeAdapter(dict[str, tuple[Pinned, ...]])
    return adapter.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))


def blob_id(path: Path) -> str:
    """Git's name for the content of a file: sha1("blob <size>\\0" + content), in hexadecimal."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
