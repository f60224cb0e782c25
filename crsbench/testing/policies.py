"""What a policy has to hold."""

from __future__ import annotations

import copy
import json
import os
import select
import signal
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from crsbench.data import learnable
from crsbench.protocols import Want
from crsbench.run import execute, load_policy
from crsbench.testing import parts
from crsbench.testing.asked import EMPTY, ODD, SCRIPTS, UNKNOWN
from crsbench.testing.bench import Bench, Fitted
from crsbench.testing.common import no_network
from crsbench.testing.files import no_code
from crsbench.testing.reach import reaches
from crsbench.testing.suite import Ask, NotAskedError, demand
from crsbench.types import Action, Corpus, Feedback, Sealed, State, Truth
from crsbench.ui import SilentUi

MOST_SECONDS = 60.0  # of CPU, for a fit on two dozen dialogues
FORK_SECONDS = 60
WANTS: tuple[Want, ...] = get_args(Want)
SEALED = (Sealed, Feedback, Truth, Corpus)
_CLOSE = 1e-3  # how far the scores of one state may differ between two batches


def fits_in_time(bench: Bench) -> None:
    """`fit` returns the policy, fitted to two dozen dialogues within a minute of CPU time."""
    fitted = bench.fitted
    demand(hasattr(fitted.value, "act"), f"fit returns {type(fitted.value).__name__}, not the policy")
    demand(fitted.seconds < MOST_SECONDS, f"fit takes {fitted.seconds:.0f} s for 24 dialogues")


def same_seed_same_actions(bench: Bench) -> None:
    """Fitted twice with one seed it acts the same, greedily and sampled."""
    _same(bench, bench.fitted, bench.fit(), "fitted again with the same seed it")


def ranks_within_the_catalogue(bench: Bench) -> None:
    """Rankings hold items of the catalogue, none twice, as many as asked for, and none that is masked."""
    items = len(bench.corpus.catalog)
    for k in (1, 3, items, items + 5):
        bench.act(bench.fitted, bench.states, k=k)
    mask = np.random.default_rng(0).random((len(bench.states), items)) < 0.5
    mask[:, 0] = True
    for want in WANTS:
        answers = bench.act(bench.fitted, bench.states, want, k=items, mask=mask)
        for action, row in zip(answers, mask, strict=True):
            demand(len(action.items) <= row.sum(), "it ranks more items than the mask allows")
    only = np.zeros_like(mask)
    only[:, items - 1] = True
    for action in bench.act(bench.fitted, bench.states, "turn", k=1, mask=only):
        demand(action.items == (items - 1,), f"of one item that is allowed it recommends {action.items}")


def talks_or_does_not(bench: Bench) -> None:
    """A turn recommends an item, and its words are text, or None where the policy does not talk."""
    for rng in (None, np.random.default_rng(1)):
        for action in bench.act(bench.fitted, bench.states, "turn", k=1, rng=rng):
            said: Any = action.text
            demand(said is None or isinstance(said, str), f"its words are {type(said).__name__}")


def leaves_states_alone(bench: Bench) -> None:
    """Neither `fit` nor `act` changes what it is handed."""
    corpus = bench.corpus
    before = learnable(corpus.catalog, corpus.train, corpus.valid)
    bench.fitted  # noqa: B018 (fits)
    after = learnable(corpus.catalog, corpus.train, corpus.valid)
    demand(before == after, "fit changes the train data")
    states = [state.blank() for state in bench.states]
    kept = copy.deepcopy(states)
    bench.act(bench.fitted, states, "turn", k=1)
    demand(states == kept, "act changes the states")


def does_not_depend_on_the_batch(bench: Bench) -> None:
    """What it answers to a state does not depend on what else is asked with it."""
    together = bench.act(bench.fitted, bench.states)
    for state, action in zip(bench.states[:4], together, strict=False):
        [alone] = bench.act(bench.fitted, [state])
        if action.scores and alone.scores:
            scores = dict(zip(alone.items, alone.scores, strict=True))
            apart = [abs(scores.get(i, s) - s) for i, s in zip(action.items, action.scores, strict=True)]
            most = max(apart, default=0.0) / max(1.0, *map(abs, alone.scores))
            demand(most < _CLOSE, f"scores differ by {most:.2g} between a batch and a single state")
        else:
            demand(alone.items == action.items, "it ranks otherwise in a batch than alone")
    demand(bench.act(bench.fitted, []) == [], "an empty batch is not answered with an empty list")


def saves_and_loads(bench: Bench) -> None:
    """A new one that loads what was saved acts the same; the files hold data, not pickled code."""
    again, folder = bench.reloaded(bench.fitted)
    no_code(folder)
    demand(again is not None, "load returns None, not the policy")
    _same(bench, bench.fitted, replace(bench.fitted, value=again), "loaded from what it saved it")


def learns_nothing_from_sealed_labels(bench: Bench) -> None:
    """Nothing it is handed leads to explicit labels or truth, and other ones change nothing."""
    if bench.offer.spec.privileged:
        raise NotAskedError("a privileged policy is handed the truth")
    corpus = bench.corpus
    chain = bench.chain(corpus)
    for handed in (corpus.train, bench.context(chain)):
        demand(reaches(handed, SEALED) is None, "what fit is handed leads to sealed labels")
    other = bench.fit(replace(corpus, sealed=_turned(corpus.sealed)))
    held = reaches(other.value, SEALED)
    demand(held is None, f"the fitted policy holds a {type(held).__name__}, which is sealed")
    _same(bench, bench.fitted, other, "with other sealed labels it")


