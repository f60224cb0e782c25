"""Every check finds the fault that it is there for, and the parts of the tiny world have none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crsbench.errors import CrsbenchError, UsageError
from crsbench.plugins import KINDS, Kind
from crsbench.testing import checks, tiny_corpus
from crsbench.testing.bench import Bench, Target
from crsbench.testing.reach import reaches
from crsbench.testing.suite import Rule, rules
from crsbench.testing.tiny import tiny_catalog
from crsbench.types import Corpus, Feedback, Sealed

HOOKS: dict[Kind, tuple[str, str]] = {
    "policy": ("policies", "Counts"),
    "signal": ("signals", "Joy"),
    "labels": ("labels", "Mean"),
    "reward": ("rewards", "ItemReward"),
    "metric": ("metrics", "First"),
    "dataset": ("datasets", "Dataset"),
    "simulator": ("simulators", "Users"),
}
SOURCE = """
import dataclasses, os, pickle, socket, sys, time
import numpy as np
from pydantic import Field
from crsbench import Options, Spec, hookimpl
from crsbench.testing import parts
from crsbench.testing.tiny import tiny_corpus
from crsbench.types import *

class MyOptions(Options):
    {options}

class Mine(parts.{base}):
{body}

@hookimpl
def crsbench_{hook}():
    return [Spec("tiny", Mine, MyOptions)]
"""
Asked = Callable[..., Bench]


@pytest.fixture
def bench(plugin_file: Callable[..., Path], tmp_path: Path) -> Asked:
    """`bench("policy", body, options)`: a tiny part with some of it replaced."""

    def make(kind: Kind, body: str = "pass", options: str = "pass") -> Bench:
        hook, base = HOOKS[kind]
        indented = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
        source = SOURCE.format(hook=hook, base=base, body=indented, options=options)
        folder = plugin_file("mine", source)
        return Bench(Target(kind, "mine/tiny", plugins_dir=str(folder)), tmp_path / "bench")

    return make


def failing(bench: Bench) -> dict[str, str]:
    """Check → what it says, for those that fail."""
    found: dict[str, str] = {}
    for rule in rules(bench.target.kind):
        try:
            rule.ask(bench)
        except CrsbenchError as error:
            found[rule.name] = error.message
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_plugin_passes(kind: Kind, bench: Asked) -> None:
    assert failing(bench(kind)) == {}


ONE_RULE: list[tuple[Kind, str, str, str]] = [
    # what every plugin has to hold
    ("policy", "constructor_does_nothing", "opens or starts", """
def __init__(self, options):
    super().__init__(options)
    open(os.devnull).close()"""),
    ("metric", "constructor_does_nothing", "draws from", """
def __init__(self, options):
    super().__init__(options)
    np.random.rand()"""),
    ("signal", "constructor_does_nothing", "works for", """
def __init__(self, options):
    super().__init__(options)
    end = time.process_time() + 1.1
    while time.process_time() < end: pass"""),
    # policies
    ("policy", "fits_in_time", "fit returns NoneType", """
def fit(self, train, ctx):
    super().fit(train, ctx)"""),
    ("policy", "same_seed_same_actions", "acts otherwise (turn, sampled)", """
def act(self, states, want="ranking", k=50, mask=None, rng=None):
    Mine.sampled = Mine.__dict__.get("sampled", 0) + (rng is not None)
    self.order.insert(0, self.order.pop(Mine.sampled % 3))
    return super().act(states, want, k, mask, rng)"""),
    ("policy", "ranks_within_the_catalogue", "an item that the mask excludes", """
def act(self, states, want="ranking", k=50, mask=None, rng=None):
    return super().act(states, want, k, None, rng)"""),
    ("policy", "ranks_within_the_catalogue", "returned an item twice", """
def act(self, states, want="ranking", k=50, mask=None, rng=None):
    actions = super().act(states, want, k, mask, rng)
    return [Action((a.items * 2)[:k], text=a.text) for a in actions] if k > 8 else actions"""),
    ("policy", "talks_or_does_not", "its words are int", """
def act(self, states, want="ranking", k=50, mask=None, rng=None):
    actions = super().act(states, want, k, mask, rng)
    return [dataclasses.replace(a, text=7) for a in actions] if want == "turn" else actions"""),
    ("policy", "leaves_states_alone", "act changes the states", """
