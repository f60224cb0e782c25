"""Reading members of a zip without unpacking it: nothing is written, and nothing grows without bound."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath

from crsbench.errors import DataError

MOST_BYTES = 1 << 30  # of one member, unpacked


def find(archive: Path, name: str) -> str | None:
    """The one member whose last path component is `name`; None where there is none. Raises DataError."""
    try:
        with zipfile.ZipFile(archive) as opened:
            found = [member for member in opened.namelist() if _wanted(member, name)]
    # what zipfile raises on damaged headers, and on a way of packing that it does not know
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
        raise DataError(f"{archive} is not a readable zip: {error}") from None
    if len(found) > 1:
        raise DataError(f"{archive}: {name} is there {len(found)} times")
    return found[0] if found else None


def _wanted(member: str, name: str) -> bool:
    path = PurePosixPath(member)
    return path.name == name and "__MACOSX" not in path.parts


def read(archive: Path, member: str) -> bytes:
    """What a member holds, its checksum verified. Raises DataError."""
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as file:
            content = file.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError) as error:
        # RuntimeError: encrypted (and, as NotImplementedError, an unknown compression)
        raise DataError(f"{archive} ({member}) cannot be unpacked: {error}") from None
    if len(content) > MOST_BYTES:
        raise DataError(f"{archive} ({member}) unpacks to more than {MOST_BYTES:,} bytes")
    return content
