"""Can one object be reached from another? How a check proves that sealed labels cannot."""

from __future__ import annotations

import gc
import types
from collections import deque
from typing import Any

MOST = 3_000_000  # objects looked at
_ENDS = (type, types.ModuleType, types.FrameType, str, bytes, int, float, complex, bool, type(None))


def reaches(start: object, kinds: tuple[type, ...]) -> object | None:
    """The first object of one of `kinds` that `start` leads to, or None.

    Follows whatever the garbage collector knows of: attributes, items, closures, bound objects. Classes and
    modules end the walk: everything is reachable from those.
    """
    seen = {id(start)}
    pending = deque([start])
    while pending and len(seen) < MOST:
        here = pending.popleft()
        if isinstance(here, kinds):
            return here
        for there in _next(here):
            if id(there) not in seen and not isinstance(there, _ENDS):
                seen.add(id(there))
                pending.append(there)
    return None


def _next(here: object) -> list[Any]:
    if isinstance(here, types.FunctionType):
        return [here.__closure__, here.__defaults__, here.__kwdefaults__]  # and not its module's globals
    return gc.get_referents(here)