def act(self, states, want="ranking", k=50, mask=None, rng=None):
    object.__setattr__(states[0].history[0], "text", "other words")
    return super().act(states, want, k, mask, rng)"""),
    ("policy", "leaves_states_alone", "fit changes the train data", """
def fit(self, train, ctx):
    object.__setattr__(train.dialogues[0].turns[0], "text", "other words")
    return super().fit(train, ctx)"""),
    ("policy", "does_not_depend_on_the_batch", "otherwise in a batch", """
def act(self, states, want="ranking", k=50, mask=None, rng=None):
    actions = super().act(states, want, k, mask, rng)
    turned = [dataclasses.replace(a, items=a.items[::-1]) for a in actions]
    return turned if len(states) == 1 else actions"""),
    ("policy", "saves_and_loads", "which is pickled or code", """
def save(self, directory):
    super().save(directory)
    (directory / "order.bin").write_bytes(pickle.dumps(self.order))"""),
    ("policy", "saves_and_loads", "acts otherwise", """
def load(self, directory, device="cpu"):
    super().load(directory, device)
    self.order.reverse()
    return self"""),
    ("policy", "learns_nothing_from_sealed_labels", "holds a Sealed", """
def fit(self, train, ctx):
    self.found = tiny_corpus().sealed
    return super().fit(train, ctx)"""),
    ("policy", "learns_nothing_from_sealed_labels", "with other sealed labels it acts otherwise", """
def fit(self, train, ctx):
    super().fit(train, ctx)
    frame = sys._getframe()
    while "corpus" not in frame.f_locals:
        frame = frame.f_back
    if next(iter(frame.f_locals["corpus"].sealed.feedback["tiny-0"].liked.values())):
        self.order.reverse()
    return self"""),
    ("policy", "needs_no_network", "reaches for the network", """
def fit(self, train, ctx):
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=0.1)
    except OSError:
        pass  # and does without
    return super().fit(train, ctx)"""),
    ("policy", "answers_an_empty_history", "failed: IndexError", """
def act(self, states, want="ranking", k=50, mask=None, rng=None):
    [state.history[-1] for state in states]
    return super().act(states, want, k, mask, rng)"""),
    ("policy", "answers_any_script", "failed: UnicodeEncodeError", """
def act(self, states, want="ranking", k=50, mask=None, rng=None):
    [s.history[0].text.encode("latin-1") for s in states if len(s.history) == 4]
    return super().act(states, want, k, mask, rng)"""),
    ("policy", "serves_one_item", "failed: IndexError", """
def fit(self, train, ctx):
    ctx.catalog.items[1]
    return super().fit(train, ctx)"""),
    ("policy", "works_after_fork", "a forked process answers otherwise", """
def fit(self, train, ctx):
    self.process = os.getpid()
    return super().fit(train, ctx)
def act(self, states, want="ranking", k=50, mask=None, rng=None):
    assert os.getpid() == self.__dict__.get("process", os.getpid())
    return super().act(states, want, k, mask, rng)"""),
    # signals
    ("signal", "measures_every_transition", "not float64", """
def measure(self, transitions):
    found = super().measure(transitions)
    return dataclasses.replace(found, values=found.values.astype(np.float32))"""),
    ("signal", "names_its_unit_and_source", "none of logged, simulated, derived", """
def measure(self, transitions):
    return dataclasses.replace(super().measure(transitions), source="guessed")"""),
    ("signal", "measures_the_same_twice", "two results", """
drawn = 0
def measure(self, transitions):
    found = super().measure(transitions)
    Mine.drawn += 1
    return dataclasses.replace(found, values=found.values + Mine.drawn)"""),
    ("signal", "follows_its_transitions", "change with the order", """
def measure(self, transitions):
    found = super().measure(transitions)
    return dataclasses.replace(found, values=np.arange(len(transitions)) * 1.0)"""),
    ("signal", "copes_with_what_is_missing", "failed: TypeError", """
def measure(self, transitions):
    [t.state.history[-1].seconds + 1 for t in transitions if t.dialogue == "tiny-0"]
    return super().measure(transitions)"""),
    # label models
    ("labels", "gives_probabilities", "leaves [0, 1]", """
def predict(self, signals):
    label = super().predict(signals)
    return WeakLabel(label.probability * 2, label.confidence)"""),
    ("labels", "fit_returns_the_model", "fit returns Mine", """
