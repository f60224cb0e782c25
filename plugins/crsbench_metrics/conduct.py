"""How a conversation went: signs that mean the same whoever the system is.

Did the system answer, repeat itself, insist on what was refused, take up what it was told? Does the user
accept, praise, refuse, complain, rephrase, give up? Each sign has a direction that is known beforehand.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence

from crsbench_features.vader import compound

from crsbench.types import Turn
from crsbench_metrics import cues

ALIKE = 0.7  # Jaccard index of two turns' words from which on one repeats the other
AGAIN = 0.6  # share of the topics of the poorer of two turns from which on one rephrases the other
BEFORE = 3  # how far back the user's words lie that a system turn can take up, in turns

# Sign → its direction and how much it should weigh, before anybody has rated anything.
SIGNS = {
    "sentiment": 1.0,
    "closes": 0.5,
    "enthusiasm": 0.5,
    "accepts": 0.5,
    "accepted_last": 0.25,
    "refuses": -1.0,
    "complains": -1.0,
    "gives_up": -1.0,
    "rephrases": -1.0,
    "unanswered": -0.5,
    "repeats": -1.0,
    "insists": -1.0,
    "deflects": -0.5,
    "takes_up": 0.5,
    "offers": 0.5,
}
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")


def signs(turns: Sequence[Turn]) -> dict[str, float]:
    """Every sign of `SIGNS`, a share in [0, 1]; feelings in [−1, 1]. All zero where nothing was said.

    Of the user's replies (turns that answer the system): `sentiment`, the mean VADER compound without titles
    and kinds of films, and `closes`, that of the last one; the shares with an exclamation that does not sound
    negative (`enthusiasm`), that accept, refuse, complain or correct, and rephrase an earlier turn; whether
    one of the last two accepts (`accepted_last`), and one gives up. Of the system's turns: the shares that
    repeat an earlier one and that offer again what was refused or seen (`insists`). Of those that answer the
    user: the shares that deflect and that take up what the user spoke of, and of those that answer a question
    the share that does not answer it. `offers`: anything was recommended at all.
    """
    said = cues.merged(turns)
    replies = [i for i in range(1, len(said)) if said[i].speaker == "user"]
    system = [i for i, turn in enumerate(said) if turn.speaker == "system"]
    answers = [i for i in system if i > 0]
    texts = [_reply(said, i) for i in replies]
    feelings = [compound(cues.neutral(text)) for text in texts]
    refused = [_refuses(text) for text in texts]
    accepted = [not no and bool(cues.ACCEPTS.search(text)) for no, text in zip(refused, texts, strict=True)]
    return {
        "sentiment": _mean(feelings),
        "closes": _mean(feelings[-1:]),
        "enthusiasm": _mean(
            feeling >= 0 and "!" in text and len(cues.words(text)) > 2
            for feeling, text in zip(feelings, texts, strict=True)
        ),
        "accepts": _mean(accepted),
        "accepted_last": float(any(accepted[-2:])),
        "refuses": _mean(refused),
        "complains": _mean(bool(cues.COMPLAINS.search(text)) for text in texts),
        "gives_up": float(any(cues.GIVES_UP.search(text) for text in texts)),
        "rephrases": _mean(_rephrases(said, i) for i in replies),
        "unanswered": _mean(not _answers(said, i) for i in answers if cues.ASKS.search(said[i - 1].text)),
        "repeats": _mean(_repeats(said, i) for i in system),
        "insists": _mean(_insists(said, i) for i in system),
        "deflects": _mean(bool(cues.DEFLECTS.search(said[i].text)) for i in answers),
        "takes_up": _mean(_takes_up(said, i) for i in answers),
        "offers": float(any(_offers(said[i]) for i in system)),
    }


def _reply(said: Sequence[Turn], at: int) -> str:
    """What a user says, without titles. "No" to "have you seen it?" says nothing of what the user thinks."""
    text = cues.plain(said[at])
    return cues.NO.sub(" ", text) if cues.KNOWN.search(said[at - 1].text) else text


def _refuses(text: str) -> bool:
    return bool(cues.NO.search(text) or cues.REFUSES.search(text))


def _mean(values: Iterable[float]) -> float:
    known = [float(value) for value in values]
    return sum(known) / len(known) if known else 0.0


def _rephrases(said: Sequence[Turn], at: int) -> bool:
    mine = _topics(said[at].text)
    before = (_topics(turn.text) for turn in said[:at] if turn.speaker == "user")
    return any(min(len(mine), len(b)) > 1 and len(mine & b) >= AGAIN * min(len(mine), len(b)) for b in before)


def _repeats(said: Sequence[Turn], at: int) -> bool:
    mine = _words(said[at].text)
    before = (_words(turn.text) for turn in said[:at] if turn.speaker == "system")
    return len(mine) > 2 and any(len(mine & b) >= ALIKE * len(mine | b) for b in before)


def _offers(turn: Turn) -> bool:
    return bool(cues.named(turn) or cues.OFFERS.search(turn.text))


def _answers(said: Sequence[Turn], at: int) -> bool:
    """Neither evades the question nor answers it by another one alone."""
    turn = said[at]
    if _repeats(said, at) or cues.DEFLECTS.search(turn.text) or cues.PARTS.search(turn.text):
        return False
    if _offers(turn):
        return True
    sentences = _SENTENCE.findall(turn.text)
    return len(cues.words(turn.text)) > 2 and not all(s.endswith("?") for s in sentences if s.strip())


def _takes_up(said: Sequence[Turn], at: int) -> bool:
    before = said[max(0, at - BEFORE) : at]
    return any(_topics(said[at].text) & _topics(turn.text) for turn in before if turn.speaker == "user")


def _insists(said: Sequence[Turn], at: int) -> bool:
    """Names only what was refused or seen, and was not asked about it."""
    mine = cues.named(said[at])
    if not mine or cues.ASKS.search(said[at - 1].text):
        return False
    refused: frozenset[str] = frozenset()
    for i in range(1, at):
        text = _reply(said, i) if said[i].speaker == "user" else ""
        if _refuses(text) or cues.SEEN.search(text):
            refused |= cues.named(said[i - 1]) | cues.named(said[i])
    return mine <= refused


@functools.lru_cache(maxsize=10_000)
def _topics(text: str) -> frozenset[str]:
    return cues.topics(text)


@functools.lru_cache(maxsize=10_000)
def _words(text: str) -> frozenset[str]:
    return frozenset(cues.words(text))
