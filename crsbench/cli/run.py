"""`crsbench run`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crsbench.cli.output import discover, reserved, warn

if TYPE_CHECKING:
    from crsbench.config import RunConfig
    from crsbench.record import Run

Text = str | None


def _text(flag: str, metavar: str, words: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=words, show_default=False)


def run(
    plugin: Annotated[Text, _text("--plugin", "NAME", "The policy to run (crsbench plugins).")] = None,
    dataset: Annotated[Text, _text("--dataset", "NAME", "[synthetic]")] = None,
    protocol: Annotated[Text, _text("--protocol", "NAME", "[the dataset's own]")] = None,
    model: Annotated[Text, _text("--model", "REF", "tiny, a folder or a hub name. [tiny]")] = None,
    option: Annotated[
        list[str] | None, _text("-o", "KEY=VALUE", "An option (crsbench plugins show NAME). Repeatable.")
    ] = None,
    config: Annotated[Path | None, _text("--config", "FILE.toml", "Settings; flags win over them.")] = None,
    signals: Annotated[Text, _text("--signals", "a,b", "Implicit signals.")] = None,
    labels: Annotated[Text, _text("--labels", "NAME", "How signals become weak labels.")] = None,
    reward: Annotated[Text, _text("--reward", "NAME", "The reward model.")] = None,
    metrics: Annotated[Text, _text("--metrics", "a,b", "What is measured. [all that fits]")] = None,
    simulator: Annotated[Text, _text("--simulator", "NAME", "[the dataset's own]")] = None,
    seed: Annotated[int | None, _text("--seed", "N", "[0]")] = None,
    seeds: Annotated[int | None, _text("--seeds", "N", "Run N seeds, from --seed on.")] = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Run it also without each signal in turn, and compare.")
    ] = False,
    out: Annotated[Path | None, _text("--out", "DIR", "Where runs go. [runs]")] = None,
    data_dir: Annotated[
        Path | None, _text("--data-dir", "DIR", "Where data is. [CRSBENCH_DATA, else the cache folder]")
    ] = None,
    device: Annotated[Text, _text("--device", "auto|cpu|cuda", "[auto]")] = None,
    precision: Annotated[Text, _text("--precision", "fp32|bf16|auto", "[fp32]")] = None,
    if_exists: Annotated[
        Text, _text("--if-exists", "resume|skip|replace", "What to do where the run is there. [resume]")
    ] = None,
    limit: Annotated[int | None, _text("--limit", "N", "N train dialogues and N test rows only.")] = None,
    plugins_dir: Annotated[Path | None, _text("--plugins-dir", "DIR", "Also load *.py from DIR.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The record on standard output.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Train a policy, evaluate it, and record what came out."""
    del debug  # `main` looks for it
    from crsbench.config import RunConfig
    from crsbench.options import assignments
    from crsbench.team import follows

    given = {
        "plugin": plugin,
        "dataset": dataset,
        "protocol": protocol,
        "model": model,
        "options": assignments(option or []),
        "signals": signals,
        "labels": labels,
        "reward": reward,
        "metrics": metrics,
        "simulator": simulator,
        "seed": seed,
        "seeds": seeds,
        "out": out,
        "data_dir": data_dir,
        "device": device,
        "precision": precision,
        "if_exists": if_exists,
        "limit": limit,
        "plugins_dir": plugins_dir,
    }
    with reserved(as_json) as emit:
        settings = RunConfig.of(given, config)
        finished = _execute(settings, quiet or follows(), ablate)
        if follows():  # the main process speaks for all
            return
        if not (as_json and quiet):
            _show(finished, ablate)
        if as_json:
            records = [run.record for run in finished]
            emit(records if ablate or settings.seeds is not None else records[0])


def _execute(settings: RunConfig, quiet: bool, ablate: bool) -> list[Run]:
    from crsbench.cli.ablation import ablations
    from crsbench.cli.progress import progress_ui
    from crsbench.errors import InterruptError
    from crsbench.run import execute

    host = discover(settings.plugins_dir)
    said = len(host.warnings)
    finished: list[Run] = []
    try:
        with progress_ui(quiet) as ui:
            runs = ablations(settings, host) if ablate else {"": settings}
            for without, one in runs.items():
                if without:
                    ui.message(f"without {without}")
                for seed in range(one.seed, one.seed + (one.seeds or 1)):
                    if one.seeds is not None:
                        ui.message(f"seed {seed}")
                    finished.append(execute(one.for_seed(seed), host, ui))
    except KeyboardInterrupt as interrupt:
        where = next(map(str, interrupt.args), None)
        hint = "the same command goes on from the last finished stage"
        raise InterruptError(where, hint) from interrupt
    finally:
        for line in host.warnings[said:]:
            warn(line)
    return finished


def _show(finished: list[Run], ablate: bool) -> None:
    from crsbench.cli import tables

    if ablate:
        from crsbench.cli.compare import overview
        from crsbench.cli.output import console
        from crsbench.stats import compare

        overview(console(), compare(finished))
    elif len(finished) == 1:
        tables.closing(finished[0])
    else:
        tables.aggregate(finished)
