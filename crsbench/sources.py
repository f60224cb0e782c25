"""What a plugin's code is, as a digest: an edit of one line makes another plugin of it."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import sys
from pathlib import Path

from crsbench import discovery
from crsbench.errors import CrsbenchError

CORE = "crsbench"
# parts of the core that cannot change a score
_NO_SCORES = (
    "_pytest_plugin.py",
    "audit",
    "chat",
    "cli",
    "evidence",
    "fetch",
    "leaderboard",
    "reopened.py",
    "report",
    "scaffold",
    "testing",
)


def source_digest(module_name: str) -> str:
    """The sha256 of all sources that decide what a plugin does, in hexadecimal.

    Covers every *.py of the import package that holds `module_name` (or its one file) and, transitively,
    those of the plugin packages and of `crsbench` that it imports, found without importing anything.
    Raises CrsbenchError where there is no source: such code cannot be told from other code.
    """
    plugins = {plugin.origin.module.partition(".")[0] for plugin in discovery.entry_points()}
    digest = hashlib.sha256()
    seen: set[str] = set()
    pending = {module_name.partition(".")[0]}
    shas: list[tuple[str, str]] = []
    while pending:
        package = pending.pop()
        seen.add(package)
        for name, path in _files(package):
            sha, imports = _scan(path)
            shas.append((name, sha))
            pending |= {i for i in imports if i in plugins or i == CORE or i.startswith(f"{CORE}_")} - seen
    for name, sha in sorted(shas):
        digest.update(f"{name} {sha}\n".encode())
    return digest.hexdigest()


def _files(package: str) -> list[tuple[str, Path]]:
    """(name within the import system, path) of each source file of a top-level package or module."""
    module = sys.modules.get(package)
    spec = module.__spec__ if module is not None else importlib.util.find_spec(package)
    if spec is not None and spec.submodule_search_locations:
        return [
            (f"{package}/{path.relative_to(root).as_posix()}", path)
            for root in spec.submodule_search_locations
            for path in sorted(Path(root).rglob("*.py"))
            if package != CORE or path.relative_to(root).parts[0] not in _NO_SCORES
        ]
    # A script's __main__ has no spec, but a file.
    origin = spec.origin if spec is not None else getattr(module, "__file__", None)
    if origin is None or not origin.endswith(".py") or not Path(origin).is_file():
        raise CrsbenchError(
            f"the source of {package} cannot be found, so its results could not be identified",
            "put it into a .py file",
        )
    return [(f"{package}.py", Path(origin))]


def _scan(path: Path) -> tuple[str, frozenset[str]]:
    stat = path.stat()
    return _scan_version(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=4096)
def _scan_version(path: Path, mtime_ns: int, size: int) -> tuple[str, frozenset[str]]:
    """The digest of one file and the top-level names it imports; the key makes an edited file a new one."""
    del mtime_ns, size
    source = path.read_bytes()
    imports: set[str] = set()
    try:
        tree = ast.parse(source)
    except SyntaxError:
        tree = ast.Module(body=[], type_ignores=[])  # it cannot be imported either, so nothing comes of it
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            imports.add(node.module.partition(".")[0])
    return hashlib.sha256(source).hexdigest(), frozenset(imports)
