import os
import subprocess
import sys

import numpy as np
import pytest
from crsbench_signals.sentiment import Sentiment, compound, without_titles

from crsbench.types import Mention, Turn


def polarity(transition):
    return Sentiment().measure([transition]).values[0]


def test_praise_is_positive_and_blame_negative(make_transition):
    assert polarity(make_transition("I love it, great!")) > 0.5
    assert polarity(make_transition("That is terrible.")) < -0.4
    assert polarity(make_transition("It was on television.")) == 0


def test_published_example():
    """Hutto & Gilbert's own first sentence."""
    assert compound("VADER is smart, handsome, and funny.") == pytest.approx(0.8316, abs=1e-4)


def test_titles_are_no_praise(make_transition):
    assert compound("Happy Ending then.") > 0.5
    assert polarity(make_transition("Happy Ending then.")) == 0
    assert polarity(make_transition("I hate Happy Ending.")) == compound("I hate .")


def test_titles_go_by_span_or_by_name(make_transition):
    text = "I saw Love and It."
    named = Turn("user", text, (Mention("Love", 1, (6, 10)), Mention("It", 2, (15, 17))))
    assert without_titles(named, ()) == "I saw and ."
    assert without_titles(Turn("user", "Lovely, I love Love."), ("Love",)) == "Lovely, I love ."
    assert without_titles(Turn("user", "What is 8½ (1963)?"), ("8½ (1963)",)) == "What is ?"


def test_entities_stay(make_transition):
    reply = Turn("user", "a funny comedy", (Mention("comedy", None, (8, 14)),))
    assert without_titles(reply, ()) == "a funny comedy"


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
