"""Hostile archives are refused whole, and nothing of them is written."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from crsbench.errors import DataError
from crsbench.fetch import unpack as unpacking
from crsbench.fetch.unpack import stale, unpack

GOOD = {"train.jsonl": b"1\n2\n", "test.jsonl": b"3\n"}


def zipped(
    path: Path, members: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] | None = None
) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if change:
                change(info)
            archive.writestr(info, content)
    return path


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def refused(archive: Path, into: Path, match: str) -> None:
    with pytest.raises(DataError, match=match) as caught:
        unpack(archive, ["train.jsonl"], into)
    assert str(archive) in str(caught.value)
    assert not list(into.iterdir())


def test_the_named_members_and_no_others(into: Path) -> None:
    archive = zipped(into / "x.zip", {**GOOD, "notes.txt": b"?", "folder/": b"", "folder/deep.txt": b"deep"})
    assert stale(archive, list(GOOD), into) == [into / name for name in GOOD]
    unpack(archive, [*GOOD, "folder/deep.txt"], into)
    found = {path.name: path.read_bytes() for path in into.iterdir() if path != archive}
    assert found == {**GOOD, "deep.txt": b"deep"}
    assert stale(archive, list(GOOD), into) == []


def test_a_changed_member_is_noticed(into: Path) -> None:
    archive = zipped(into / "x.zip", GOOD)
    unpack(archive, list(GOOD), into)
    (into / "test.jsonl").write_bytes(b"4\n")  # of the same size
    assert stale(archive, list(GOOD), into) == [into / "test.jsonl"]


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/evil", "..\\evil", "C:evil", "a//b", "./x", "new\nline"]
)
def test_members_that_would_leave_the_folder(tmp_path: Path, into: Path, name: str) -> None:
    archive = zipped(tmp_path / "x.zip", {**GOOD, name: b"!"})
    refused(archive, into, "outside the folder|no plain name")
    assert not (tmp_path / "evil").exists()


def test_a_name_that_ends_early(tmp_path: Path, into: Path) -> None:
    archive = zipped(tmp_path / "x.zip", {**GOOD, "evilXname": b"!"})
    archive.write_bytes(archive.read_bytes().replace(b"evilXname", b"evil\0name"))
    refused(archive, into, "no plain name")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices(tmp_path: Path, into: Path, kind: int) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        info.external_attr = (kind | 0o777) << 16

    refused(zipped(tmp_path / "x.zip", {"train.jsonl": b"/etc/passwd"}, change), into, "link or a device")


def test_members_that_are_there_twice(tmp_path: Path, into: Path) -> None:
    archive = zipped(tmp_path / "x.zip", {"train.jsonl": b"a", "train.jsonX": b"b"})
    archive.write_bytes(archive.read_bytes().replace(b"train.jsonX", b"train.jsonl"))
    refused(archive, into, "twice")


def test_a_bomb_by_its_ratio(tmp_path: Path, into: Path) -> None:
    refused(zipped(tmp_path / "x.zip", {**GOOD, "bomb": bytes(50 << 20)}), into, "unpacks to 52428800 bytes")


def test_a_bomb_by_its_declared_size(tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_BYTES", 100)
    refused(
        zipped(tmp_path / "x.zip", {f"{n}.txt": bytes(60) for n in range(2)}), into, "more than 100 bytes"
    )


def test_a_bomb_that_declares_less_than_it_is(tmp_path: Path, into: Path) -> None:
    """10 MB that say they are 10 bytes: no more than 10 are ever written, and then the checksum is wrong."""
    archive = zipped(tmp_path / "x.zip", {"train.jsonl": bytes(10_000_000)})
    size = struct.pack("<L", 10_000_000)
    content = archive.read_bytes()
    assert content.count(size) == 2  # the member's own header and the archive's directory
    archive.write_bytes(content.replace(size, struct.pack("<L", 10)))
    refused(archive, into, "damaged")


def test_too_many_members(tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_MEMBERS", 3)
    refused(zipped(tmp_path / "x.zip", {str(n): b"" for n in range(4)}), into, "has 4 members")


def test_encrypted(tmp_path: Path, into: Path) -> None:
    archive = zipped(tmp_path / "x.zip", {"train.jsonl": b"secret"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    refused(archive, into, "encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_uncommon_packing(tmp_path: Path, into: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", method) as archive:
        archive.writestr("train.jsonl", b"1\n")
    refused(tmp_path / "x.zip", into, f"packed by method {method}")


def test_a_flipped_byte_leaves_nothing(tmp_path: Path, into: Path) -> None:
    archive = zipped(tmp_path / "x.zip", {"train.jsonl": b"abc" * 1000, "other": b""})
    content = bytearray(archive.read_bytes())
    content[content.index(b"train.jsonl") + len("train.jsonl") + 3] ^= 0xFF
    archive.write_bytes(content)
    refused(archive, into, "damaged")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(10), bytes(1000)])
def test_no_archive_at_all(tmp_path: Path, into: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    refused(tmp_path / "x.zip", into, "damaged")


def test_a_missing_member(tmp_path: Path, into: Path) -> None:
    refused(zipped(tmp_path / "x.zip", {"other": b""}), into, r"no member 'train\.jsonl'")


def test_all_or_nothing(tmp_path: Path, into: Path) -> None:
    with pytest.raises(DataError, match="no member"):
        unpack(zipped(tmp_path / "x.zip", GOOD), [*GOOD, "absent"], into)
    assert not list(into.iterdir())


def test_any_damage_is_a_clear_error(tmp_path: Path, into: Path) -> None:
    """Every single byte flipped in turn: the right content or a DataError."""
    archive = zipped(tmp_path / "x.zip", GOOD)
    content = archive.read_bytes()
    for at in range(len(content)):
        archive.write_bytes(content[:at] + bytes([content[at] ^ 0x41]) + content[at + 1 :])
        try:
            unpack(archive, list(GOOD), into)
        except DataError:
            continue
        assert {name: (into / name).read_bytes() for name in GOOD} == GOOD, at


def test_cut_archives(tmp_path: Path, into: Path) -> None:
    buffer = io.BytesIO(zipped(tmp_path / "x.zip", GOOD).read_bytes())
    for length in range(0, len(buffer.getvalue()), 7):
        (tmp_path / "x.zip").write_bytes(buffer.getvalue()[:length])
        refused(tmp_path / "x.zip", into, "damaged|no member")
