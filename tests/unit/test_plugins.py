"""The plugin host: what loads, what is broken and why, and that one plugin's failure is its own."""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crsbench.errors import DataError, PluginError, UsageError
from crsbench.hookspecs import RunInfo, Spec
from crsbench.plugins import Broken, Host, Offer, Origin, guarded

POLICY = """
    from crsbench import Options, Spec, hookimpl

    class Mine:
        def __init__(self, options):
            self.options = options

    @hookimpl
    def crsbench_policies():
        return [Spec("mine", Mine, summary="a stranger's")]
"""
RUN = RunInfo("r1", "crsbench/popularity", "crsbench/synthetic", "logged", 0, "runs")


def broken(host: Host, full: str) -> Broken:
    return next(b for b in host.broken if b.full == full)


def offered(host: Host, name: str) -> list[str]:
    return [offer.full for offer in host.offers if offer.name == name]


def test_the_reference_plugins_come_through_the_same_door(host: Host) -> None:
    assert [b.full for b in host.broken if b.origin.distribution == "crsbench"] == []
    for name in ("popularity", "naive-copy", "text-knn", "sft", "ppo-iuf"):
        assert host.find("policy", name).full == f"crsbench/{name}"
    assert host.find("dataset", "synthetic").origin.module == "crsbench_synthetic"


def test_an_installed_stranger_is_offered_with_its_origin(site: Any) -> None:
    site.install("stranger", POLICY, version="2.1")
    offer = Host.discover().find("policy", "mine")
    assert offer.full == "stranger/mine"
    assert offer.origin == Origin("stranger", "2.1", "stranger")
    assert offer.make(offer.options_model()()).options is not None


def test_a_full_name_compares_distributions_as_indexes_do(site: Any) -> None:
    site.install("My.Stranger", POLICY, module="my_stranger")
    assert Host.discover().find("policy", "my-stranger/mine").full == "My.Stranger/mine"


def test_a_file_plugin(plugin_file: Callable[..., Path]) -> None:
    folder = plugin_file("in_a_file", POLICY)
    plugin_file("_helper", "raise RuntimeError('files with an underscore are not plugins')")
    offer = Host.discover(folder).find("policy", "mine")
    assert offer.full == "in_a_file/mine"
    assert offer.origin == Origin("in_a_file", "0", "in_a_file")
    assert not (folder / "__pycache__").exists()


def test_a_changed_file_plugin_is_read_again(plugin_file: Callable[..., Path]) -> None:
    folder = plugin_file("in_a_file", POLICY)
    before = Host.discover(folder).find("policy", "mine").digest()
    plugin_file("in_a_file", POLICY.replace("a stranger's", "a stranger!s"))  # the same length
    after = Host.discover(folder).find("policy", "mine")
    assert after.spec.summary == "a stranger!s"
    assert after.digest() != before


def test_a_plugins_folder_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="--plugins-dir: nowhere is not a folder"):
        Host.discover(Path("nowhere"))


@pytest.mark.parametrize("name", ["json", "crsbench", "crsbench_lm", "colorsys"])
def test_a_file_cannot_take_a_known_modules_name(name: str, plugin_file: Callable[..., Path]) -> None:
    known = sys.modules.get(name)
    host = Host.discover(plugin_file(name, POLICY))
    assert any("rename the file" in b.error for b in host.broken)
    assert sys.modules.get(name) is known