def fit(self, signals):
    return Mine(self.options)"""),
    ("labels", "labels_the_same_twice", "changes the signals", """
def predict(self, signals):
    label = super().predict(signals)
    signals[0].values[:] = 0
    return label"""),
    ("labels", "follows_its_transitions", "change with the order", """
def predict(self, signals):
    label = super().predict(signals)
    return WeakLabel(np.sort(label.probability), label.confidence)"""),
    ("labels", "copes_with_poor_signals", "failed: IndexError", """
def predict(self, signals):
    signals[0].values[0]
    return super().predict(signals)"""),
    ("labels", "labels_what_it_was_not_fitted_to", "depends on the others", """
def predict(self, signals):
    label = super().predict(signals)
    return WeakLabel(label.probability / (1 + len(label.probability)), label.confidence)"""),
    # reward models
    ("reward", "scores_actions", "not finite", """
def score(self, states, actions):
    both = zip(actions, super().score(states, actions))
    return [r if a.items else Reward(float("nan")) for a, r in both]"""),
    ("reward", "scores_the_catalogue", "not float32", """
def score_items(self, states):
    return super().score_items(states).astype(np.float64)"""),
    ("reward", "scores_agree", "the mean of score is", """
def score_items(self, states):
    return super().score_items(states) * 100"""),
    ("reward", "does_not_depend_on_the_batch", "changes with the batch", """
def score(self, states, actions):
    return [Reward(r.total + len(states)) for r in super().score(states, actions)]"""),
    ("reward", "users_reply", "a turn of the system", """
def sample_reply(self, states, rng):
    return [Turn("system", "ok") for _ in states]"""),
    ("reward", "same_seed_same_rewards", "gives other rewards", """
fits = 0
def fit(self, transitions, labels, ctx):
    super().fit(transitions, labels, ctx)
    Mine.fits += 1
    self.worth = self.worth + Mine.fits
    return self"""),
    ("reward", "saves_and_loads", "gives other rewards", """
def load(self, directory, device="cpu"):
    super().load(directory, device)
    self.worth = self.worth + 1
    return self"""),
    ("reward", "learns_nothing_from_sealed_labels", "holds a Feedback", """
def fit(self, transitions, labels, ctx):
    self.found = list(tiny_corpus().sealed.feedback.values())
    return super().fit(transitions, labels, ctx)"""),
    ("reward", "scores_odd_histories", "failed: IndexError", """
def score_items(self, states):
    [state.history[0] for state in states]
    return super().score_items(states)"""),
    # metrics
    ("metric", "says_what_it_reads", "reads is 'minds'", """
reads = "minds" """),
    ("metric", "measures_units", "groups by", """
def measure(self, judged, corpus):
    return [dataclasses.replace(v, groups=v.ids) for v in super().measure(judged, corpus)]"""),
    ("metric", "measures_units", "no finite number", """
def measure(self, judged, corpus):
    found = super().measure(judged, corpus)
    return [dataclasses.replace(v, values=tuple(float("nan") for _ in v.ids)) for v in found]"""),
    ("metric", "follows_its_rows", "changes with the order", """
def measure(self, judged, corpus):
    found = super().measure(judged, corpus)
    return [dataclasses.replace(v, values=tuple(map(float, range(len(v.ids))))) for v in found]"""),
    ("metric", "measures_little", "failed: ZeroDivisionError", """
def measure(self, judged, corpus):
    1 / (len(judged) - 1)
    return super().measure(judged, corpus)"""),
    ("metric", "says_where_it_cannot", "failed: KeyError", """
def measure(self, judged, corpus):
    corpus.sealed.truth[judged[0].row.id]
    return super().measure(judged, corpus)"""),
    # datasets
    ("dataset", "declares_its_protocols", "has no protocol 'other'", """
default_protocol = "other" """),
    ("dataset", "loads_the_same_twice", "two fingerprints", """
loads = 0
def load(self, protocol, data_dir, seed):
    Mine.loads += 1
    return dataclasses.replace(super().load(protocol, data_dir, seed), fingerprint=str(Mine.loads))"""),
    ("dataset", "names_everything_once", "two rows of test have one id", """
def load(self, protocol, data_dir, seed):
    corpus = super().load(protocol, data_dir, seed)
    return dataclasses.replace(corpus, test=Split((), corpus.test.rows[:1] * 2), targets=2)"""),
    ("dataset", "stays_within_its_catalogue", "is not in the catalogue", """
