"""Typed reading: each kind of damage is named with its file, line and field."""

import zipfile

import pytest
from crsbench_corpora import archives
from crsbench_corpora.files import Files
from pydantic import BaseModel

from crsbench.errors import DataError


class Point(BaseModel):
    x: int
    tags: tuple[str, ...] = ()


@pytest.fixture
def files(tmp_path):
    def write(**contents):
        for name, content in contents.items():
            (tmp_path / name).write_bytes(content)
        return Files(tmp_path, "get it from its home")

    return write


def test_rows_carry_their_line_numbers(files):
    rows = files(p=b'{"x": 1}\n\n{"x": 2, "tags": ["a"]}').rows("p", Point)
    assert rows == [(1, Point(x=1)), (3, Point(x=2, tags=("a",)))]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"x": 1}\n{"x": 2, "ta', "line 2: not valid JSON: EOF while parsing a string at column 12"),
        (b'{"x": 1}\n{"x": "2"}\n', "line 2, field x: input should be a valid integer"),
        (b'{"x": 1, "tags": ["a", 5]}', "line 1, field tags.1: input should be a valid string"),
        (b'{"tags": []}', "line 1, field x: field required"),
        (b"[1]", "line 1: input should be an object"),
        (b'{"x": 1, "tags": ["\xff"]}', "line 1: not valid JSON: invalid unicode"),
        (b"\n", "holds no rows"),
    ],
)
def test_damaged_rows(files, tmp_path, content, complaint):
    with pytest.raises(DataError) as caught:
        files(p=content).rows("p", Point)
    assert str(caught.value).startswith(f"{tmp_path / 'p'}")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_damaged_document(files):
    with pytest.raises(DataError, match=r"p, field a: input should be a valid integer"):
        files(p=b'{"a": 1.5}').json("p", dict[str, int])
    with pytest.raises(DataError, match=r"p: not valid JSON: EOF while parsing an object at column 7"):
        files(p=b'{"a": 1').json("p", dict[str, int])


def test_what_is_missing_says_where_it_comes_from(files, tmp_path):
    with pytest.raises(DataError, match=r"p is missing \(get it from its home\)"):
        files().rows("p", Point)
    with pytest.raises(DataError, match=r"/nowhere is missing \(get it\)"):
        Files(tmp_path / "nowhere", "get it").rows("p", Point)
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=r"folder cannot be read: Is a directory"):
        files().json("folder", list[int])


def test_the_fingerprint_covers_what_was_read(files):
    def fingerprint(order="pq", **contents):
        reader = files(**contents)
        for name in order:
            reader.json(name, list[int])
        return reader.fingerprint

    one = fingerprint(p=b"[1]", q=b"[2]")
    assert len(one) == 16
    assert one == fingerprint(p=b"[1]", q=b"[2]")
    assert (
        len({one, fingerprint(p=b"[2]", q=b"[1]"), fingerprint("p"), fingerprint(p=b"[1] ", q=b"[2]")}) == 4
    )


def test_tables(files):
    rows = list(files(**{"p.csv": b'a,b\n1,"x\ny"\n\n2,"say ""hi"""\n'}).table("p.csv", ("b", "a")))
    assert rows == [(2, {"a": "1", "b": "x\ny"}), (5, {"a": "2", "b": 'say "hi"'})]
    rows = list(files(**{"p.tsv": b'\xef\xbb\xbfa\tb\r\n1\t"x\r\n'}).table("p.tsv", ("a",)))
    assert rows == [(2, {"a": "1", "b": '"x'})]  # a .tsv has no quoting


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "line 1: the column 'a' is missing"),
        (b"a,b\n1\n", "line 2: 1 fields instead of 2"),
        (b'a,b\n1,"2\n3\n', "line 2: not a valid table: unexpected end of data"),
        (b'a,b\n1,"2"3\n', "line 2: not a valid table: ',' expected after '\"'"),
        (b"a,b\n1,2\n3,\xff\n", "line 3: not UTF-8: invalid start byte"),
        (b"a,b\n1," + b"x" * (1 << 24) + b"x\n", "line 2: not a valid table: field larger than field limit"),
    ],
)
def test_damaged_tables(files, content, complaint):
    with pytest.raises(DataError) as caught:
        list(files(**{"p.csv": content}).table("p.csv", ("a",)))
    assert complaint in str(caught.value)


def test_an_archive_that_unpacks_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("../../p", b" " * 1000)
        packed.writestr("q", b" " * 1001)
    reader = Files(tmp_path, "get it", "a.zip")
    assert len(reader.content("p")) == 1000  # read in place: a path that leads out leads nowhere
    assert list(tmp_path.parent.glob("p")) == []
    with pytest.raises(DataError, match=r"a\.zip \(q\) unpacks to more than 1,000 bytes"):
        reader.content("q")
    with pytest.raises(DataError, match=r"r is missing \(get it\)"):
        reader.content("r")
