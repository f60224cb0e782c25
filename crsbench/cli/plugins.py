"""`crsbench plugins`: what is offered, by whom, and what is broken and why."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crsbench.cli.output import Json, console, discover, plain, reserved, table

if TYPE_CHECKING:
    from crsbench.plugins import Broken, Host, Offer

app = typer.Typer(help="List plugins, or show one.", rich_markup_mode=None)
_PRIVILEGED = "† privileged: is handed the scenario's truth; a bound, not a contender"
Dir = Annotated[Path | None, typer.Option("--plugins-dir", metavar="DIR", help="Also load *.py from DIR.")]


@app.callback(invoke_without_command=True)
def plugins(ctx: typer.Context, as_json: Json = False, plugins_dir: Dir = None) -> None:
    """List every plugin: its kind, its origin, and what is broken with its cause."""
    if ctx.invoked_subcommand is not None:
        ctx.obj = {"as_json": as_json, "plugins_dir": plugins_dir}
        return
    with reserved(as_json) as emit:
        rows = listing(discover(plugins_dir))
        if as_json:
            emit({"plugins": rows})
            return
        out = console()
        for line in _lines([row for row in rows if row["kind"]], out.width):
            out.print(line, markup=False, soft_wrap=True)
        if any(row["privileged"] for row in rows):
            out.print(_PRIVILEGED)
        for row in rows:
            if row["error"]:
                out.print(f"broken: {row['full']}: {row['error']}", markup=False, soft_wrap=True)


def _lines(rows: list[dict[str, Any]], width: int) -> Iterator[str]:
    """A name and what it is, under its kind; a long summary goes on below where it began."""
    cells = [
        (
            row["name"] + (" †" if row["privileged"] else ""),
            f"{row['origin']['distribution']} {row['origin']['version']}",
            "broken" if row["error"] else row["summary"],
        )
        for row in rows
    ]
    names, origins = (max((len(cell[i]) for cell in cells), default=0) for i in (0, 1))
    kind = None
    for row, (name, origin, said) in zip(rows, cells, strict=True):
        if row["kind"] != kind:
            kind = row["kind"]
            yield kind
        line = f"  {name:{names}}  {origin:{origins}}  "
        first, *rest = textwrap.wrap(said, max(width - len(line), 20)) or [""]
        yield f"{line}{first}"
        yield from (" " * len(line) + more for more in rest)


@app.command("show")
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    as_json: Json = False,
    plugins_dir: Dir = None,
) -> None:
    """Show one plugin: its options with defaults and bounds, and where it comes from."""
    # flags may stand before the word "show" too
    before: dict[str, Any] = ctx.obj
    as_json = as_json or before["as_json"]
    with reserved(as_json) as emit:
        host = discover(plugins_dir or before["plugins_dir"])
        rows = [row for row in listing(host) if name in (row["name"], row["full"])]
        if not rows:
            from crsbench.errors import UsageError, nearest

            known = [row["name"] for row in listing(host)]
            raise UsageError(f"unknown plugin {name!r}", nearest(name, known))
        if as_json:
            emit({"plugins": rows})
            return
        for row in rows:
            _print(row)


def listing(host: Host) -> list[dict[str, Any]]:
    """One row a name: offers by kind and name, then what is broken."""
    from crsbench.plugins import KINDS

    offers = sorted(host.offers, key=lambda offer: (KINDS.index(offer.kind), offer.full))
    return [_offer(offer) for offer in offers] + [_broken(broken) for broken in host.broken]


def _offer(offer: Offer) -> dict[str, Any]:
    from crsbench.errors import CrsbenchError
    from crsbench.options import fields

    options: dict[str, Any] = {}
    error = None
    try:
        for field in fields(offer.options_model()):
            options[field.name] = {
                "default": field.default,
                "allowed": field.allowed,
                "description": field.info.description or "",
            }
    except CrsbenchError as failure:
        error = failure.message
    row = _row(offer.name, offer.full, offer.kind, offer.origin, error)
    spec = offer.spec
    return {**row, "options": options, "summary": spec.summary, "privileged": spec.privileged}


def _broken(broken: Broken) -> dict[str, Any]:
    return _row(broken.name, broken.full, None, broken.origin, broken.error)


def _row(name: str, full: str, kind: str | None, origin: Any, error: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "full": full,
        "kind": kind,
        "origin": {
            "distribution": origin.distribution,
            "version": origin.version,
            "module": origin.module,
        },
        "status": "broken" if error else "ok",
        "error": error,
        "options": {},
        "summary": "",
        "privileged": False,
    }


def _print(row: dict[str, Any]) -> None:
    out = console()
    origin = row["origin"]
    out.print(f"[bold]{row['full']}[/]  {row['kind'] or ''}", soft_wrap=True)
    out.print(f"from {origin['distribution']} {origin['version']}, module {origin['module']}", markup=False)
    if row["error"]:
        out.print(f"broken: {row['error']}", markup=False)
    if row["summary"]:
        out.print(row["summary"], markup=False)
    if row["privileged"]:
        out.print(_PRIVILEGED)
    if row["options"]:
        shown = table("option", "default", "takes", "", numbers=(1,))
        for name, option in row["options"].items():
            shown.add_row(*plain(name, str(option["default"]), option["allowed"], option["description"]))
        out.print()
        out.print(shown)
    elif not row["error"]:
        out.print("no options")
    out.print()
