"""Saved files hold data: JSON, safetensors, text. Reading them runs nothing."""

from __future__ import annotations

from pathlib import Path

from crsbench.testing.suite import demand

_CODE = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".py", ".pyc", ".so", ".dill")
_PICKLE = b"\x80"  # how a pickle of protocol 2 and later begins


def no_code(folder: Path) -> None:
    """Raise ConformanceError where something was pickled, or nothing was saved."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    demand(bool(files), "save writes no file")
    for path in files:
        start = path.read_bytes()[:2]
        pickled = start[:1] == _PICKLE and start[1:] in (b"\x02", b"\x03", b"\x04", b"\x05")
        zipped = start == b"PK"
        demand(
            path.suffix not in _CODE and not pickled and not zipped,
            f"save writes {path.name}, which is pickled or code: JSON and safetensors are neither",
        )
