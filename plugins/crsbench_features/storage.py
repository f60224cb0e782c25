"""Sparse rows and catalogues on disk: safetensors and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy import sparse

from crsbench.types import Catalog, Item

_ITEMS = TypeAdapter(tuple[Item, ...])
_PARTS = ("data", "indices", "indptr")


def pack(name: str, rows: sparse.csr_array) -> dict[str, NDArray[Any]]:
    """The arrays that a sparse matrix is made of, for safetensors."""
    return {f"{name}.{part}": getattr(rows, part) for part in _PARTS}


def unpack(arrays: Mapping[str, NDArray[Any]], name: str, columns: int) -> sparse.csr_array:
    """What `pack` took apart."""
    data, indices, indptr = (arrays[f"{name}.{part}"] for part in _PARTS)
    return sparse.csr_array((data, indices, indptr), shape=(len(indptr) - 1, columns))


def save_catalog(catalog: Catalog, directory: Path) -> None:
    """Write catalog.json."""
    (directory / "catalog.json").write_bytes(_ITEMS.dump_json(catalog.items))


def load_catalog(directory: Path) -> Catalog:
    """Read what `save_catalog` wrote."""
    return Catalog(_ITEMS.validate_json((directory / "catalog.json").read_bytes()))