def test_a_file_that_is_importable_too_is_itself(
    plugin_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = plugin_file("in_a_file", POLICY)
    monkeypatch.syspath_prepend(str(folder))
    assert Host.discover(folder).find("policy", "mine").full == "in_a_file/mine"


def test_classes_of_a_file_plugin_resolve_by_name(plugin_file: Callable[..., Path]) -> None:
    source = """
        from __future__ import annotations
        from pydantic import Field
        from crsbench import Options, Spec, hookimpl

        class Inner(Options):
            size: int = Field(3, ge=1)

        class Mine(Options):
            inner: Inner = Inner()

        def build(options): return options.inner.size

        @hookimpl
        def crsbench_policies():
            return [Spec("mine", "in_a_file:build", "in_a_file:Mine")]
    """
    offer = Host.discover(plugin_file("in_a_file", source)).find("policy", "mine")
    assert offer.make(offer.options_model()()) == 3


# What is broken


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("def f(:", "SyntaxError: invalid syntax"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("x = 1", "it has no hook, that is, no function marked @crsbench.hookimpl"),
        ("def crsbench_policies(): return []", "crsbench_policies is not marked @crsbench.hookimpl"),
        (
            "from crsbench import hookimpl\n@hookimpl\ndef crsbench_polices(): return []",
            "unknown hook 'crsbench_polices'; did you mean 'crsbench_policies'?",
        ),
        (
            "from crsbench import hookimpl\n@hookimpl\ndef crsbench_step(run, steps): pass",
            "Plugin 'faulty' for hook 'crsbench_step' hookimpl definition: crsbench_step(run, steps)",
        ),
        (
            "from crsbench import hookimpl\n@hookimpl\ndef crsbench_metrics(): return {}",
            "crsbench_metrics returned dict, not a list of Spec",
        ),
        (
            "from crsbench import hookimpl\n@hookimpl\ndef crsbench_metrics(): pass",
            "crsbench_metrics returned NoneType, not a list of Spec",
        ),
        (
            "from crsbench import hookimpl\n@hookimpl\ndef crsbench_metrics(): return ['recall']",
            "crsbench_metrics returned a list with str in it, not Spec alone",
        ),
        (
            "from crsbench import hookimpl\n@hookimpl\ndef crsbench_metrics(): return 1 / 0",
            "ZeroDivisionError: division by zero",
        ),
        (
            "from crsbench import hookimpl, Spec\n"
            "@hookimpl\ndef crsbench_metrics(): return [Spec('a/b', int)]",
            "crsbench_metrics offers the name 'a/b'",
        ),
        (
            "from crsbench import hookimpl, Spec\n"
            "@hookimpl\ndef crsbench_metrics(): return [Spec('a', 'int')]",
            "crsbench_metrics: make of 'a' is neither a callable nor 'module:Class'",
        ),
        (
            "from crsbench import hookimpl, Spec\n"
            "@hookimpl\ndef crsbench_metrics(): return [Spec('a', int), Spec('a', int)]",
            "crsbench_metrics offers faulty/a, which is offered already",
        ),
    ],
)
def test_a_broken_plugin_is_shown_with_its_cause_and_stops_nothing(
    source: str, error: str, site: Any
) -> None:
    site.install("faulty", source)
    site.install("healthy", POLICY)
    host = Host.discover()
    assert broken(host, "faulty/faulty").error.startswith(error)
    assert offered(host, "mine") == ["healthy/mine"]
    assert not any(offer.origin.distribution == "faulty" for offer in host.offers)


def test_a_plugin_loads_whole_or_not_at_all(site: Any) -> None:
    site.install(
        "faulty", POLICY + "\n    @hookimpl\n    def crsbench_metrics(): raise OSError('no such place')\n"
    )
    host = Host.discover()
    assert offered(host, "mine") == []
    # A hook that ran after those of policies failed, so it is known what would have been offered.
    with pytest.raises(PluginError, match="plugin faulty/faulty is broken: OSError: no such place") as caught:
        host.find("policy", "mine")
    assert caught.value.exit_code == 3
    assert caught.value.plugin == "faulty/faulty"
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("name", ["faulty", "faulty/anything", "Faulty/x"])
def test_a_broken_plugin_that_is_asked_for_is_named(name: str, site: Any) -> None:
    site.install("faulty", "import nothing_of_this_name")
    with pytest.raises(PluginError, match="faulty/faulty is broken: ModuleNotFoundError"):
        Host.discover().find("policy", name)


