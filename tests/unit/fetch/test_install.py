"""From pins to files: verified, atomic, nothing overwritten unasked."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from crsbench.errors import DataError, UsageError
from crsbench.fetch.install import alone, install, wanted
from crsbench.fetch.pins import Pinned, PinnedFile, blob_id, read_pins

COMMIT = "c" * 40
CONTENT = b"some data\n" * 1000


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def pinned(content: bytes = CONTENT, **more: Any) -> Pinned:
    file = PinnedFile(path="data/x.json", blob=blob(content), **more)
    return Pinned(repository="a/b", commit=COMMIT, folder="toy/raw", licence="CC0", files=(file,))


@pytest.fixture
def get(server: Any, pauses: list[float], tmp_path: Path) -> Any:
    server.files[f"/a/b/{COMMIT}/data/x.json"] = CONTENT

    def get(source: Pinned, replace: bool = False) -> Path:
        [one] = wanted([source], tmp_path)
        install(one, server.url, replace, lambda *_: None)
        assert one.complete()
        assert not one.part.exists()
        return one.target

    return get


def test_blob_ids_are_gits(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"hello\n")
    assert blob_id(path) == "ce013625030ba8dba906f756967f9e9ca394464a"
    path.write_bytes(CONTENT)
    assert blob_id(path) == blob(CONTENT)
    git = subprocess.run(["git", "hash-object", "--no-filters", path], capture_output=True, text=True)
    assert git.stdout.strip() in ("", blob(CONTENT))


def test_a_file_at_its_place(get: Any, tmp_path: Path, server: Any) -> None:
    [one] = wanted([pinned()], tmp_path)
    assert not one.complete()
    assert get(pinned()) == tmp_path / "toy" / "raw" / "x.json" == one.target
    assert one.target.read_bytes() == CONTENT
    before = len(server.requests)
    get(pinned())
    assert len(server.requests) == before  # what is there is not asked for again


def test_wrong_bytes_are_refused(get: Any, tmp_path: Path, server: Any) -> None:
    path = f"/a/b/{COMMIT}/data/x.json"
    server.behaviours[path] = [server.sends(CONTENT.replace(b"some", b"evil", 1))] * 5
    with pytest.raises(DataError, match="not the pinned one") as caught:
        get(pinned(size=len(CONTENT)))
    assert blob(CONTENT) in str(caught.value)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(server.requests) == 1


def test_a_wrong_part_gets_a_second_chance(get: Any, tmp_path: Path, server: Any) -> None:
    [one] = wanted([pinned()], tmp_path)
    one.part.parent.mkdir(parents=True)
    one.part.write_bytes(b"garbage" * 10)
    assert get(pinned()).read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == ["bytes=70-", None]


def test_another_pin_begins_anew(tmp_path: Path) -> None:
    assert wanted([pinned()], tmp_path)[0].part != wanted([pinned(b"x")], tmp_path)[0].part


def test_a_different_file_is_kept_unless_asked(get: Any, tmp_path: Path, server: Any) -> None:
    [one] = wanted([pinned()], tmp_path)
    one.target.parent.mkdir(parents=True)
    one.target.write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"x\.json is there and is not the pinned file .*--replace"):
        get(pinned())
    assert one.target.read_bytes() == b"mine"
    assert not server.requests
    assert get(pinned(), replace=True).read_bytes() == CONTENT


def test_an_archive_is_kept_and_unpacked(get: Any, tmp_path: Path, server: Any) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        archive.writestr("train.jsonl", b"1\n")
        archive.writestr("test.jsonl", b"2\n")
    content = (tmp_path / "made.zip").read_bytes()
    server.files[f"/a/b/{COMMIT}/data/x.json"] = content
    source = pinned(content, members=("train.jsonl", "test.jsonl"))
    folder = get(source).parent
    assert {path.name for path in folder.iterdir()} == {"x.json", "train.jsonl", "test.jsonl"}
    (folder / "test.jsonl").unlink()
    requests = len(server.requests)
    get(source)  # from the archive, not from the server
    assert (folder / "test.jsonl").read_bytes() == b"2\n"
    assert len(server.requests) == requests
    (folder / "test.jsonl").write_bytes(b"my part of it\n")
    with pytest.raises(UsageError, match=r"test\.jsonl is there"):
        get(source)
    get(source, replace=True)
    assert (folder / "test.jsonl").read_bytes() == b"2\n"


def test_a_hostile_archive_is_refused_although_it_is_the_pinned_one(
    get: Any, tmp_path: Path, server: Any
) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        archive.writestr("train.jsonl", b"1\n")
        archive.writestr("../../../evil", b"!")
    content = (tmp_path / "made.zip").read_bytes()
    server.files[f"/a/b/{COMMIT}/data/x.json"] = content
    with pytest.raises(DataError, match="outside the folder"):
        get(pinned(content, members=("train.jsonl",)))
    assert not list(tmp_path.rglob("evil"))
    assert not list(tmp_path.rglob("train.jsonl"))


def test_a_folder_that_cannot_be_made(get: Any, tmp_path: Path) -> None:
    (tmp_path / "toy").write_text("a file")
    with pytest.raises(UsageError, match="toy"):
        get(pinned())


def test_two_downloads_do_not_meet(tmp_path: Path) -> None:
    with alone(tmp_path / "new"), pytest.raises(UsageError, match="is at work"), alone(tmp_path / "new"):
        pass
    with alone(tmp_path / "new"):
        pass


@pytest.mark.parametrize("path", ["../x", "/x", "a/../x", "a//x", "", ".", "a\\x", "c:x", "x\n", "a/"])
def test_pins_stay_inside(path: str) -> None:
    with pytest.raises(ValidationError, match="relative path"):
        PinnedFile(path=path, blob="0" * 40)


@pytest.mark.parametrize("change", [{"commit": "main"}, {"repository": "a"}, {"folder": ".."}, {"extra": 1}])
def test_pins_are_checked(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Pinned.model_validate({**pinned().model_dump(), **change})


def test_addresses_are_quoted() -> None:
    file = PinnedFile(path="data/a b#c.json", blob="0" * 40)
    assert pinned().url("http://x/", file) == f"http://x/a/b/{COMMIT}/data/a%20b%23c.json"


def test_a_file_may_be_called_otherwise_here(tmp_path: Path) -> None:
    file = PinnedFile(path="data/id2info.json", name="items.json", blob="0" * 40)
    assert pinned().place(tmp_path, file).name == "items.json"
    assert pinned().url("http://x", file).endswith("/data/id2info.json")
    with pytest.raises(ValidationError, match="relative path"):
        PinnedFile(path="x", name="../y", blob="0" * 40)


def test_pins_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    path.write_text(
        f'[[toy]]\nrepository = "a/b"\ncommit = "{COMMIT}"\nfolder = "toy"\nlicence = "CC0"\n'
        f'files = [{{ path = "x", blob = "{blob(CONTENT)}", size = 3 }}]\n'
    )
    [source] = read_pins(path)["toy"]
    assert source.place(tmp_path, source.files[0]) == tmp_path / "toy" / "x"
    path.write_text("[[toy]]\n")
    with pytest.raises(ValueError, match="repository"):
        read_pins(path)
