"""The ledger `OUT/reads.jsonl`: every reading of a test split, by a run or by a judge of its signals."""

from __future__ import annotations

import datetime

from crsbench.plan import ChainPlan
from crsbench.store import Store, append_line
from crsbench.types import Corpus

LEDGER = "reads.jsonl"


def note_reading(store: Store, plan: ChainPlan, corpus: Corpus, run: str, plugin: str) -> None:
    """One more reading: `run` is the id of who reads, `plugin` its name."""
    line = {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "run": run,
        "plugin": plugin,
        "dataset": plan.dataset.name,
        "fingerprint": corpus.fingerprint,
        "protocol": plan.protocol,
        "split": "test",
        "rows": len(corpus.test.rows),
    }
    append_line(store.out / LEDGER, line)
