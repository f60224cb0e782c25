"""`crsbench data`: which datasets there are, what one holds; to get one and to audit it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crsbench.cli import audit, get
from crsbench.cli.output import Json, console, discover, plain, reserved, table

if TYPE_CHECKING:
    from crsbench.plugins import Offer
    from crsbench.types import Corpus, Turn

app = typer.Typer(help="Datasets: list them, look into one, get one, audit one.", rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME")]
Dir = Annotated[Path | None, typer.Option("--plugins-dir", metavar="DIR", help="Also load *.py from DIR.")]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", metavar="DIR", help="Where data is [CRSBENCH_DATA].")
]
_TURNS = 6  # of the example that `info` shows


@app.callback()
def _data() -> None:
    """Datasets: list them, look into one, get one, audit one."""


@app.command("list")
def list_(as_json: Json = False, plugins_dir: Dir = None) -> None:
    """List every dataset with its protocols, the default first."""
    with reserved(as_json) as emit:
        host = discover(plugins_dir)
        rows = [_facts(offer) for offer in host.offers if offer.kind == "dataset"]
        if as_json:
            emit({"datasets": rows})
            return
        shown = table("dataset", "protocols", "simulator", "")
        shown.columns[0].no_wrap = shown.columns[2].no_wrap = True
        for row in rows:
            said = f"broken: {row['error']}" if row["error"] else row["summary"]
            shown.add_row(*plain(row["name"], ", ".join(row["protocols"]), row["simulator"] or "-", said))
        console().print(shown)


@app.command("info")
def info(
    name: Name,
    protocol: Annotated[
        str | None, typer.Option("--protocol", metavar="NAME", help="[the dataset's default]")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("-o", metavar="KEY=VALUE", help="An option of the dataset.")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
    plugins_dir: Dir = None,
) -> None:
    """Say what a dataset holds: counts, protocols, licence, citation, fingerprint, an example."""
    with reserved(as_json) as emit:
        from crsbench.config import data_root
        from crsbench.options import assignments

        offer = discover(plugins_dir).find("dataset", name)
        loaded = load(offer, protocol, data_root(data_dir), assignments(option or []))
        facts: dict[str, Any] = {**_facts(offer), "protocol": loaded.protocol, **_counts(loaded.corpus)}
        if as_json:
            emit(facts)
            return
        out = console()
        out.print(f"{offer.full}  {offer.spec.summary}", markup=False)
        out.print(f"protocol     {loaded.protocol} (of {', '.join(facts['protocols'])})")
        out.print(f"simulator    {facts['simulator'] or 'none'}")
        out.print(f"fingerprint  {facts['fingerprint']}")
        out.print(f"licence      {facts['licence'] or 'not said'}", markup=False)
        if facts["citation"]:
            out.print(f"citation     {facts['citation']}", markup=False)
        shown = table("", "dialogues", "turns", "rows", "targets", numbers=(1, 2, 3, 4))
        for split, row in facts["splits"].items():
            shown.add_row(split, *(str(row[key]) for key in ("dialogues", "turns", "rows", "targets")))
        out.print()
        out.print(shown)
        dropped = ", ".join(f"{count} {reason}" for reason, count in facts["dropped"].items())
        out.print(
            f"{facts['items']} items, {facts['links']} facts about them" + ", ".join(["", *facts["sealed"]])
        )
        if dropped:
            out.print(f"of {facts['targets']} test targets dropped: {dropped}", markup=False)
        if example := facts["example"]:
            out.print()
            scored = bool(facts["splits"]["test"]["rows"])
            title = "a test row: what is recommended next?" if scored else "a dialogue"
            answer = [*example["targets"], *(f"{of} {value:.2f}" for of, value in example["ratings"].items())]
            out.print(f"{title} ({example['id']})", markup=False)
            for line in example["turns"]:
                out.print("  " + line.replace("\n", "\n    "), markup=False)
            if answer:
                out.print(f"  → {', '.join(answer)}", markup=False)


app.command("get")(get.get)
app.command("audit")(audit.audit)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A corpus, the protocol it was loaded under, and the name of its dataset's own simulator."""

    corpus: Corpus
    protocol: str
    simulator: str | None


