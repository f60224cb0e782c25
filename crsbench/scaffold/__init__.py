"""A third-party distribution, whole and small: what `crsbench new` writes."""

from __future__ import annotations

import importlib.util
import keyword
import os
import re
import shutil
import string
import sys
import tempfile
from pathlib import Path

from crsbench.errors import UsageError
from crsbench.hookspecs import INTERFACE
from crsbench.plugins import OURS, Host, Kind

TEMPLATES = Path(__file__).parent / "templates"
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")  # as PEP 508 has it
_WHAT: dict[Kind, tuple[str, str]] = {
    "policy": ("policy", "crsbench_policies"),
    "signal": ("signal", "crsbench_signals"),
    "labels": ("label model", "crsbench_labels"),
    "reward": ("reward model", "crsbench_rewards"),
    "metric": ("metric", "crsbench_metrics"),
    "dataset": ("dataset", "crsbench_datasets"),
    "simulator": ("simulator", "crsbench_simulators"),
}
_USE: dict[Kind, str] = {
    "policy": "--plugin {}",
    "signal": "--plugin ppo-iuf --signals {}",
    "labels": "--plugin ppo-iuf --labels {}",
    "reward": "--plugin ppo-iuf --reward {}",
    "metric": "--plugin popularity --metrics {}",
    "dataset": "--plugin popularity --dataset {} --simulator none",
    "simulator": "--plugin popularity --simulator {}",
}


def package_of(name: str) -> str:
    """my-crs → my_crs. Raises UsageError in one line for what cannot be a distribution with a package."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of a distribution", "letters, digits, and - _ . inside, as in my-crs"
        )
    package = re.sub(r"[-.]+", "_", name).lower()
    if not package.isidentifier() or keyword.iskeyword(package):
        raise UsageError(f"{name!r} gives a package {package!r}, which Python cannot import", "as in my-crs")
    if package in sys.stdlib_module_names or importlib.util.find_spec(package) is not None:
        raise UsageError(
            f"{name!r} would hide the module {package}, which is there already", "take another name"
        )
    return package


def write(name: str, kind: Kind, parent: Path) -> Path:
    """Write the distribution into `parent`/`name`, whole or not at all, and return that folder.

    Raises UsageError where there is something already, or the name is taken or no name.
    """
    package, target = package_of(name), parent / name
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} is there already", "nothing was written")
    for offer in Host.discover().offers:
        if offer.kind == kind and offer.name == name and offer.origin.distribution == OURS:
            raise UsageError(f"crsbench has a {kind} {name!r} already", "a bare name would mean that one")
    what, hook = _WHAT[kind]
    values = {
        "name": name,
        "package": package,
        "cls": "".join(part.capitalize() for part in package.split("_")),
        "kind": kind,
        "what": what,
        "hook": hook,
        "use": _USE[kind].format(name),
        "interface": INTERFACE,
    }
    source = f"src/{package}"
    files = {
        "pyproject.toml": "pyproject.toml.txt",
        "README.md": "README.md.txt",
        f"{source}/__init__.py": "init.py.txt",
        f"{source}/plugin.py": f"{kind}.py.txt",
        f"{source}/py.typed": None,
        "tests/test_conformance.py": "test.py.txt",
    }
    if kind == "dataset":
        files[f"{source}/dialogues.jsonl"] = "dialogues.jsonl"
    _write(target, {path: _filled(template, values) for path, template in files.items()})
    return target


def _filled(template: str | None, values: dict[str, str]) -> str:
    return string.Template((TEMPLATES / template).read_text("utf-8")).substitute(values) if template else ""


def _write(target: Path, files: dict[str, str]) -> None:
    """Write into a hidden folder first, and give it its name when it is whole."""
    building: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        for path, text in files.items():
            (building / path).parent.mkdir(parents=True, exist_ok=True)
            (building / path).write_text(text, encoding="utf-8")
        building.chmod(0o755)
        os.rename(building, target)
    except BaseException as error:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)
        if isinstance(error, OSError):
            raise UsageError(f"cannot write {target}: {error.strerror or error}") from error
        raise
