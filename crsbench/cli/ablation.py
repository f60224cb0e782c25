"""`crsbench run --ablate`: a run, and the same run without each signal of its reward."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crsbench.errors import UsageError

if TYPE_CHECKING:
    from crsbench.config import RunConfig
    from crsbench.plugins import Host


def ablations(config: RunConfig, host: Host) -> dict[str, RunConfig]:
    """The run itself under "", then under each signal's name the run without it.

    Raises UsageError where the policy learns from fewer than two signals, and what `make_plan` raises.
    """
    from crsbench.plan import make_plan
    from crsbench.store import Store

    host.find("policy", config.plugin)  # before a folder is made: a typo leaves none
    names = [part.offer.name for part in make_plan(config, host, Store(config.out)).signals]
    if len(names) < 2:
        found = f"the signal {names[0]} alone" if names else "no signals"
        raise UsageError(f"--ablate: {config.plugin} learns from {found}", "an ablation takes two or more")
    without = {name: {**config.options, f"reward.{name}": "0"} for name in names}
    return {"": config} | {
        name: config.model_copy(update={"options": options}) for name, options in without.items()
    }
