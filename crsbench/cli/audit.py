"""`crsbench data audit`: what makes numbers measured on a dataset doubtful."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crsbench.cli.output import Json, console, discover, reserved

if TYPE_CHECKING:
    from crsbench.audit.finding import Finding
    from crsbench.audit.truth import Bounds

_WIDTH = 80


def audit(
    name: Annotated[str | None, typer.Argument(metavar="NAME")] = None,
    protocol: Annotated[
        str | None, typer.Option("--protocol", metavar="NAME", help="[the dataset's default]")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("-o", metavar="KEY=VALUE", help="An option of the dataset.")
    ] = None,
    simulator: Annotated[
        str | None, typer.Option("--simulator", metavar="NAME", help="Audit simulated users (not there yet).")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="DIR", help="Where data is [CRSBENCH_DATA].")
    ] = None,
    as_json: Json = False,
    plugins_dir: Annotated[
        Path | None, typer.Option("--plugins-dir", metavar="DIR", help="Also load *.py from DIR.")
    ] = None,
) -> None:
    """Look for leaks, damage and skew, and say which number each makes doubtful."""
    from crsbench.audit import audit as findings_of
    from crsbench.audit.truth import bounds
    from crsbench.cli import later
    from crsbench.cli.data import load
    from crsbench.config import data_root
    from crsbench.errors import UsageError
    from crsbench.options import assignments

    if simulator is not None:
        later.absent("data audit --simulator")
    if name is None:
        raise UsageError("which dataset?", "crsbench data list says what there is")
    with reserved(as_json) as emit:
        offer = discover(plugins_dir).find("dataset", name)
        loaded = load(offer, protocol, data_root(data_dir), assignments(option or []))
        findings = findings_of(loaded.corpus)
        if as_json:
            emit({"findings": [asdict(found) for found in findings]})
            return
        headline = f"{offer.full}, protocol {loaded.protocol}, fingerprint {loaded.corpus.fingerprint}"
        out = console()
        for line in (headline, *_lines(findings), *_margin(bounds(loaded.corpus))):
            out.print(line, markup=False, soft_wrap=True)


def _lines(findings: list[Finding]) -> list[str]:
    """Each finding with its count, what it affects, and examples; what was not found in one sentence."""
    lines: list[str] = []
    for found in findings:
        if not found.count:
            continue
        count = f"{found.count} of {found.total}"
        share = f"{found.count / found.total:6.1%}" if found.total else ""
        title = found.name.replace("_", " ")
        lines += ["", f"{title}{f'{count} {share}':>{_WIDTH - len(title)}}", *_folded(found.affects)]
        lines += [f"    - {_cut(example)}" for example in found.examples]
    clean = [found.name.replace("_", " ") for found in findings if not found.count and found.total]
    blank = [found.name.replace("_", " ") for found in findings if not found.count and not found.total]
    for said, names in (("looked for and not found", clean), ("nothing to look at for", blank)):
        if names:
            lines += ["", *textwrap.wrap(f"{said}: {', '.join(names)}", _WIDTH)]
    return lines


def _folded(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")


def _cut(text: str) -> str:
    return textwrap.shorten(text, _WIDTH - 6, placeholder=" …")


def _margin(found: Bounds | None) -> list[str]:
    """How much better than its log a scenario could be served."""
    if found is None:
        return []
    margin = found.margin
    return [
        "",
        f"true utility of what is recommended, mean of {margin.n} test rows",
        f"  random {found.evenly:.3f}   logger {found.logged:.3f}   oracle {found.best:.3f}",
        f"  the oracle beats the logger by {margin.value:.3f} [{margin.low:.3f}, {margin.high:.3f}],"
        " 95% interval over users",
    ]
