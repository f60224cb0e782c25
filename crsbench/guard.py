"""A plugin call that leaves no trace: random state, standard output and exceptions stay inside."""

from __future__ import annotations

import contextlib
import io
import random
import sys
from collections.abc import Generator
from typing import TextIO, TypeVar, cast

from crsbench.errors import CrsbenchError, PluginError

T = TypeVar("T")


def one_line(error: BaseException) -> str:
    """An exception as one line: its type and the first line of what it says."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def typed(value: object, kind: type[T], plugin: str, call: str) -> T:
    """The value, which a plugin returned. Raises PluginError where it is not of the kind."""
    if not isinstance(value, kind):
        text = f"{plugin}: {call} returned {type(value).__name__}, not {kind.__name__}"
        raise PluginError(text, plugin)
    return value


def listed(values: object, kind: type[T], plugin: str, call: str) -> list[T]:
    """The values, which a plugin returned. Raises PluginError where they are no list of the kind."""
    if not isinstance(values, list | tuple):
        text = f"{plugin}: {call} returned {type(values).__name__}, not a list of {kind.__name__}"
        raise PluginError(text, plugin)
    return [typed(value, kind, plugin, f"{call}, in a list,") for value in cast("list[object]", values)]


@contextlib.contextmanager
def kept_random_state() -> Generator[None]:
    """Restore Python's global random state afterwards, and NumPy's and torch's where they are imported."""
    python = random.getstate()
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    drawn = numpy.random.get_state() if numpy else None
    saved = torch.get_rng_state() if torch else None
    cuda = torch.cuda.get_rng_state_all() if torch and torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        random.setstate(python)
        if numpy:
            numpy.random.set_state(drawn)
        if torch:
            torch.set_rng_state(saved)
        if torch and cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


@contextlib.contextmanager
def random_state(seed: int) -> Generator[None]:
    """Seed Python's, NumPy's and torch's global random state, and restore it afterwards.

    torch is seeded only where it is imported already, so that what needs no torch does not wait for it:
    a plugin that draws from torch imports it in the module that holds its class.
    """
    import numpy as np  # what only lists plugins does not need it

    with kept_random_state():
        random.seed(seed)
        np.random.seed(seed % 2**32)
        if torch := sys.modules.get("torch"):
            torch.manual_seed(seed)
        yield


@contextlib.contextmanager
def contained(plugin: str, log: TextIO | None = None) -> Generator[None]:
    """Standard output goes to `log` (None: nowhere), and what is raised becomes a PluginError.

    Our own errors pass as they are, and so does an interrupt, which notes the plugin that it met; `sys.exit`
    is a failure like any other.
    """
    with contextlib.redirect_stdout(log if log is not None else io.StringIO()):
        try:
            yield
        except CrsbenchError:
            raise
        except KeyboardInterrupt as interrupt:
            interrupt.args = interrupt.args or (plugin,)
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(f"{plugin} failed: {one_line(error)}", plugin) from error


@contextlib.contextmanager
def isolated(plugin: str, seed: int, log: TextIO | None = None) -> Generator[None]:
    """Both of the above: how the host calls what is not its own."""
    with random_state(seed), contained(plugin, log):
        yield