def needs_no_network(bench: Bench) -> None:
    """It fits without reaching for the network."""
    no_network(bench.fitted.seen)


def answers_an_empty_history(bench: Bench) -> None:
    """It answers a conversation in which nothing was said yet."""
    _answers(bench, [EMPTY])


def answers_unknown_items(bench: Bench) -> None:
    """It answers somebody who names nothing that it knows, and a very long conversation."""
    _answers(bench, [UNKNOWN, *ODD])


def answers_any_script(bench: Bench) -> None:
    """It answers text beyond ASCII, empty turns and odd signs."""
    _answers(bench, [SCRIPTS])


def serves_one_item(bench: Bench) -> None:
    """A catalogue of one item: it fits, and recommends that one."""
    if bench.offer.spec.privileged:
        raise NotAskedError("a scenario's own policy knows the catalogue of its scenario alone")
    fitted = bench.fit(bench.narrow())
    for want in WANTS:
        for action in bench.act(fitted, [EMPTY, bench.narrow().test.rows[0].state], want):
            demand(action.items == (0,), f"of one item it recommends {action.items}")


def works_after_fork(bench: Bench) -> None:
    """A forked process, as data loaders make, gives the same answers."""
    if not hasattr(os, "fork"):
        raise NotAskedError("this system does not fork")
    expected = [list(action.items) for action in bench.act(bench.fitted, bench.states)]
    answer = _forked(bench)
    demand(answer is not None, f"a forked process does not answer within {FORK_SECONDS} s")
    demand(json.loads(answer or "null") == expected, f"a forked process answers otherwise: {answer:.200}")


def runs_whole(bench: Bench) -> None:
    """A run with it completes, conversations and all, and the policy that it saved can be asked."""
    if bench.config.dataset != parts.NAME:
        raise NotAskedError("a run is tried on the tiny world alone")
    config = bench.config.model_copy(update={"out": bench.fresh()})
    done = execute(config, bench.host, SilentUi())
    demand(bool(done.record["scores"]), "the run has no score")
    loaded = load_policy(done.path, plugins_dir=bench.target.plugins_dir)
    bench.act(replace(bench.fitted, value=loaded), bench.states, "turn", k=1)


CHECKS: tuple[Ask, ...] = (
    fits_in_time,
    same_seed_same_actions,
    ranks_within_the_catalogue,
    talks_or_does_not,
    leaves_states_alone,
    does_not_depend_on_the_batch,
    saves_and_loads,
    learns_nothing_from_sealed_labels,
    needs_no_network,
    answers_an_empty_history,
    answers_unknown_items,
    answers_any_script,
    serves_one_item,
    works_after_fork,
    runs_whole,
)


def _same(bench: Bench, one: Fitted, other: Fitted, who: str) -> None:
    asked: tuple[tuple[Want, int | None], ...] = (("ranking", None), ("turn", None), ("turn", 7))
    for want, seed in asked:
        k = None if want == "ranking" else 1
        answers: list[list[Action]] = []
        for fitted in (one, other):
            rng = None if seed is None else np.random.default_rng(seed)
            answers.append(bench.act(fitted, bench.states, want, k=k, rng=rng))
        how = "sampled" if seed is not None else "greedy"
        demand(answers[0] == answers[1], f"{who} acts otherwise ({want}, {how})")


def _answers(bench: Bench, states: Sequence[State]) -> None:
    for want in WANTS:
        for action in bench.act(bench.fitted, states, want):
            demand(bool(action.items), "it recommends nothing")


def _turned(sealed: Sealed) -> Sealed:
    """Every label the other way round, every truth in reverse."""
    feedback = {
        name: replace(one, liked={i: not liked for i, liked in one.liked.items()})
        for name, one in sealed.feedback.items()
    }
    truth = {
        name: replace(one, utilities=None if one.utilities is None else one.utilities[::-1].copy())
        for name, one in sealed.truth.items()
    }
    return Sealed(feedback, truth)


def _forked(bench: Bench) -> str | None:
    """The rankings as a forked process gives them, in JSON; its error instead; None after too long."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads is the point
        child = os.fork()
    if child == 0:
        _answer_and_exit(bench, writing)
    os.close(writing)
    answer = b""
    while select.select([reading], [], [], FORK_SECONDS)[0]:
        piece = os.read(reading, 65536)
        if not piece:
            break
        answer += piece
    else:
        os.kill(child, signal.SIGKILL)
    os.close(reading)
    os.waitpid(child, 0)
    return answer.decode() or None


def _answer_and_exit(bench: Bench, writing: int) -> None:
    """In the forked process: nothing of the parent's runs on, whatever happens."""
    try:
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(1)  # as data loaders do: its pool of threads was not forked
        found = [list(action.items) for action in bench.act(bench.fitted, bench.states)]
        os.write(writing, json.dumps(found).encode())
    except BaseException as error:
        os.write(writing, json.dumps(f"{type(error).__name__}: {error}").encode())
    finally:
        os._exit(0)
