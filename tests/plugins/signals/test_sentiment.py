import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from crsbench_features.vader import scores
from crsbench_signals.options import SentimentOptions
from crsbench_signals.sentences import about
from crsbench_signals.sentiment import LaterSentiment, Sentiment, compound

from crsbench.types import Mention, State, Turn


def polarity(transition, **options):
    return Sentiment(SentimentOptions(**options)).measure([transition]).values[0]


def test_praise_is_positive_and_blame_negative(make_transition):
    assert polarity(make_transition("I love it, great!")) > 0.5
    assert polarity(make_transition("That is terrible.")) < -0.4
    assert polarity(make_transition("It was on television.")) == 0


def test_published_example():
    """Hutto & Gilbert's own first sentence."""
    assert compound("VADER is smart, handsome, and funny.") == pytest.approx(0.8316, abs=1e-4)


def test_praise_counts_where_nothing_is_complained_of(make_transition):
    assert polarity(make_transition("Thanks, good.")) == compound("Thanks, good.") > 0.5
    mixed = "Thanks, lovely, that is very kind of you. It looks boring."
    assert compound(mixed) > 0.5
    assert polarity(make_transition(mixed)) == -scores(mixed).negative < 0


@pytest.mark.parametrize("variant", ["compound", "positive", "negative", "shift"])
def test_variants(make_transition, variant):
    text = "Lovely, but a bit sad."
    found = scores(text)
    expected = {
        "compound": found.compound,
        "positive": found.positive,
        "negative": -found.negative,
        "shift": found.compound - compound("Hello, a film please."),
    }[variant]
    assert polarity(make_transition(text), variant=variant) == pytest.approx(expected)
    assert found.positive > 0 < found.negative


def test_the_shift_is_from_the_mood_before_whatever_it_was_about(make_transition):
    step = make_transition("That sounds great.")
    horror = Turn("user", "I hate horror.", (Mention("horror", None, (7, 13)),))
    expected = compound("That sounds great.") - compound("I hate horror.")
    assert polarity(replace(step, state=State((horror,))), variant="shift") == pytest.approx(expected)
    assert np.isnan(polarity(replace(step, state=State(())), variant="shift"))


def test_later_turns_are_read_where_they_are_on_record(make_transition):
    step, rest = make_transition("Fine.", later=["That was terrible.", "Bye."]), "That was terrible. Bye."
    (later,) = LaterSentiment().measure([step]).values
    assert later == -scores(rest).negative < 0
    assert polarity(step, turns="later", variant="negative") == later
    assert polarity(step, turns="all", variant="negative") == -scores(f"Fine. {rest}").negative
    assert np.isnan(LaterSentiment().measure([make_transition("Fine.")]).values[0])
    assert LaterSentiment().measure([step]).name == "sentiment-later"


def test_titles_are_no_praise(make_transition):
    assert compound("Happy Ending then.") > 0.5
    assert polarity(make_transition("Happy Ending then.")) == 0
    assert polarity(make_transition("I hate Happy Ending."), variant="compound") == compound("I hate .")


def test_titles_go_by_span_or_by_name(make_transition):
    text = "I saw Love and It."
    named = Turn("user", text, (Mention("Love", 1, (6, 10)), Mention("It", 2, (15, 17))))
    assert about(named, (1,), ()) == "I saw and ."
    assert about(Turn("user", "Lovely, I love Love."), (), ("Love",)) == "Lovely, I love ."
    assert about(Turn("user", "What is 8½ (1963)?"), (), ("8½ (1963)",)) == "What is ?"


def test_what_is_said_of_something_else_is_left_out(make_transition):
    reply = "Great! I hate horror. Heat was awful; Happy Ending is no horror."
    at = {"horror": None, "Heat": 4, "Happy Ending": 3}
    mentions = [
        Mention(name, item, (reply.index(name), reply.index(name) + len(name))) for name, item in at.items()
    ]
    assert about(Turn("user", reply, tuple(mentions)), (3,), ()) == "Great! is no horror."
    assert np.isnan(polarity(make_transition("I hate horror.", mentions=(Mention("horror", None, (7, 13)),))))


@pytest.mark.parametrize("reply", [None, "", " ... ", "Happy Ending"])
def test_no_words_no_sentiment(make_transition, reply):
    assert np.isnan(polarity(make_transition(reply)))


def test_needs_no_network():
    code = """
import socket
def refuse(*args, **kwargs):
    raise OSError("no network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from crsbench_signals.sentiment import compound
print(compound("This is wonderful.") > 0.5)
"""
    env = {k: v for k, v in os.environ.items() if k != "NLTK_DATA"} | {
        "HOME": "/nonexistent",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_declaring_the_plugin_imports_nothing_heavy():
    code = """
import sys, crsbench_signals, crsbench_synthetic
crsbench_signals.crsbench_signals(), crsbench_signals.crsbench_labels()
crsbench_synthetic.crsbench_datasets(), crsbench_synthetic.crsbench_policies()
print(sorted({"nltk", "sklearn", "scipy", "torch", "numpy", "pydantic"} & set(sys.modules)))
"""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
