"""`crsbench new`: a third-party plugin to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crsbench.cli.output import console

if TYPE_CHECKING:
    from crsbench.plugins import Kind


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the distribution, and of what it offers.")],
    kind: Annotated[
        str,
        typer.Option(
            "--kind", metavar="KIND", help="policy, signal, labels, reward, metric, dataset or simulator."
        ),
    ] = "policy",
) -> None:
    """Write a small distribution with one plugin, which passes `crsbench check` as it is."""
    from crsbench.errors import UsageError, nearest
    from crsbench.plugins import KINDS
    from crsbench.scaffold import write

    chosen: list[Kind] = [one for one in KINDS if str(one) == kind]
    if not chosen:
        raise UsageError(f"unknown kind {kind!r}", nearest(kind, KINDS))
    folder = write(name, chosen[0], Path.cwd())
    out = console()
    out.print(f"{folder.name}/", markup=False)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        out.print(f"  {path.relative_to(folder)}", markup=False)
    out.print(f"next: pip install ./{folder.name} && crsbench check {name}", markup=False)
