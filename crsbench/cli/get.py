"""`crsbench data get`: bring a dataset's official files here."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crsbench.cli import INTERRUPTED
from crsbench.cli.output import console, discover

if TYPE_CHECKING:
    from crsbench.fetch.install import Wanted
    from crsbench.fetch.pins import Pinned
    from crsbench.fetch.transfer import Report


def get(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    protocol: Annotated[
        str | None, typer.Option("--protocol", metavar="NAME", help="Only what this protocol reads.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="DIR", help="Where data goes [CRSBENCH_DATA].")
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option("--mirror", metavar="URL", envvar="CRSBENCH_MIRROR", help="Another server to ask."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Accept the licence without being asked.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite files that differ.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    plugins_dir: Annotated[
        Path | None, typer.Option("--plugins-dir", metavar="DIR", help="Also load *.py from DIR.")
    ] = None,
) -> None:
    """Download a dataset's official files, each verified against its pinned content.

    The licence is shown first. On a terminal you are asked whether to go on; elsewhere calling this command
    is the answer. What is interrupted goes on where it stopped when the same command is given again.
    """
    from crsbench.config import data_root
    from crsbench.fetch.install import PUBLIC, alone, install, wanted
    from crsbench.fetch.transfer import checked_base

    offer = discover(plugins_dir).find("dataset", name)
    sources = _sources(offer.make(offer.options_model()()), offer.name, protocol)
    base, root = checked_base(mirror or PUBLIC), data_root(data_dir)
    files = wanted(sources, root)
    missing = [one for one in files if not one.complete()]
    if missing:
        _notice(sources, missing, base, root)
        if not yes and sys.stdin.isatty():
            typer.confirm("Download?", default=True, abort=True, err=True)
        with alone(root), _resumable():
            for number, one in enumerate(missing, 1):
                label = f"{one.target.name} ({number} of {len(missing)})"
                with _reporting(label, quiet) as report:
                    install(one, base, replace, report)
    out = console()
    there = len(files) - len(missing)
    done = f"{_files(len(missing))} downloaded and verified" if missing else "nothing to download"
    out.print("; ".join([done, *([f"{_files(there)} there as pinned"] if there else [])]), markup=False)
    for folder in dict.fromkeys(one.target.parent for one in files):
        out.print(f"  {folder}", markup=False, soft_wrap=True)
    place = f" --data-dir {data_dir}" if data_dir else ""
    out.print(f"next    crsbench data info {offer.name}{place}", markup=False, soft_wrap=True)


def _sources(dataset: Any, name: str, protocol: str | None) -> list[Pinned]:
    """What the dataset's protocols, or one of them, read. Raises UsageError where there is nothing."""
    from crsbench.errors import UsageError, nearest

    if protocol is not None and protocol not in dataset.protocols:
        raise UsageError(
            f"dataset {name!r} has no protocol {protocol!r}", nearest(protocol, dataset.protocols)
        )
    sources: Sequence[Pinned] = getattr(dataset, "sources", ())
    if not sources:
        raise UsageError(f"dataset {name!r} has nothing to download", "crsbench data list says what there is")
    read = {protocol} if protocol else set(dataset.protocols)
    return [source for source in sources if not source.protocols or read & set(source.protocols)]


def _notice(sources: Sequence[Pinned], missing: Sequence[Wanted], base: str, root: Path) -> None:
    """Whose data it is and what they ask for, before the first byte."""
    err = console(stderr=True)
    for source in sources:
        files = [one.file for one in missing if one.source is source]
        if not files:
            continue
        sizes = [file.size for file in files]
        size = f", {_bytes(sum(filter(None, sizes)))}" if all(sizes) else ""
        lines = [
            f"{_files(len(files))}{size}",
            f"  from     {base}/{source.repository}, commit {source.commit[:12]}",
            f"  to       {root / source.folder}",
            f"  licence  {source.licence}",
            *([f"           {source.terms}"] if source.terms else []),
            *([f"  cite     {source.citation}"] if source.citation else []),
        ]
        for line in lines:
            err.print(line, markup=False, soft_wrap=True)


@contextlib.contextmanager
def _resumable() -> Generator[None]:
    from crsbench.errors import CrsbenchError

    try:
        yield
    except KeyboardInterrupt as interrupt:
        error = CrsbenchError("interrupted", "what has arrived is kept: the same command goes on from there")
        error.exit_code = INTERRUPTED
        raise error from interrupt


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


@contextlib.contextmanager
def _reporting(label: str, quiet: bool) -> Generator[Report]:
    """How far a download is, with the time left: a bar on a terminal, a line now and then elsewhere."""
    if quiet:
        yield _silent
    elif sys.stderr.isatty():
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
        with Progress(*columns, console=console(stderr=True), transient=True) as bars:
            task = bars.add_task(label, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)
    else:
        yield Lines(label)


def _silent(done: int, total: int | None) -> None:
    del done, total


class Lines:
    """Says every half minute how far a download is."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._started = self._said = time.monotonic()
        self._first: int | None = None

    def __call__(self, done: int, total: int | None) -> None:
        from crsbench.cli.progress import EVERY, clock

        now = time.monotonic()
        if self._first is None:
            self._first = done  # an earlier call, or this first read, brought that much
        if now - self._said < EVERY:
            return
        self._said = now
        left = ""
        if total and done > self._first:
            seconds = (now - self._started) / (done - self._first) * (total - done)
            left = f" of {_bytes(total)}, {clock(max(seconds, 0))} left"
        print(f"{self._label}: {_bytes(done)}{left}", file=sys.stderr, flush=True)
