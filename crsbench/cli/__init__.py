"""The command line. Only `main` is here, so that an interrupt is caught from the first moment on."""

from __future__ import annotations

import sys
from collections.abc import Sequence

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; whatever goes wrong is one line on standard error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _main(given)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)


def _main(given: list[str]) -> int:
    import typer

    from crsbench.cli.app import app
    from crsbench.errors import CrsbenchError

    debug = "--debug" in given
    try:
        # Without standalone mode nothing is printed or exited behind our back; an Exit comes as its code.
        code = app(given or ["--help"], prog_name="crsbench", standalone_mode=False)
    except CrsbenchError as error:
        if debug:
            _traceback()
        _emit(given, error, error.message)
        return _fail(f"{error}" if error.exit_code == INTERRUPTED else f"error: {error}", error.exit_code)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except Exception as error:
        # What the parser raises differs between versions of typer, but formats its message alike.
        if callable(explain := getattr(error, "format_message", None)):
            said = " ".join(str(explain()).split())
            _emit(given, error, said)
            return _fail(f"error: {said} (crsbench {_command(given)}--help says more)", 2)
        if debug:
            _traceback()
        from crsbench.guard import one_line

        _emit(given, error, one_line(error))
        hint = "" if debug else " (the traceback: crsbench --debug …)"
        return _fail(f"internal error: {one_line(error)}{hint}", 1)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _command(given: list[str]) -> str:
    """The command that was called, for a pointer to its help: "data info "."""
    from crsbench.cli.app import names

    words = given[:1] if given and given[0] in names() else []
    return "".join(f"{word} " for word in words)


def _emit(given: list[str], error: Exception, message: str) -> None:
    """With --json whoever reads standard output gets an object there in any case."""
    if "--json" in given:
        import json

        plugin = getattr(error, "plugin", None)
        fault = {"type": type(error).__name__, "message": message, "plugin": plugin}
        print(json.dumps({"schema": 1, "status": "failed", "error": fault}))


def _fail(line: str, code: int) -> int:
    print(" ".join(line.split()), file=sys.stderr)
    return code


def _traceback() -> None:
    import traceback

    traceback.print_exc()
