"""The signs of conduct: each is there where it was shown, and has the direction that it was given."""

import numpy as np
import pytest
from crsbench_metrics.conduct import SIGNS, signs
from crsbench_metrics.satisfaction import predict

from crsbench.types import Mention, Turn
from tests.plugins.metrics.conversations import SCENES


def talk(*said):
    """Turns from "u text" and "s text"."""
    return [Turn("user" if one[0] == "u" else "system", one[2:]) for one in said]


START = (
    "u Hi, I want something like Alien.",
    "s You could watch Arrival (2016), a thoughtful film about aliens.",
)
NO_ANSWER = ("u What is it about?", "s I am not sure.")
SHOWN = {
    "sentiment": [*START, "u How lovely, you make me happy."],
    "closes": [*START, "u How lovely, you make me happy."],
    "enthusiasm": [*START, "u You have heard of that one!"],
    "accepts": [*START, "u Sounds good, I will watch it."],
    "accepted_last": [*START, "u Thanks."],
    "refuses": [*START, "u No, I don't like aliens."],
    "complains": [*START, "u That is not what I asked for, I said Alien."],
    "gives_up": [*START, "u Never mind, I will look elsewhere."],
    "rephrases": ["u A tense drama in space.", "s Hello.", "u I want a tense drama in space."],
    "unanswered": [*START, *NO_ANSWER],
    "repeats": [*START, "u Hm.", START[1]],
    "insists": [*START, "u I have already seen it.", "s Watch Arrival (2016) tonight then."],
    "deflects": [*START, *NO_ANSWER],
    "takes_up": ["u I love spaceships.", "s Spaceships are fun."],
    "offers": [*START],
}
PLAIN = ("u Hi.", "s Hello there, good to meet you.", "u I am here.")


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_is_seen_where_it_is_shown_and_nowhere_else(sign):
    assert signs(talk(*SHOWN[sign]))[sign] > 0.2
    assert signs(talk(*PLAIN))[sign] == 0
    assert signs([])[sign] == 0


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("u No, I have not.", "refuses"),  # it answers the question
        ("u No problem.", "refuses"),
        ("u A scary horror movie about war and murder", "sentiment"),  # a kind of film
        ('u "Never Mind (1999)" then', "gives_up"),  # a title
    ],
)
def test_what_only_looks_like_a_sign(text, sign):
    assert signs(talk("u Hi.", "s Have you seen Arrival (2016)?", text))[sign] == 0


def test_titles_are_known_by_their_mentions():
    said = [Turn("system", "Hi."), Turn("user", "Awful Hate is on", (Mention("Awful Hate", 3, (0, 10)),))]
    assert signs(said)["sentiment"] == 0


def test_messages_in_a_row_are_one_turn():
    apart = talk("u Hi.", "s You could watch Arrival.", "u Great!", "u I will watch it.")
    together = talk("u Hi.", "s You could watch Arrival.", "u Great!\nI will watch it.")
    assert signs(apart) == signs(together)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("u Lovely, please book it.", "accepts"),
        ("u We'll order the risotto.", "accepts"),
        ("u You've been a great help!", "accepts"),
        ("u That is far too expensive.", "refuses"),
        ("u We don't eat meat.", "refuses"),
        ("u That has nothing to do with music.", "complains"),
        ("u You clearly don't understand.", "complains"),
        ("u I'll try another shop.", "gives_up"),
        ("u What a waste of time.", "gives_up"),
    ],
)
def test_signs_are_those_of_any_domain(text, sign):
    assert signs(talk("u Hi.", "s There is one in the centre.", text))[sign] > 0


def test_how_it_ends_is_how_the_last_reply_feels():
    lost = signs(talk("u Hi.", "s Hello.", "u How lovely!", "s Good.", "u That is terrible and sad."))
    assert lost["closes"] < lost["sentiment"] < 0.3


GOOD = ["u Can you recommend a comedy?", "s Have you seen Superbad (2007)?", "u No, what is it about?"]
GOOD += ["s It is about two friends who want to throw a party.", "u Sounds good, I will watch it. Thanks!"]
WORSE = {
    "it repeats itself": [*GOOD[:2], "u Another one?", GOOD[1], "u I just said I want another one.", GOOD[1]],
    "it does not answer": [*GOOD[:3], "s I am sorry, I do not know.", "u Hm, okay."],
    "it is refused": [*GOOD[:3], GOOD[3], "u I don't like that at all."],
    "it offers nothing": [GOOD[0], "s What a day.", "u A comedy, please.", "s I see.", "u This is useless."],
}


@pytest.mark.parametrize("fault", WORSE)
def test_a_conversation_that_goes_wrong_is_rated_lower(fault):
    good, worse = predict([talk(*GOOD), talk(*WORSE[fault])])
    assert 1 < worse < good - 0.2 < 5


def test_outcomes_are_in_order_in_domains_that_nobody_rated():
    """Thanked > hardly noticed > repeated > given up, in 8 scenes of 4 outcomes: one pair of 48 is not."""
    wrong = []
    for scene, outcomes in SCENES.items():
        said = [
            [Turn("system" if i % 2 else "user", text) for i, text in enumerate(outcome)]
            for outcome in outcomes
        ]
        ratings = predict(said)
        assert ratings[0] > ratings[1] + 0.2 > ratings[2:].max() + 0.2, scene
        assert np.ptp(ratings) > 0.8, scene
        wrong += [scene] * int(ratings[2] <= ratings[3])
    assert len(wrong) <= 1, wrong
