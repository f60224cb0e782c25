"""The process that `crsbench check` starts: one line of JSON a check, on what was its standard output."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import TextIO

from crsbench.errors import CrsbenchError
from crsbench.guard import one_line
from crsbench.testing.bench import Bench, Target
from crsbench.testing.suite import NotAskedError, rules


def main(target: Target, folder: Path) -> None:
    with _channel() as out:
        try:
            bench = Bench(target, folder)
            if target.options:
                bench.options  # noqa: B018 (are validated: that they do not fit is no fault of the plugin)
        except CrsbenchError as error:
            _tell(out, refused=error.message, hint=error.hint, code=error.exit_code)
            return
        for rule in rules(target.kind):
            began = time.monotonic()
            outcome, detail = "passed", None
            try:
                rule.ask(bench)
            except NotAskedError as reason:
                outcome, detail = "skipped", str(reason)
            except (Exception, SystemExit) as error:
                traceback.print_exc()
                outcome = "failed"
                detail = error.message if isinstance(error, CrsbenchError) else one_line(error)
            seconds = round(time.monotonic() - began, 3)
            _tell(out, outcome=outcome, detail=detail, seconds=seconds)


def _tell(out: TextIO, **answer: object) -> None:
    print(json.dumps(answer), file=out, flush=True)


def _channel() -> TextIO:
    """Standard output for us alone: what anybody else writes there, in whatever language, goes nowhere."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return own


if __name__ == "__main__":
    main(Target(**json.loads(sys.argv[1])), Path(sys.argv[2]))
