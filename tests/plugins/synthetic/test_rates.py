"""What happens in each scenario's log happens as often as its parameters say: chi-square tests.

Each would fail for five in ten thousand draws from a right model; what is drawn here is fixed.
"""

import re

import numpy as np
import pytest
from crsbench_synthetic import feelings, logger, users
from crsbench_synthetic.scenarios import CLICKBAIT, COLD, DRIFT, SCENARIOS, SYNTHETIC
from crsbench_synthetic.world import EPISODE, TRAIN, make_world
from scipy.stats import chi2, chisquare

ALPHA = 0.0005


def fits(counts, probabilities):
    """Whether counts agree with the probabilities of their classes; none may be seen where that is 0."""
    counts, p = np.array(counts), np.array(probabilities)
    assert not counts[p == 0].any()
    counts, p = counts[p > 0], p[p > 0]
    return len(p) == 1 or chisquare(counts, p * counts.sum()).pvalue > ALPHA


def bernoulli_fits(hits, probabilities, bins=10):
    """Whether each of many events, with a probability of its own, happened as often as it should."""
    hits, p = np.array(hits, float), np.array(probabilities, float)
    order = np.array_split(np.argsort(p, kind="stable"), bins)
    off = [(hits[part].sum() - p[part].sum()) ** 2 / (p[part] * (1 - p[part])).sum() for part in order]
    return chi2.sf(sum(off), bins) > ALPHA


def pattern(family):
    """A regular expression of what the templates of a family can say at the start of a reply."""

    def one(template):
        pieces = re.split(r"\[([^\]]*)\]", template)  # every other one is a list of alternatives
        pieces[::2] = map(re.escape, pieces[::2])
        pieces[1::2] = (f"(?:{'|'.join(map(re.escape, piece.split('|')))})" for piece in pieces[1::2])
        # where nothing is chosen, the spaces around it become one, and none stays before a full stop
        return "".join(pieces).replace(r"\ ", " *")

    return re.compile(f"(?:{'|'.join(map(one, family))})(?: |$)", re.IGNORECASE)


FEELINGS = {
    name: pattern(getattr(feelings, name) + getattr(feelings, f"{name}_TITLE"))
    for name in ("POLITE", "NEUTRAL", "POSITIVE", "NEGATIVE")
}


def feeling(text, title):
    found = [name for name, said in FEELINGS.items() if said.match(text.replace(title, "<title>"))]
    assert len(found) == 1, (text, found)
    return found[0]


def test_satisfaction_has_the_rate_of_the_utilities(log):
    s = log.world.scenario
    weights = np.array([one.user.tastes[one.number][log.world.x[one.item]].sum() for one in log.shown])
    items = [one.item for one in log.shown]
    u = 1 / (1 + np.exp(-(s.bias + weights + log.world.quality[items])))
    assert bernoulli_fits([one.z for one in log.shown], u)


@pytest.mark.parametrize("z", [False, True])
def test_users_ask_go_on_and_leave(log, z):
    s = log.world.scenario
    for bait in [False, True] if s.bait else [False]:
        mine = [one.reply for one in log.shown if one.z == z and log.world.bait[one.item] == bait]
        leaves, asks = (sum(reply.ends for reply in mine), sum("?" in reply.text for reply in mine))
        p_leaves, p_asks = s.leaves[z], s.asks[z] + bait * (s.bait.asks if s.bait else 0)
        assert fits([leaves, asks, len(mine) - leaves - asks], [p_leaves, p_asks, 1 - p_leaves - p_asks])


@pytest.mark.parametrize("z", [False, True])
def test_users_take_the_item_up(log, z):
    again = [one.item in [m.item for m in one.reply.mentions] for one in log.shown if one.z == z]
    p = log.world.scenario.takes_up[z]
    assert fits([sum(again), len(again) - sum(again)], [p, 1 - p])


@pytest.mark.parametrize("z", [False, True])
@pytest.mark.parametrize("polite", [False, True])
def test_feelings_are_hidden_kept_back_and_turned_round(log, z, polite):
    s = log.world.scenario
    said = [
        feeling(one.reply.text, log.world.title(one.item).name)
        for one in log.shown
        if one.z == z and one.user.polite == polite
    ]
    hidden = s.hides if polite and not z else 0
    rest = (1 - hidden) * (1 - s.neutral)
    felt, opposite = rest * (1 - s.flips), rest * s.flips
    p = {
        "POLITE": hidden,
        "NEUTRAL": (1 - hidden) * s.neutral,
        "POSITIVE": felt if z else opposite,
        "NEGATIVE": opposite if z else felt,
    }
    assert fits([said.count(name) for name in p], list(p.values()))


