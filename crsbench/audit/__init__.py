"""What makes numbers measured on a corpus doubtful: each defect counted, and what it affects."""

from __future__ import annotations

from crsbench.audit import items, replies, splits, targets, truth
from crsbench.audit.finding import Finding
from crsbench.types import Corpus


def audit(corpus: Corpus) -> list[Finding]:
    """Every finding, in a fixed order; a count of 0 says that the defect was looked for and is not there.

    A total of 0 says that there was nothing to look at.
    """
    parts = (splits, targets, items, replies, truth)
    return [finding for part in parts for finding in part.findings(corpus)]