def load(offer: Offer, protocol: str | None, root: Path, passed: Mapping[str, str]) -> Loaded:
    """Load a dataset as a run of seed 0 would. Raises UsageError for an unknown protocol."""
    from crsbench.errors import UsageError, nearest
    from crsbench.options import resolve
    from crsbench.plugins import guarded

    dataset: Any = offer.make(resolve(passed, {"": offer.options_model()})[""])
    protocol = protocol or str(dataset.default_protocol)
    if protocol not in dataset.protocols:
        raise UsageError(
            f"dataset {offer.name!r} has no protocol {protocol!r}", nearest(protocol, dataset.protocols)
        )
    with guarded(offer, 0, None):
        return Loaded(dataset.load(protocol, root, 0), protocol, dataset.simulator)


def _facts(offer: Offer) -> dict[str, Any]:
    """What a dataset declares, without loading it."""
    from crsbench.errors import CrsbenchError

    row: dict[str, Any] = {
        "name": offer.name,
        "origin": {"distribution": offer.origin.distribution, "version": offer.origin.version},
        "summary": offer.spec.summary,
        "protocols": [],
        "simulator": None,
        "licence": None,
        "citation": None,
        "error": None,
    }
    try:
        dataset = offer.make(offer.options_model()())
        default = str(dataset.default_protocol)
        others = [name for name in dataset.protocols if name != default]
        row |= {"protocols": [default, *others], "simulator": dataset.simulator}
        row |= {key: getattr(dataset, key, None) for key in ("licence", "citation")}
    except CrsbenchError as error:
        row["error"] = error.message
    return row


def _counts(corpus: Corpus) -> dict[str, Any]:
    splits = {
        name: {
            "dialogues": len(split.dialogues),
            "turns": sum(len(dialogue.turns) for dialogue in split.dialogues),
            "rows": len(split.rows),
            "targets": sum(len(row.targets) for row in split.rows),
        }
        for name, split in (("train", corpus.train), ("valid", corpus.valid), ("test", corpus.test))
    }
    sealed = {"with explicit labels": corpus.sealed.feedback, "with known truth": corpus.sealed.truth}
    return {
        "splits": splits,
        "items": len(corpus.catalog),
        "links": len(corpus.catalog.links),
        "sealed": [f"{len(known)} {what}" for what, known in sealed.items() if known],
        "targets": corpus.targets,
        "dropped": dict(corpus.dropped),
        "fingerprint": corpus.fingerprint,
        "example": _example(corpus),
    }


def _example(corpus: Corpus) -> dict[str, Any] | None:
    """The first test row with some history to it; where there are none, a dialogue and how it was rated."""
    rows = corpus.test.rows
    row = next((row for row in rows if len(row.state.history) >= 3), next(iter(rows), None))
    if row is not None:
        left_out = ["…"] if len(row.state.history) > _TURNS else []
        titles = [corpus.catalog.items[target].title for target in row.targets]
        return {
            "id": row.id,
            "turns": left_out + _said(row.state.history[-_TURNS:]),
            "targets": titles,
            "ratings": {},
        }
    for dialogue in corpus.train.dialogues:
        feedback = corpus.sealed.feedback.get(dialogue.id)
        ratings = dict(islice(feedback.ratings.items(), _TURNS)) if feedback else {}
        left_out = ["…"] if len(dialogue.turns) > _TURNS else []
        turns = _said(dialogue.turns[:_TURNS]) + left_out
        return {"id": dialogue.id, "turns": turns, "targets": [], "ratings": ratings}
    return None


def _said(turns: Sequence[Turn]) -> list[str]:
    return [f"{turn.speaker}: {turn.text}" for turn in turns]
