"""`crsbench check`: the conformance suite against one plugin, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crsbench.cli.output import Json, console, discover, reserved

if TYPE_CHECKING:
    from crsbench.plugins import Host, Kind, Offer
    from crsbench.testing.process import Outcome

SECONDS = 120.0
_SIGNS = {"passed": "ok  ", "failed": "FAIL", "skipped": "-   "}


def check(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Where a name stands for several.")
    ] = None,
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

        def tell(found: Outcome) -> None:
            for line in _lines(found):
                out.print(line, markup=False, soft_wrap=True)

        places = dataset, _text(data_dir), _text(plugins_dir)
        for offer in named(discover(plugins_dir), name, kind):
            out.print(f"{offer.full}  {offer.kind}", markup=False)
            target = Target(offer.kind, offer.full, assignments(option or []), *places)
            outcomes = examine(target, seconds, debug, tell)
            rows += [{"plugin": offer.full, "kind": offer.kind, **asdict(found)} for found in outcomes]
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


def named(host: Host, name: str, kind: str | None) -> list[Offer]:
    """What the name stands for, of one kind or of all. Raises UsageError or PluginError where nothing is."""
    from crsbench.errors import UsageError, nearest
    from crsbench.plugins import KINDS

    if kind is not None and kind not in KINDS:
        raise UsageError(f"unknown kind {kind!r}", nearest(kind, KINDS))
    bare = name.rpartition("/")[2]
    kinds: list[Kind] = [one for one in KINDS if kind is None or str(one) == kind]
    offered: list[Kind] = [one for one in kinds if any(o.kind == one and o.name == bare for o in host.offers)]
    if offered or any(broken.answers_to(name) for broken in host.broken):
        return [host.find(one, name) for one in offered or kinds[:1]]
    raise UsageError(f"unknown plugin {name!r}", nearest(name, {offer.name for offer in host.offers}))


def _lines(found: Outcome) -> Iterator[str]:
    yield f"  {_SIGNS[found.outcome]} {found.check}: {found.asks}"
    if found.detail:
        yield f"       {found.detail}"


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())