def test_dwell_is_distributed_as_its_equation(log):
    """What reading, the user, satisfaction and bait leave of ln d, in eight bins of equal probability."""
    s = log.world.scenario
    effect = s.bait.dwell if s.bait else 0
    rest = [
        np.log(one.reply.seconds - one.turn.seconds)
        - np.log(s.reaction + s.per_word * len(one.turn.text.split()))
        - one.user.speed
        - s.dwell_effect * one.z
        - effect * log.world.bait[one.item]
        for one in log.shown
    ]
    rng, n = np.random.default_rng(0), 400_000
    away = np.abs(rng.normal(s.distraction_mean, s.distraction_sd, n)) * (rng.random(n) < s.distracted)
    cuts = np.quantile(rng.normal(0, s.dwell_noise, n) + away, np.arange(1, 8) / 8)
    assert fits(np.bincount(np.searchsorted(cuts, rest), minlength=8), np.full(8, 1 / 8))


def test_users_tell_more_while_there_is_more(log):
    """Nothing is exhausted within the first four turns; who leaves tells nothing."""
    stay = [one.reply for one in log.shown if one.number < 4 and not one.reply.ends]
    told = sum(any(m.item is None for m in reply.mentions) for reply in stay)
    p = log.world.scenario.reveals
    assert fits([told, len(stay) - told], [p, 1 - p])


def test_the_logger_matches_what_was_named_last(log):
    world, hits, p = log.world, [], []
    released = world.released(TRAIN)
    for one in log.shown[::2]:
        named = logger.named_last(world, one.state)
        matching = (world.x == named).any(axis=1)
        hits.append(bool(matching[one.item]))
        p.append(float(logger.distribution(world, one.state, released)[matching].sum()))
    assert bernoulli_fits(hits, p)


@pytest.mark.parametrize("name", SCENARIOS)
def test_who_the_users_are(name):
    s = SCENARIOS[name]
    world = make_world(300, 0, s)
    drawn = [users.draw_user(world, EPISODE, i) for i in range(1500)]
    horizons = [user.horizon for user in drawn]
    assert fits([horizons.count(h) for h in range(s.turns[0], s.turns[1] + 1)], np.full(4, 0.25))
    polite = sum(user.polite for user in drawn)
    assert fits([polite, len(drawn) - polite], [s.polite, 1 - s.polite])
    speeds = np.array([user.speed for user in drawn]) / s.speed
    assert ALPHA / 2 < chi2.cdf((speeds**2).sum(), len(drawn)) < 1 - ALPHA / 2
    moves = sum(a is not b for user in drawn for a, b in zip(user.tastes, user.tastes[1:], strict=False))
    drift = s.drift or 0
    assert fits([moves, len(drawn) * s.turns[1] - moves], [drift, 1 - drift])


@pytest.mark.parametrize("name", SCENARIOS)
def test_how_many_items_are_bait_or_cold(name):
    s = SCENARIOS[name]
    world = make_world(3000, 0, s)
    for mask, share in ((world.bait, s.bait.share if s.bait else 0), (world.cold, s.cold or 0)):
        assert fits([mask.sum(), (~mask).sum()], [share, 1 - share])


def test_scenarios_share_films_and_users():
    """Two scenarios differ in what they say they differ in: the luck is the same."""
    plain = make_world(300, 0, SYNTHETIC)
    for s in SCENARIOS.values():
        world = make_world(300, 0, s)
        assert world.catalog.fingerprint == plain.catalog.fingerprint
        assert np.array_equal(world.quality[~world.bait], plain.quality[~world.bait])
        for i in range(20):
            mine, theirs = (users.draw_user(w, TRAIN, i) for w in (world, plain))
            assert np.array_equal(mine.tastes[0], theirs.tastes[0])
            assert mine.opening == theirs.opening
            assert mine.uniforms == theirs.uniforms


def test_a_like_that_moved_is_another_of_its_kind_and_told_first():
    world = make_world(300, 0, DRIFT)
    told_at_once = 0
    for i in range(300):
        user = users.draw_user(world, TRAIN, i)
        for turn, (before, after) in enumerate(zip(user.tastes, user.tastes[1:], strict=False)):
            told = user.reveals[turn]
            assert told is None or after[told] != 0
            changed = np.flatnonzero(before != after)
            if not len(changed):
                continue
            old, new = changed if before[changed[0]] else changed[::-1]
            assert len(changed) == 2
            assert world.entities[old].relation == world.entities[new].relation
            assert after[new] == before[old] > 0
            assert before[new] == after[old] == 0
            told_at_once += told == new
    # told, if anything is, and if it is no dislike
    assert 0.45 < told_at_once / (300 * 6 * 0.75) < 0.75


def test_bait_disappoints():
    plain, world = make_world(300, 0, SYNTHETIC), make_world(300, 0, CLICKBAIT)
    assert np.allclose(plain.quality - world.quality, CLICKBAIT.bait.disappoints * world.bait)


def test_only_the_cold_scenario_holds_items_back():
    world = make_world(300, 0, COLD)
    assert np.array_equal(world.released(TRAIN), ~world.cold)
    assert world.released(EPISODE).all()
