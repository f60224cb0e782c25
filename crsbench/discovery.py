"""Where plugins come from: the entry points of installed distributions, and one-file plugins in a folder.

Only found here, not loaded: importing a plugin may fail, and `plugins.Host` keeps such failures apart.
pluggy's own loader skips the second of two equal names without a word and stops at one bad import.
"""

from __future__ import annotations

import functools
import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

from crsbench.errors import UsageError

GROUP = "crsbench"
INTERFACE_GROUP = "crsbench.interface"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a name comes from. A file plugin's distribution is the stem of its file, its version "0"."""

    distribution: str
    version: str
    module: str


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin that was found: `name` is its entry point's or its file's; `load` imports it.

    `interface` holds the versions of the plugin interface that its distribution says it was written for.
    """

    name: str
    origin: Origin
    load: Callable[[], ModuleType]
    interface: tuple[str, ...] = ()


def canonical(distribution: str) -> str:
    """A distribution's name as package indexes compare it: lower case, runs of -_. as one dash."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def entry_points() -> list[Found]:
    """Every entry point of the group, `crsbench`'s own first, then by distribution and name.

    Distributions are read one by one, so that damaged metadata hides only its own plugins.
    """
    found: dict[str, list[Found]] = {}
    for distribution in importlib.metadata.distributions():
        if f"[{GROUP}]" not in (distribution.read_text("entry_points.txt") or ""):
            continue
        plugins = list(_of(distribution))
        # The first on the path is the one whose modules are imported; a second copy adds nothing.
        found.setdefault(canonical(plugins[0].origin.distribution) if plugins else "", plugins)
    flat = [plugin for plugins in found.values() for plugin in plugins]
    return sorted(flat, key=lambda p: (p.origin.distribution != GROUP, p.origin.distribution, p.name))


def _of(distribution: importlib.metadata.Distribution) -> Iterator[Found]:
    name = str(distribution.name or "unknown")
    version = str(distribution.version or "0")
    try:
        points = distribution.entry_points.select(group=GROUP)
    except Exception as error:
        # A line without "=" and the like: nothing of it can be read, but it shall be seen.
        reason = ImportError(f"its entry_points.txt cannot be read: {error}")
        yield Found(name, Origin(name, version, ""), functools.partial(_fail, reason))
        return
    written_for = tuple(point.name for point in distribution.entry_points.select(group=INTERFACE_GROUP))
    for point in points:
        module = point.value.partition(":")[0].strip()
        yield Found(point.name, Origin(name, version, module), point.load, written_for)


def _fail(error: Exception) -> ModuleType:
    raise error


def restricted(found: list[Found], warnings: list[str]) -> list[Found]:
    """Those that `CRSBENCH_PLUGINS=a,b` names by entry point or distribution; all where it is not set."""
    names = [name.strip() for name in os.environ.get("CRSBENCH_PLUGINS", "").split(",") if name.strip()]
    if not names:
        return found
    warnings.extend(
        f"CRSBENCH_PLUGINS names {name!r}, which is not installed"
        for name in names
        if not any(_is_named(plugin, name) for plugin in found)
    )
    return [plugin for plugin in found if any(_is_named(plugin, name) for name in names)]


def _is_named(plugin: Found, name: str) -> bool:
    return plugin.name == name or canonical(plugin.origin.distribution) == canonical(name)


def files(folder: Path) -> list[Found]:
    """The one-file plugins of a folder: every *.py whose name does not begin with an underscore."""
    if not folder.is_dir():
        raise UsageError(f"--plugins-dir: {folder} is not a folder")
    try:
        paths = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    except OSError as error:
        raise UsageError(f"--plugins-dir: {folder} cannot be read: {error}") from error
    return [
        Found(path.stem, Origin(path.stem, "0", path.stem), functools.partial(_load_file, path.resolve()))
        for path in paths
    ]


class _SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles what stands in the file now: a cached compilation may be older, and would litter."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _load_file(path: Path) -> ModuleType:
    name = path.stem
    if not name.isidentifier():
        raise ImportError(f"{path.name}: the file's name is no Python identifier")
    known = sys.modules.get(name)
    if (known is None and _other(importlib.util.find_spec(name), path)) or (
        known is not None and not isinstance(getattr(known, "__loader__", None), _SourceLoader)
    ):
        raise ImportError(f"{path.name}: there is a module named {name} already; rename the file")
    spec = importlib.util.spec_from_file_location(name, path, loader=_SourceLoader(name, str(path)))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    # Under its name while it runs: dataclasses, pydantic and "module:Class" look it up there.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _other(spec: importlib.machinery.ModuleSpec | None, path: Path) -> bool:
    """Whether a module of the name is to be had from somewhere else than this file."""
    return spec is not None and (spec.origin is None or Path(spec.origin).resolve() != path)
