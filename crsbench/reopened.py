"""A finished run taken up again: its data, its policy, and the reward model that it used."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crsbench.config import RunConfig
from crsbench.errors import DataError, UsageError
from crsbench.loading import Loader
from crsbench.plan import Plan, make_plan
from crsbench.plugins import Host, guarded
from crsbench.record import Run, load_run
from crsbench.run import load_policy
from crsbench.store import Store
from crsbench.types import Corpus, Reason, State
from crsbench.ui import SilentUi

if TYPE_CHECKING:
    from crsbench.plugins import Offer


@dataclass(frozen=True)
class Reopened:
    """`reward` is None where the run used none."""

    run: Run
    plan: Plan
    store: Store
    corpus: Corpus
    policy: Any
    reward: Any

    @contextlib.contextmanager
    def asking(self, what: str = "policy") -> Generator[None]:
        """While a plugin is called: its failure is said in its name, its prints are not ours."""
        with guarded(self._offer(what), self.run.record["run"]["seed"], None):
            yield

    def _offer(self, what: str) -> Offer:
        part = self.plan.policy if what == "policy" or self.plan.reward is None else self.plan.reward
        return part.offer


def reopened(path: Path, discover: Callable[[Path | None], Host]) -> Reopened:
    """Load a finished run, with the plugins that `discover` (as `Host.discover`) finds in its folder of them.

    Raises UsageError, DataError or PluginError where that cannot be done.
    """
    run = load_run(path)
    if not run.complete:
        raise UsageError(f"run {run.id} failed: {run.record['error']['message']}")
    told = run.record["run"]
    if told["privileged"]:
        raise UsageError(f"{told['plugin']} is handed the scenario's truth and knows nothing without it")
    config = RunConfig.of({"out": run.path.parent}, run.path / "config.toml")
    store = Store(config.out)
    plan = make_plan(config, discover(config.plugins_dir), store)
    corpus = Loader(plan, store, SilentUi()).corpus()
    if corpus.fingerprint != told["dataset_fingerprint"]:
        raise DataError(
            f"{told['dataset']} is not what run {run.id} was made with",
            f"its data has fingerprint {corpus.fingerprint} now, and had {told['dataset_fingerprint']}",
        )
    return Reopened(run, plan, store, corpus, load_policy(run.path), _reward(run, plan))


def _reward(run: Run, plan: Plan) -> Any:
    folder = run.path / "reward"
    if plan.reward is None or not folder.is_dir():
        return None
    model = plan.reward.make()
    with guarded(plan.reward.offer, run.record["run"]["seed"], None):
        return model.load(folder, "cpu")


def because(reasons: Sequence[Reason], state: State) -> str | None:
    """The strongest reason for an item in words; one about something that was named comes first."""
    by_mention: dict[str, list[Reason]] = {}
    for reason in reasons:
        if reason.mention is not None:
            by_mention.setdefault(reason.mention.name, []).append(reason)
    shares = {name: sum(one.share for one in some) for name, some in by_mention.items()}
    best = max(shares, key=lambda name: shares[name], default=None)
    if best is not None and shares[best] > 0:
        some = by_mention[best]
        own = any(one.turn is not None and state.history[one.turn].speaker == "user" for one in some)
        text = f": {some[0].text}" if some[0].text else ""
        return (f"because you mentioned {best}" if own else f"because {best} was mentioned") + text
    return next((one.text for one in reasons if one.mention is None and one.share > 0), None)