def load(self, protocol, data_dir, seed):
    corpus = super().load(protocol, data_dir, seed)
    return dataclasses.replace(corpus, catalog=Catalog(corpus.catalog.items[:7]))"""),
    ("dataset", "tells_turns_as_they_were", "clock runs backwards", """
def load(self, protocol, data_dir, seed):
    corpus = super().load(protocol, data_dir, seed)
    one = Dialogue("odd", (Turn("user", "a", seconds=3.0), Turn("system", "b", seconds=1.0)))
    return dataclasses.replace(corpus, valid=Split((one,)))"""),
    ("dataset", "keeps_its_splits_apart", "stand in train or valid", """
def load(self, protocol, data_dir, seed):
    corpus = super().load(protocol, data_dir, seed)
    row = dataclasses.replace(corpus.test.rows[0], dialogue=corpus.train.dialogues[0].id)
    return dataclasses.replace(corpus, test=Split((), (row, *corpus.test.rows[1:])))"""),
    ("dataset", "keeps_its_splits_apart", "1 test rows stand in train or valid", """
def load(self, protocol, data_dir, seed):
    corpus = super().load(protocol, data_dir, seed)
    one = corpus.train.dialogues[0]
    at = next(t for t, turn in enumerate(one.turns) if turn.recommended)
    row = dataclasses.replace(corpus.test.rows[0], dialogue=one.id, state=State(one.turns[:at]))
    by_row = {name: dataclasses.replace(getattr(corpus, name), by_row=True) for name in ("train", "valid")}
    return dataclasses.replace(corpus, **by_row, test=Split((), (row, *corpus.test.rows[1:])))"""),
    ("dataset", "counts_its_targets", "targets, but", """
def load(self, protocol, data_dir, seed):
    return dataclasses.replace(super().load(protocol, data_dir, seed), targets=1000)"""),
    ("dataset", "seals_what_it_knows", "a label's item", """
def load(self, protocol, data_dir, seed):
    sealed = Sealed({"tiny-0": Feedback(liked={99: True})})
    return dataclasses.replace(super().load(protocol, data_dir, seed), sealed=sealed)"""),
    ("dataset", "says_what_is_missing", "failed: ValueError", """
def load(self, protocol, data_dir, seed):
    if not list(data_dir.iterdir()): raise ValueError("nothing here")
    return super().load(protocol, data_dir, seed)"""),
    # simulators
    ("simulator", "users_begin", "the session of seed", """
def start(self, seeds):
    return [dataclasses.replace(s, session=0) for s in super().start(seeds)]"""),
    ("simulator", "same_seed_same_user", "answer otherwise", """
answers = 0
def reply(self, states, actions):
    Mine.answers += 1
    found = super().reply(states, actions)
    return [(dataclasses.replace(t, text=str(Mine.answers)), over) for t, over in found]"""),
    ("simulator", "does_not_depend_on_the_batch", "in another order", """
def reply(self, states, actions):
    found = super().reply(states, actions)
    return [(dataclasses.replace(t, text=str(n)), over) for n, (t, over) in enumerate(found)]"""),
    ("simulator", "answers_as_a_user", "not a turn of the user", """
def reply(self, states, actions):
    found = super().reply(states, actions)
    return [(dataclasses.replace(t, speaker="system"), over) for t, over in found]"""),
    ("simulator", "comes_to_an_end", "nobody has left", """
def reply(self, states, actions):
    return [(t, False) for t, _ in super().reply(states, actions)]"""),
    ("simulator", "leaves_states_alone", "changes the states", """
def reply(self, states, actions):
    found = super().reply(states, actions)
    [object.__setattr__(state, "history", state.history * 2) for state in states]
    return found"""),
    ("simulator", "answers_any_words", "failed: AttributeError", """
def reply(self, states, actions):
    [action.text.split() for action in actions]
    return super().reply(states, actions)"""),
    ("simulator", "knows_the_truth_or_says_so", "z after", """
def truth(self, states):
    return [dataclasses.replace(t, satisfied=(True,)) for t in super().truth(states)]"""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "said", "body"),
    ONE_RULE,
    ids=[f"{kind}-{name}-{n}" for n, (kind, name, *_) in enumerate(ONE_RULE)],
)
def test_a_fault_is_found_by_the_check_that_is_there_for_it(
    kind: Kind, name: str, said: str, body: str, bench: Asked
) -> None:
    made = bench(kind, body)
    (rule,) = [rule for rule in rules(kind) if rule.name == name]
    with pytest.raises(CrsbenchError) as caught:
        rule.ask(made)
    assert said in caught.value.message


def test_a_split_by_row_may_say_that_dialogues_are_shared(bench: Asked) -> None:
    body = """
