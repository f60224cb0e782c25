"""Where and with what a run was made: what it was computed on, and what is told of it afterwards."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from crsbench import __version__
from crsbench.data import stamp
from crsbench.errors import UsageError
from crsbench.store import Store
from crsbench.team import launched

COMPUTE = ("numpy", "scikit-learn", "torch", "transformers")  # libraries whose version may change a score


@functools.cache
def version(distribution: str) -> str | None:
    """The installed version of a distribution, read without importing it."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def libraries() -> dict[str, str | None]:
    """The versions that belong to the identity of what is computed."""
    return {name: version(name) for name in COMPUTE}


def device(wanted: str) -> Literal["cpu", "cuda"]:
    """ "auto" is "cuda" where torch can use one; torch is imported only where there is a driver.

    Raises UsageError where "cuda" is wanted and not there.
    """
    if wanted == "cpu":
        return "cpu"
    driver = Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi") is not None
    if wanted == "auto" and not driver:
        return "cpu"
    if importlib.util.find_spec("torch") and _torch().cuda.is_available():
        return "cuda"
    if wanted == "auto":
        return "cpu"
    raise UsageError("--device cuda: torch finds no CUDA device", "--device auto takes what there is")


def precision(wanted: str, on: str) -> Literal["fp32", "bf16"]:
    """ "auto" is "bf16" on a CUDA device that has it in hardware, else "fp32"."""
    if wanted != "auto":
        return "bf16" if wanted == "bf16" else "fp32"
    return "bf16" if on == "cuda" and _torch().cuda.is_bf16_supported(including_emulation=False) else "fp32"


def model_digest(model: str, store: Store) -> str:
    """What stands for `--model` in identities: a digest of a local folder's files, else the name itself.

    Digests are remembered with the sizes and times of the files. Raises UsageError for a missing folder.
    """
    folder = Path(model)
    if not folder.is_dir():
        if model.startswith((".", "/", "~")) or folder.exists():
            raise UsageError(f"--model: {model} is no folder", "it takes `tiny`, a folder or a hub name")
        return model
    files = stamp(folder.absolute())
    memo = store.memo({"model": files}) if files is not None else None
    known = memo.get() if memo else None
    if known is None:
        digest = hashlib.sha256()
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
        known = digest.hexdigest()[:16]
        if memo:
            memo.put(known)
    return str(known)


def provenance(on: str) -> dict[str, Any]:
    """The part of a record that says where it was made; nothing in it belongs to the run's identity."""
    torch = sys.modules.get("torch")
    commit, dirty = _checkout(Path(__file__).parent)
    return {
        "crsbench": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "torch", "transformers", "trl")},
        "platform": platform.platform(),
        "device": on,
        "device_name": torch.cuda.get_device_name() if torch is not None and on == "cuda" else None,
        "threads": torch.get_num_threads() if torch is not None else None,
        "processes": launched(),
        "commit": commit,
        "dirty": dirty,
    }


def _checkout(folder: Path) -> tuple[str | None, bool | None]:
    """Commit of the source checkout this package runs from and whether it is changed; None outside of one."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(  # noqa: S603
                ["git", "-C", str(folder), *arguments],  # noqa: S607
                capture_output=True,
                text=True,
                timeout=10,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # An installed copy inside some other checkout (a virtual environment, say) is not that checkout's.
    if git("ls-files", "--error-unmatch", "__init__.py") is None:
        return None, None
    status = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "HEAD"), None if status is None else bool(status)


def _torch() -> Any:
    return importlib.import_module("torch")