def test_an_unknown_name_suggests_the_nearest_and_what_is_broken(site: Any) -> None:
    site.install("faulty", "import nothing_of_this_name")
    with pytest.raises(UsageError) as caught:
        Host.discover().find("policy", "popularty")
    assert caught.value.message == "unknown policy 'popularty'"
    assert caught.value.hint == "did you mean 'popularity'?; not loaded, being broken: faulty/faulty"


def test_damaged_metadata_hides_only_its_own_plugins(site: Any) -> None:
    site.install("damaged", POLICY, points="[crsbench]\nthis line says nothing\n")
    site.install("healthy", POLICY)
    host = Host.discover()
    assert "entry_points.txt cannot be read" in broken(host, "damaged/damaged").error
    assert offered(host, "mine") == ["healthy/mine"]


def test_what_a_plugin_prints_while_it_loads_is_a_warning(
    site: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    site.install("chatty", POLICY + "\n    print('hello')\n")
    host = Host.discover()
    assert "chatty/chatty printed on loading: hello" in host.warnings
    assert capsys.readouterr().out == ""


# Equal names


def test_equal_entry_points_of_two_distributions_both_load(site: Any) -> None:
    site.install("one", POLICY, entry="same")
    site.install("two", POLICY, entry="same")
    assert offered(Host.discover(), "mine") == ["one/mine", "two/mine"]


def test_a_bare_name_between_strangers_is_refused(site: Any) -> None:
    site.install("one", POLICY)
    site.install("two", POLICY)
    host = Host.discover()
    with pytest.raises(UsageError, match=r"policy 'mine' is offered by several plugins: one/mine, two/mine"):
        host.find("policy", "mine")
    assert host.find("policy", "two/mine").full == "two/mine"


def test_a_bare_name_of_ours_means_ours_with_a_warning(site: Any) -> None:
    site.install("one", POLICY.replace('"mine"', '"popularity"'))
    host = Host.discover()
    assert host.find("policy", "popularity").full == "crsbench/popularity"
    assert host.find("policy", "popularity").full == "crsbench/popularity"
    warning = "policy 'popularity' is crsbench/popularity; the same name is offered as one/popularity"
    assert host.warnings.count(warning) == 1
    assert host.find("policy", "one/popularity").full == "one/popularity"


def test_names_are_apart_by_kind(site: Any) -> None:
    site.install("one", POLICY.replace('"mine"', '"synthetic"'))
    host = Host.discover()
    assert host.find("policy", "synthetic").full == "one/synthetic"
    assert host.find("dataset", "synthetic").full == "crsbench/synthetic"
    assert host.warnings == []


@pytest.mark.parametrize(("names", "loaded"), [("one", {"one"}), ("first, two", {"one", "two"})])
def test_the_environment_restricts_what_loads(
    names: str, loaded: set[str], site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("one", POLICY, entry="first")
    site.install("two", POLICY)
    site.install("three", "raise RuntimeError('is not loaded')")
    monkeypatch.setenv("CRSBENCH_PLUGINS", names)
    host = Host.discover()
    assert {offer.origin.distribution for offer in host.offers} == loaded
    assert host.broken == ()


def test_a_restriction_to_what_is_not_installed_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRSBENCH_PLUGINS", "lm,lmm")
    host = Host.discover()
    assert {offer.origin.module for offer in host.offers} == {"crsbench_lm"}
    assert host.warnings == ["CRSBENCH_PLUGINS names 'lmm', which is not installed"]


# Making parts


def offer(make: Any, options: Any = None) -> Offer:
    return Offer("policy", Spec("mine", make, options), Origin("dist", "1", "crsbench"))


def test_a_constructor_that_fails_names_the_plugin() -> None:
    def make(options: object) -> None:
        raise ValueError("too small\nby far")

    made = offer(make)
    with pytest.raises(PluginError, match=r"^dist/mine failed: ValueError: too small$") as caught:
        made.make(made.options_model()())
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("target", ["nothing_of_this_name:X", "crsbench.types:Nothing"])
def test_a_class_that_cannot_be_imported_names_the_plugin(target: str) -> None:
    made = offer(target)
    with pytest.raises(PluginError, match="dist/mine failed"):
        made.make(made.options_model()())


def test_options_have_to_be_options() -> None:
    with pytest.raises(PluginError, match="not a subclass of Options"):
        offer(int, "crsbench.types:Turn").options_model()


# Calls that leave no trace


def test_a_guarded_call_seeds_and_restores_random_state() -> None:
    import torch

    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    undisturbed = (random.random(), np.random.random(), torch.rand(1).item())
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    drawn = []
    for _ in range(2):
        with guarded(offer(int), 7, None):
            drawn.append((random.random(), np.random.random(), torch.rand(1).item()))
    assert drawn[0] == drawn[1]
    assert drawn[0] != undisturbed
    assert (random.random(), np.random.random(), torch.rand(1).item()) == undisturbed


def test_random_state_is_restored_after_a_failure() -> None:
    random.seed(1)
    undisturbed = random.random()
    random.seed(1)
    with pytest.raises(PluginError), guarded(offer(int), 7, None):
        raise RuntimeError(random.random())
    assert random.random() == undisturbed


def test_a_guarded_call_catches_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    log = io.StringIO()
    with guarded(offer(int), 0, log):
        print("for the log")
    with guarded(offer(int), 0, None):
        print("for nobody")
    assert log.getvalue() == "for the log\n"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), SystemExit(1), MemoryError()])