def load(self, protocol, data_dir, seed):
    corpus = super().load(protocol, data_dir, seed)
    one = corpus.train.dialogues[0]
    row = dataclasses.replace(corpus.test.rows[0], dialogue=one.id, state=State(one.turns))
    by_row = {name: dataclasses.replace(getattr(corpus, name), by_row=True) for name in ("train", "valid")}
    return dataclasses.replace(corpus, **by_row, test=Split((), (row, *corpus.test.rows[1:])))"""
    (rule,) = [rule for rule in rules("dataset") if rule.name == "keeps_its_splits_apart"]
    rule.ask(bench("dataset", body))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("depth: int", "option depth has no default"),
        ("depth: int = 3", "option depth has no description"),
        ("words: str = Field(' x ', description='text')", None),
        ("depth: float = Field(default=9, ge=1, le=3, description='of it')", "it takes"),
    ],
)
def test_options(options: str, said: str | None, bench: Asked) -> None:
    made = bench("policy", options=options)
    (rule,) = [rule for rule in rules("policy") if rule.name == "options_round_trip"]
    if said is None:
        rule.ask(made)
        return
    with pytest.raises(CrsbenchError, match=said):
        rule.ask(made)


def test_every_check_is_seen_to_fail() -> None:
    """But for those that only repeat another's question to a part that asks nothing of the network."""
    seen = {(kind, name) for kind, name, *_ in ONE_RULE} | {("policy", "options_round_trip")}
    common = ("constructor_does_nothing", "options_round_trip", "needs_no_network")
    asked = {(kind, rule.name) for kind in KINDS for rule in rules(kind) if rule.name not in common}
    elsewhere = {  # their questions are asked, and fail, in checks above and in the tests of whole runs
        ("policy", "answers_unknown_items"),
        ("policy", "runs_whole"),
        ("reward", "fits_in_time"),
        ("reward", "leaves_states_alone"),
        ("reward", "serves_one_item"),
        ("metric", "measures_the_same_twice"),
    }
    assert asked - seen == elsewhere


def test_the_walk_finds_what_a_closure_holds() -> None:
    corpus = tiny_corpus()

    def closure() -> Any:
        return corpus.sealed

    assert isinstance(reaches({"a": [closure]}, (Sealed,)), Sealed)
    assert reaches(corpus.train, (Sealed, Feedback, Corpus)) is None


def test_the_tiny_world_is_what_it_says(tiny_dataset: Corpus, plugin_host: Any) -> None:
    assert (len(tiny_dataset.train.dialogues), len(tiny_dataset.test.rows)) == (24, 16)
    recommended = {i for d in tiny_dataset.train.dialogues for t in d.turns for i in t.recommended}
    assert recommended == set(range(7))
    assert len(tiny_catalog(1)) == 1
    assert {offer.kind for offer in plugin_host.offers if offer.full == "crsbench-testing/tiny"} == set(KINDS)


# As pytest parametrisation


def test_a_case_for_each_check_and_a_mark_for_each_expected_failure() -> None:
    mark = checks("policy", "popularity", expected_failures={"works_after_fork": "it counts on its process"})
    cases = {case.id: case for case in mark.args[1]}
    assert list(cases) == [rule.name for rule in rules("policy")]
    (expected,) = cases["works_after_fork"].marks
    assert (expected.name, expected.kwargs) == (
        "xfail",
        {"reason": "it counts on its process", "strict": True},
    )
    assert not cases["fits_in_time"].marks


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"works_after_forks": "why"}, "policys have no check 'works_after_forks'"),
        ({"works_after_fork": " "}, "the expected failure of 'works_after_fork' needs a reason"),
    ],
)
def test_an_expected_failure_has_a_name_and_a_reason(expected: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        checks("policy", "popularity", expected_failures=expected)


def test_rules_say_what_they_ask() -> None:
    for kind in KINDS:
        found: tuple[Rule, ...] = rules(kind)
        assert len({rule.name for rule in found}) == len(found)
        assert all(rule.asks for rule in found)
