"""`crsbench check`: the conformance suite against one plugin, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crsbench.cli.output import Json, console, discover, reserved

if TYPE_CHECKING:
    from crsbench.plugins import Host, Offer

SECONDS = 120.0
_SIGNS = {"passed": "ok  ", "failed": "FAIL", "skipped": "-   "}


def check(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    option: Annotated[
        list[str] | None,
        typer.Option("-o", metavar="KEY=VALUE", help="An option of the plugin, or dataset.KEY. Repeatable."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="NAME", help="Check it on this. [a tiny world]")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", metavar="DIR", help="Where data is.")] = None,
    plugins_dir: Annotated[
        Path | None, typer.Option("--plugins-dir", metavar="DIR", help="Also load *.py from DIR.")
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="N", min=0.1, help="The limit of each check.")
    ] = SECONDS,
    as_json: Json = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks on standard error.")] = False,
) -> None:
    """Check whether a plugin does what its kind promises. Exit code 3 where it does not."""
    from crsbench.errors import PluginError
    from crsbench.options import assignments
    from crsbench.testing.bench import Target
    from crsbench.testing.process import examine

    rows: list[dict[str, Any]] = []
    with reserved(as_json) as emit:
        out = console(stderr=as_json)
        for offer in named(discover(plugins_dir), name):
            out.print(f"{offer.full}  {offer.kind}", markup=False)
            target = Target(
                offer.kind, offer.full, assignments(option or []), dataset, _text(data_dir), _text(plugins_dir)
            )
            for found in examine(target, seconds, debug):
                rows.append({"plugin": offer.full, "kind": offer.kind, **asdict(found)})
                for line in _lines(found):
                    out.print(line, markup=False, soft_wrap=True)
        failed = [row for row in rows if row["outcome"] == "failed"]
        counts = {how: sum(row["outcome"] == how for row in rows) for how in _SIGNS}
        out.print(", ".join(f"{n} {how}" for how, n in counts.items() if n))
        if as_json:
            emit({"checks": rows, "passed": not failed})
    if failed and not as_json:
        names = ", ".join(dict.fromkeys(row["check"] for row in failed))
        raise PluginError(f"{name} does not hold: {names}", failed[0]["plugin"])
    if failed:
        raise typer.Exit(PluginError.exit_code)


def named(host: Host, name: str) -> list[Offer]:
    """What the name stands for, of every kind. Raises UsageError or PluginError where that is nothing."""
    from crsbench.errors import CrsbenchError
    from crsbench.plugins import KINDS

    found: list[Offer] = []
    errors: list[CrsbenchError] = []
    for kind in KINDS:
        try:
            found.append(host.find(kind, name))
        except CrsbenchError as error:
            errors.append(error)
    if not found:
        # a plugin that is broken or whose name is shared says more than that there is none
        raise next((e for e in errors if not e.message.startswith("unknown")), _unknown(host, name))
    return found


def _unknown(host: Host, name: str) -> Exception:
    from crsbench.errors import UsageError, nearest

    return UsageError(f"unknown plugin {name!r}", nearest(name, {offer.name for offer in host.offers}))


def _lines(found: Any) -> Iterator[str]:
    yield f"  {_SIGNS[found.outcome]} {found.check}: {found.asks}"
    if found.detail:
        yield f"       {found.detail}"


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())
