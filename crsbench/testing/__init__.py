"""The conformance suite for authors of plugins, as pytest parametrisation; `crsbench check` is its command.

    from crsbench.testing import Check, checks

    @checks("policy", "my-crs")
    def test_conformance(check: Check) -> None:
        check()

Its fixtures (`tiny_dataset`, `plugin_host`, `run_cli`) are there wherever crsbench and pytest are installed.
"""

from __future__ import annotations

from crsbench.testing.parametrize import Asked as Check
from crsbench.testing.parametrize import checks
from crsbench.testing.tiny import tiny_corpus

__all__ = ["Check", "checks", "tiny_corpus"]
