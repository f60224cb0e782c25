"""The suite in a process of its own, with a time limit: whatever a plugin does there ends with it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from crsbench.errors import CrsbenchError, InterruptError
from crsbench.testing.bench import Target
from crsbench.testing.suite import Rule, rules

Verdict = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one check; `detail` says why it failed or was not asked."""

    check: str
    asks: str
    outcome: Verdict
    detail: str | None
    seconds: float


def examine(
    target: Target, seconds: float, debug: bool = False, tell: Callable[[Outcome], None] = lambda _: None
) -> list[Outcome]:
    """Every check of the target's kind, each within `seconds`; `tell` hears of each as it ends.

    After one that hangs or ends the process the rest are not asked. Raises InterruptError, naming the check,
    where it is interrupted, and what the process raises where the plugin or its options are not to be had.
    """
    asked = rules(target.kind)
    found: list[Outcome] = []
    with (
        tempfile.TemporaryDirectory(prefix="crsbench-check-") as folder,
        _child(target, folder, debug) as (child, answers),
    ):
        for rule in asked:
            try:
                outcome, going = _one(rule, child, answers, seconds)
                found.append(outcome)
                tell(outcome)
            except KeyboardInterrupt as interrupt:
                raise InterruptError(f"the check {rule.name} of {target.name}") from interrupt
            if not going:
                break
    reason = f"not asked after {found[-1].check}, which ended the process"
    for rule in asked[len(found) :]:
        found.append(Outcome(rule.name, rule.asks, "skipped", reason, 0.0))
        tell(found[-1])
    return found


def _one(
    rule: Rule, child: subprocess.Popen[str], answers: queue.Queue[str | None], seconds: float
) -> tuple[Outcome, bool]:
    """What came of one check, and whether the process goes on."""
    try:
        line = answers.get(timeout=seconds)
    except queue.Empty:
        reason = f"no end within {seconds:g} s"
        return Outcome(rule.name, rule.asks, "failed", reason, seconds), False
    if line is None:
        reason = f"the process ended with {_status(child.wait())}"
        return Outcome(rule.name, rule.asks, "failed", reason, 0.0), False
    answer: dict[str, Any] = json.loads(line)
    if "refused" in answer:
        error = CrsbenchError(answer["refused"], answer["hint"])
        error.exit_code = answer["code"]
        raise error
    return Outcome(rule.name, rule.asks, **answer), True


def _status(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


@contextlib.contextmanager
def _child(
    target: Target, folder: str, debug: bool
) -> Generator[tuple[subprocess.Popen[str], queue.Queue[str | None]]]:
    """A process that asks one check after the other, and the lines that it answers; None at its end."""
    command = [sys.executable, "-P", "-m", "crsbench.testing", json.dumps(asdict(target)), folder]
    child = subprocess.Popen(  # noqa: S603 (ourselves)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if debug else subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        text=True,
        encoding="utf-8",
        start_new_session=True,  # an interrupt at the terminal is ours to pass on, and to name
    )
    answers: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(child, answers), daemon=True)
    reader.start()
    try:
        yield child, answers
    finally:
        with contextlib.suppress(ProcessLookupError):  # its children too
            os.killpg(child.pid, signal.SIGKILL) if hasattr(os, "killpg") else child.kill()
        child.wait()
        reader.join()


def _read(child: subprocess.Popen[str], answers: queue.Queue[str | None]) -> None:
    assert child.stdout is not None
    with child.stdout as lines:
        for line in lines:
            answers.put(line)
    answers.put(None)
