"""Load a run's data, or find out what it would be without loading it."""

from __future__ import annotations

from dataclasses import dataclass

from crsbench.data import stamp
from crsbench.errors import PluginError
from crsbench.guard import typed
from crsbench.plan import ChainPlan
from crsbench.plugins import guarded
from crsbench.store import Memo, Store
from crsbench.types import Corpus
from crsbench.ui import Ui


@dataclass
class Loader:
    """The data of one run, loaded once.

    Its fingerprint is remembered with the dataset's sources and options and the state of the files, so
    that a finished run is recognised without loading anything.
    """

    plan: ChainPlan
    store: Store
    ui: Ui
    _loaded: Corpus | None = None

    def fingerprint(self) -> str:
        """The fingerprint of the whole corpus, remembered or loaded."""
        memo = self._memo()
        known = memo.get() if memo else None
        if known is None:
            known = self.corpus().fingerprint
            if memo:
                memo.put(known)
        return str(known)

    def corpus(self, expected: str | None = None) -> Corpus:
        """The whole corpus. Raises DataError where it is missing or damaged."""
        if self._loaded is None:
            self.ui.stage_started("load")
            self._loaded = self._load()
        if expected not in (None, self._loaded.fingerprint):
            memo = self._memo()
            if memo:
                memo.forget()
            name = self.plan.dataset.name
            raise PluginError(f"{name}: loading the same data twice gave two fingerprints", name)
        return self._loaded

    def _load(self) -> Corpus:
        part, plan = self.plan.dataset, self.plan
        dataset = part.make()
        # The data's own seed: runs with several seeds share their data.
        seed = int(getattr(part.options, "seed", 0))
        with guarded(part.offer, seed, None):
            corpus = dataset.load(plan.protocol, plan.config.data_root, seed)
        return typed(corpus, Corpus, part.name, "load")

    def _memo(self) -> Memo | None:
        files = stamp(self.plan.config.data_root.absolute())
        return None if files is None else self.store.memo({**self.plan.data_key(), "files": files})