def test_what_a_plugin_raises_names_it(error: BaseException) -> None:
    with pytest.raises(PluginError, match="dist/mine failed") as caught, guarded(offer(int), 0, None):
        raise error
    assert caught.value.plugin == "dist/mine"
    assert caught.value.__cause__ is error


def test_our_own_errors_and_interrupts_pass() -> None:
    damaged = DataError("line 3 is cut")
    with pytest.raises(DataError) as caught, guarded(offer(int), 0, None):
        raise damaged
    assert caught.value is damaged
    with pytest.raises(KeyboardInterrupt), guarded(offer(int), 0, None):
        raise KeyboardInterrupt


# Observers

OBSERVER = """
    import random
    from crsbench import hookimpl
    seen = []

    @hookimpl
    def crsbench_step(run, step, scalars):
        random.random()
        print("noise")
        scalars["loss"] = -1.0
        seen.append((run.id, step))
        raise ValueError(f"at step {step}")

    @hookimpl
    def crsbench_run_finished(result):
        result["scores"].append("mine")
        seen.append(result)
"""


def test_observers_get_copies_and_their_failures_are_collected(
    site: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    site.install("faulty", OBSERVER)
    site.install("watcher", OBSERVER.replace("raise ValueError", "str"))
    host = Host.discover()
    scalars, result = {"loss": 2.0}, {"scores": []}
    random.seed(1)
    undisturbed = random.random()
    random.seed(1)
    host.notify("crsbench_step", run=RUN, step=1, scalars=scalars)
    host.notify("crsbench_step", run=RUN, step=2, scalars=scalars)
    host.notify("crsbench_run_finished", run=RUN, result=result)
    assert random.random() == undisturbed
    assert (scalars, result) == ({"loss": 2.0}, {"scores": []})
    # Once for each hook: a training loop would else fill the record.
    assert host.observer_failures == ["faulty/faulty: crsbench_step: ValueError: at step 1"]
    steps = [("r1", 1), ("r1", 2), {"scores": ["mine"]}]
    assert sys.modules["watcher"].seen == steps
    assert sys.modules["faulty"].seen == steps
    assert capsys.readouterr().out == ""


def test_an_interrupt_in_an_observer_passes(site: Any) -> None:
    site.install("faulty", OBSERVER.replace("ValueError", "KeyboardInterrupt"))
    host = Host.discover()
    with pytest.raises(KeyboardInterrupt):
        host.notify("crsbench_step", run=RUN, step=1, scalars={})
