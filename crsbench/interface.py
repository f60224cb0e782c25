"""Versions of the plugin interface: what a plugin says that it was written for, against what there is.

A distribution says so in its metadata, so that it is known before anything of it is imported:

    [project.entry-points."crsbench.interface"]
    "1.0" = "my_crs"

means from 1.0 up to, and without, 2.0. Several lines are several such ranges.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crsbench.errors import UsageError
from crsbench.hookspecs import INTERFACE


def misfit(written_for: Sequence[str], interface: str = INTERFACE) -> str | None:
    """What to warn of: None where one of the versions fits, and where none is stated.

    Raises UsageError where all of them are newer than `interface`, or one is no version.
    """
    ours, stated = _version(interface), [_version(text) for text in written_for]
    if not stated or any(major == ours[0] and (major, minor) <= ours for major, minor in stated):
        return None
    newest = ".".join(map(str, max(stated)))
    if min(stated) > ours:
        raise UsageError(
            f"it needs plugin interface {newest}, and this crsbench has {interface}: upgrade crsbench"
        )
    return f"was written for plugin interface {newest}, and this crsbench has {interface}: it may not work"


def _version(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)\.(\d+)", text)
    if found is None:
        raise UsageError(f"it states the plugin interface {text!r}, which is no version such as {INTERFACE}")
    return int(found[1]), int(found[2])
