"""`crsbench data audit`: what makes numbers measured on a dataset, or with a simulator, doubtful."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crsbench.cli.output import Json, console, discover, reserved

if TYPE_CHECKING:
    from crsbench.audit.finding import Finding
    from crsbench.audit.truth import Bounds
    from crsbench.cli.data import Loaded
    from crsbench.plugins import Host, Offer

_WIDTH = 80
_OF_USERS = "simulator."


def audit(
    name: Annotated[str | None, typer.Argument(metavar="NAME")] = None,
    protocol: Annotated[
        str | None, typer.Option("--protocol", metavar="NAME", help="[the dataset's default]")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("-o", metavar="KEY=VALUE", help="Of the dataset; simulator.KEY=VALUE."),
    ] = None,
    simulator: Annotated[
        str | None,
        typer.Option("--simulator", metavar="NAME", help="Whether its users give targets away instead."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="NAME", help="As the argument NAME.")
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
    from crsbench.cli.data import load
    from crsbench.config import data_root
    from crsbench.errors import UsageError
    from crsbench.options import assignments

    if name and dataset and name != dataset:
        raise UsageError(f"{name!r} or {dataset!r}?", "one dataset is audited at a time")
    if name is None and dataset is None and simulator is None:
        raise UsageError("which dataset?", "crsbench data list says what there is")
    with reserved(as_json) as emit:
        host = discover(plugins_dir)
        users = None if simulator is None else host.find("simulator", simulator)
        offer = host.find("dataset", name or dataset or _home(host, users))
        passed = assignments(option or [])
        of_users = {key: value for key, value in passed.items() if users and key.startswith(_OF_USERS)}
        of_data = {key: value for key, value in passed.items() if key not in of_users}
        loaded = load(offer, protocol, data_root(data_dir), of_data)
        headline = [f"{offer.full}, protocol {loaded.protocol}, fingerprint {loaded.corpus.fingerprint}"]
        if users is None:
            found, last = _data(loaded)
        else:
            found, last = _users(users, loaded, of_data, of_users)
            headline.insert(0, f"users of {users.full}, on")
        if as_json:
            emit({"findings": [asdict(one) for one in found]})
            return
        out = console()
        for line in (*headline, *_lines(found), *last):
            out.print(line, markup=False, soft_wrap=True)


def _home(host: Host, users: Offer | None) -> str:
    """The dataset that a scenario's users belong to, else the default of runs."""
    from crsbench.config import RunConfig

    named = [one.full for one in host.offers if users and one.kind == "dataset" and one.full == users.full]
    default: str = RunConfig.model_fields["dataset"].default
    return next(iter(named), default)


def _data(loaded: Loaded) -> tuple[list[Finding], list[str]]:
    """What is found in a dataset, and lines to end with."""
    from crsbench.audit import audit as findings_of
    from crsbench.audit.truth import bounds

    return findings_of(loaded.corpus), _margin(bounds(loaded.corpus))


def _users(
    offer: Offer, loaded: Loaded, of_data: Mapping[str, str], of_users: Mapping[str, str]
) -> tuple[list[Finding], list[str]]:
    """What users of a simulator give away, and whether that is more than chance."""
    from crsbench.asking import Users
    from crsbench.audit.simulator import findings, leaks
    from crsbench.episode import FIRST_USER, USERS
    from crsbench.options import resolve
    from crsbench.plan import inherited
    from crsbench.plugins import guarded
    from crsbench.ui import SilentUi

    model = offer.options_model()
    own = loaded.simulator in (offer.name, offer.full)
    shared = inherited({f"dataset.{key}": value for key, value in of_data.items()}, model) if own else {}
    made: Any = offer.make(resolve({**shared, **of_users}, {"simulator": model})["simulator"])
    users = Users(made, offer.full, lambda: guarded(offer, 0, None))
    users.ground(loaded.corpus.catalog, loaded.corpus.test.dialogues)
    seeds = range(FIRST_USER, FIRST_USER + int(getattr(made, "episodes", USERS)))
    found = findings(users, loaded.corpus, seeds, SilentUi())
    said = [
        line
        for one, control, p in leaks(found)
        for line in textwrap.wrap(
            f"leak: {one.name.replace('_', ' ')}, {_share(one)}; by chance {_share(control)} (p = {p:.1g})",
            _WIDTH,
        )
    ]
    return found, ["", *(said or [f"no leak: nothing above chance with {len(seeds)} users"])]


def _share(found: Finding) -> str:
    return f"{found.count / found.total:.1%}" if found.total else "none of 0"


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
