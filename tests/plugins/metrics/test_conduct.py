"""The signs of conduct: each is there where it was shown, and has the direction that it was given."""

import pytest
from crsbench_metrics.conduct import SIGNS, signs
from crsbench_metrics.satisfaction import predict

from crsbench.types import Mention, Turn


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
