"""A plugin call that leaves no trace: random state, standard output and exceptions stay inside."""

from __future__ import annotations

import contextlib
import io
import random
import sys
from collections.abc import Generator
from typing import TextIO

from crsbench.errors import CrsbenchError, PluginError


def one_line(error: BaseException) -> str:
    """An exception as one line: its type and the first line of what it says."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


@contextlib.contextmanager
def random_state(seed: int) -> Generator[None]:
    """Seed Python's, NumPy's and torch's global random state, and restore it afterwards.

    torch is seeded only where it is imported already, so that what needs no torch does not wait for it:
    a plugin that draws from torch imports it in the module that holds its class.
    """
    import numpy as np  # what only lists plugins does not need it

    python, numpy = random.getstate(), np.random.get_state()
    torch = sys.modules.get("torch")
    saved = torch.get_rng_state() if torch else None
    cuda = torch.cuda.get_rng_state_all() if torch and torch.cuda.is_initialized() else None
    random.seed(seed)
    np.random.seed(seed % 2**32)
    if torch:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        if torch:
            torch.set_rng_state(saved)
        if torch and cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


@contextlib.contextmanager
def contained(plugin: str, log: TextIO | None = None) -> Generator[None]:
    """Standard output goes to `log` (None: nowhere), and what is raised becomes a PluginError.

    Our own errors pass as they are, and so does an interrupt; `sys.exit` is a failure like any other.
    """
    with contextlib.redirect_stdout(log if log is not None else io.StringIO()):
        try:
            yield
        except CrsbenchError:
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(f"{plugin} failed: {one_line(error)}", plugin) from error


@contextlib.contextmanager
def isolated(plugin: str, seed: int, log: TextIO | None = None) -> Generator[None]:
    """Both of the above: how the host calls what is not its own."""
    with random_state(seed), contained(plugin, log):
        yield
