"""The commands and their groups. What a command needs is imported when it is called."""

from __future__ import annotations

from typing import Annotated, Any

import typer
import typer.core

from crsbench import __version__
from crsbench.cli import (
    chat,
    check,
    compare,
    data,
    doctor,
    leaderboard,
    metrics,
    new,
    plugins,
    report,
    run,
    signals,
)


class InOrder(typer.core.TyperGroup):
    """Lists commands in the order in which one meets them, groups among them."""

    def list_commands(self, ctx: Any) -> list[str]:
        names = super().list_commands(ctx)
        return sorted(names, key=ORDER.index)


ORDER = (
    "run",
    "compare",
    "signals",
    "metrics",
    "plugins",
    "check",
    "new",
    "data",
    "leaderboard",
    "report",
    "chat",
    "doctor",
)

# Plain help: rich alone would double the time that `crsbench --help` takes.
app = typer.Typer(
    name="crsbench",
    cls=InOrder,
    help="Benchmarks for conversational recommender systems that their users can believe.",
    epilog="Start with: crsbench run --plugin popularity",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def common(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Benchmarks for conversational recommender systems that their users can believe."""
    del debug, version  # `main` looks for --debug wherever it stands


app.command("run")(run.run)
app.command("compare")(compare.compare)
app.add_typer(plugins.app, name="plugins")
app.command("check")(check.check)
app.command("new")(new.new)
app.add_typer(data.app, name="data")
app.command("signals")(signals.signals)
app.add_typer(metrics.app, name="metrics")
app.add_typer(leaderboard.app, name="leaderboard")
app.command("report")(report.report)
app.command("chat")(chat.chat)
app.command("doctor")(doctor.doctor)


def names() -> list[str]:
    """Every command and group."""
    commands = [command.name for command in app.registered_commands]
    return [name for name in [*commands, *(group.name for group in app.registered_groups)] if name]
