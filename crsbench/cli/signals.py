"""`crsbench signals`: signals, label models and R_φ against the sealed explicit labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crsbench.cli.output import Json, discover, reserved, warn

if TYPE_CHECKING:
    from crsbench.config import RunConfig
    from crsbench.evidence.found import Evidence

Text = str | None


def _text(flag: str, metavar: str, words: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=words, show_default=False)


def signals(
    dataset: Annotated[str, typer.Argument(metavar="DATASET")],
    protocol: Annotated[Text, _text("--protocol", "NAME", "[the dataset's own]")] = None,
    wanted: Annotated[Text, _text("--signals", "a,b", "[those of a run]")] = None,
    labels: Annotated[
        Text, _text("--labels", "a,b", "Label models; the reward model learns from the first. [all of ours]")
    ] = None,
    reward: Annotated[Text, _text("--reward", "NAME", "The reward model. [that of a run]")] = None,
    no_reward: Annotated[bool, typer.Option("--no-reward", help="Judge no reward model.")] = False,
    model: Annotated[Text, _text("--model", "REF", "Of the reward model, as in a run. [tiny]")] = None,
    option: Annotated[
        list[str] | None, _text("-o", "KEY=VALUE", "dataset., signals.NAME., labels. or reward. Repeatable.")
    ] = None,
    data_dir: Annotated[
        Path | None, _text("--data-dir", "DIR", "Where data is. [CRSBENCH_DATA, else the cache folder]")
    ] = None,
    seed: Annotated[int | None, _text("--seed", "N", "[0]")] = None,
    limit: Annotated[
        int | None, _text("--limit", "N", "N train dialogues, N test dialogues and rows only.")
    ] = None,
    out: Annotated[Path | None, _text("--out", "DIR", "Where stages go, shared with runs. [runs]")] = None,
    device: Annotated[Text, _text("--device", "auto|cpu|cuda", "[auto]")] = None,
    precision: Annotated[Text, _text("--precision", "fp32|bf16|auto", "[fp32]")] = None,
    plugins_dir: Annotated[Path | None, _text("--plugins-dir", "DIR", "Also load *.py from DIR.")] = None,
    report: Annotated[
        Path | None, _text("--report", "FILE.html", "Also write one page with ROC and reliability diagrams.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    as_json: Json = False,
) -> None:
    """Judge signals, label models and the reward model by sealed explicit labels.

    All are fitted on train dialogues as a run fits them, without one label, and judged on test dialogues.
    """
    from crsbench.config import RunConfig
    from crsbench.errors import UsageError
    from crsbench.options import assignments

    if no_reward and reward is not None:
        raise UsageError("--reward and --no-reward exclude each other")
    given = {
        "plugin": "signals",
        "dataset": dataset,
        "protocol": protocol,
        "model": model,
        "options": assignments(option or []),
        "signals": wanted,
        "reward": reward,
        "seed": seed,
        "out": out,
        "data_dir": data_dir,
        "device": device,
        "precision": precision,
        "limit": limit,
        "plugins_dir": plugins_dir,
    }
    names = None if labels is None else [name.strip() for name in labels.split(",") if name.strip()]
    if names == []:
        raise UsageError("--labels names none", "crsbench plugins lists what there is")
    with reserved(as_json) as emit:
        found = _execute(RunConfig.of(given), names, not no_reward, quiet)
        if report is not None:
            from crsbench.evidence.page import page
            from crsbench.store import write_text

            write_text(report, page(found))
        if not (as_json and quiet):
            from crsbench.cli.evidence import show

            show(found)
        if as_json:
            emit(found.to_dict())


def _execute(config: RunConfig, labels: list[str] | None, rewarded: bool, quiet: bool) -> Evidence:
    from crsbench.cli.progress import progress_ui
    from crsbench.evidence.signals import evidence

    host = discover(config.plugins_dir)
    said = len(host.warnings)
    try:
        with progress_ui(quiet) as ui:
            return evidence(config, labels, rewarded, host, ui)
    finally:
        for line in host.warnings[said:]:
            warn(line)
