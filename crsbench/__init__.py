"""crsbench: benchmarks for conversational recommender systems that their users can believe.

The public names are imported on first use, so that `import crsbench` stays light.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crsbench.comparison import compare as compare
    from crsbench.config import Options as Options
    from crsbench.hf import to_hf as to_hf
    from crsbench.hookspecs import Spec as Spec
    from crsbench.hookspecs import hookimpl as hookimpl
    from crsbench.run import load_policy as load_policy
    from crsbench.run import load_run as load_run
    from crsbench.run import run as run

# Threads that spin for long while they wait make training several times slower when anything else uses the
# cores; threads that never do are a quarter slower when nothing does. OpenMP reads this when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "30000")

# A run tells nobody that it takes place: TRL's trainers would report themselves to the hub.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"

_HOMES = {
    "Options": "crsbench.config",
    "Spec": "crsbench.hookspecs",
    "hookimpl": "crsbench.hookspecs",
    "load_policy": "crsbench.run",
    "load_run": "crsbench.run",
    "run": "crsbench.run",
    "compare": "crsbench.comparison",
    "to_hf": "crsbench.hf",
}
__all__ = ["Options", "Spec", "compare", "hookimpl", "load_policy", "load_run", "run", "to_hf"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'crsbench' has no attribute {name!r}")
