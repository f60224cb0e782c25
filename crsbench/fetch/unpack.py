"""Take named members out of a zip that nobody vouches for."""

from __future__ import annotations

import errno
import os
import stat
import zipfile
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crsbench.errors import DataError
from crsbench.fetch.pins import CHUNK

MOST_MEMBERS = 10_000
MOST_BYTES = 4 << 30  # unpacked, all members together
MOST_RATIO = 200  # of unpacked to packed; text packs 3 to 20 times smaller
SMALL = 1 << 20  # members below this many bytes may pack better
_PLAIN = (0, stat.S_IFREG, stat.S_IFDIR)


def stale(archive: Path, members: Sequence[str], into: Path) -> list[Path]:
    """Which members are not in the folder `into` as the archive has them. Raises DataError."""
    found: list[Path] = []
    with _opened(archive) as opened:
        for name in members:
            info, target = _member(opened, archive, name), _place(into, name)
            same = target.is_file() and target.stat().st_size == info.file_size and _crc(target) == info.CRC
            if not same:
                found.append(target)
    return found


def unpack(archive: Path, members: Sequence[str], into: Path) -> None:
    """Put the members, by their last names, into the folder `into`: all of them complete, or none.

    The whole archive is refused where any member would leave a folder, is a link or a device, is encrypted,
    appears twice, is packed in an uncommon way, or where it unpacks to too much. Raises DataError.
    """
    ready: list[tuple[Path, Path]] = []
    try:
        with _opened(archive) as opened:
            for name in members:
                target = _place(into, name)
                part = target.with_name(f".{target.name}.unpacking")
                ready.append((part, target))
                _copy(opened, _member(opened, archive, name), part)
        for part, target in ready:
            os.replace(part, target)
    finally:
        for part, _ in ready:
            part.unlink(missing_ok=True)


@contextmanager
def _opened(archive: Path) -> Generator[zipfile.ZipFile]:
    """The archive, its members checked. What is wrong with it becomes a DataError."""
    try:
        with zipfile.ZipFile(archive) as opened:
            problem = _problem(opened.infolist())
            if problem:
                raise DataError(f"{archive} is not unpacked: {problem}")
            yield opened
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        # RuntimeError: encrypted, or a version of the format that is not known
        raise DataError(f"{archive} is damaged: {error}") from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # an offset that is no place in the file
            raise DataError(f"{archive} is damaged: {error}") from error
        raise


def _problem(infos: Sequence[zipfile.ZipInfo]) -> str | None:
    if len(infos) > MOST_MEMBERS:
        return f"it has {len(infos)} members"
    if sum(info.file_size for info in infos) > MOST_BYTES:
        return f"it says that it unpacks to more than {MOST_BYTES} bytes"
    seen: set[str] = set()
    for info in infos:
        problem = _hostile(info) or ("is there twice" if info.filename in seen else None)
        if problem:
            return f"its member {info.orig_filename!r} {problem}"
        seen.add(info.filename)
    return None


def _hostile(info: zipfile.ZipInfo) -> str | None:
    name = info.orig_filename
    if any(character in "\\:" or ord(character) < 32 for character in name):
        return "has no plain name"
    if name.startswith("/") or any(part in ("", ".", "..") for part in name.removesuffix("/").split("/")):
        return "would be written outside the folder"
    if stat.S_IFMT(info.external_attr >> 16) not in _PLAIN:
        return "is a link or a device"
    if info.flag_bits & 0x1:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is packed by method {info.compress_type}"
    if info.file_size > max(SMALL, MOST_RATIO * info.compress_size):
        return f"unpacks to {info.file_size} bytes from {info.compress_size}"
    return None


def _member(opened: zipfile.ZipFile, archive: Path, name: str) -> zipfile.ZipInfo:
    try:
        return opened.getinfo(name)
    except KeyError:
        raise DataError(f"{archive} has no member {name!r}") from None


def _place(into: Path, name: str) -> Path:
    return into / name.rpartition("/")[2]


def _copy(opened: zipfile.ZipFile, info: zipfile.ZipInfo, part: Path) -> None:
    """Write one member. zipfile never gives more than the declared size and then compares the checksum, so
    a member that is larger than it says ends here as damaged."""
    with opened.open(info) as source, part.open("wb") as file:
        while chunk := source.read(CHUNK):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _crc(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            crc = zlib.crc32(chunk, crc)
    return crc
