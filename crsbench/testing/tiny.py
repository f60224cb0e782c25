"""A world of eight films, one of them with a title in another script, and 38 dialogues about them."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from crsbench.episode import system_turn
from crsbench.types import (
    Action,
    Catalog,
    Corpus,
    Dialogue,
    Feedback,
    Item,
    Mention,
    Row,
    Sealed,
    Split,
    State,
    Truth,
    Turn,
)

GENRES = ("comedy", "horror")
TITLES = ("Alpha", "Beta", "Amélie", "Delta", "千と千尋の神隠し", "Zeta", "Eta: The Return", "Theta")
TRAIN, VALID, TEST = 24, 6, 8


def tiny_catalog(items: int = len(TITLES)) -> Catalog:
    """The first `items` films; genres take turns."""
    return Catalog(
        tuple(
            Item(f"film-{n}", title, 1990 + n, {"genre": (GENRES[n % 2],), "actor": (f"Actor {n % 3}",)})
            for n, title in enumerate(TITLES[:items])
        )
    )


def tiny_corpus(items: int = len(TITLES)) -> Corpus:
    """24 train, 6 valid and 8 test dialogues of two recommendations each, with sealed labels and truth.

    A user names a genre and is glad of its films. Reply times are on record in all but every fifth dialogue;
    every seventh ends with the system's turn, its reply unrecorded. The last film is never recommended in
    train. With one item there is nothing to choose.
    """
    catalog = tiny_catalog(items)
    made = [_dialogue(catalog, n) for n in range(TRAIN + VALID + TEST)]
    train, valid, test = made[:TRAIN], made[TRAIN : TRAIN + VALID], made[TRAIN + VALID :]
    rows = tuple(row for n, one in enumerate(test) for row in _rows(one, n))
    feedback = {one.id: _feedback(one, n) for n, one in enumerate(made)}
    truth = {row.id: truth_of(row.state, catalog) for row in rows}
    text = json.dumps([catalog.fingerprint, [repr(one) for one in made]])
    return Corpus(
        catalog,
        Split(tuple(train)),
        Split(tuple(valid), tuple(row for one in valid for row in _rows(one, 0))),
        Split((), rows),
        Sealed(feedback, truth),
        hashlib.sha256(text.encode()).hexdigest()[:16],
        targets=len(rows),
    )


def wish(n: int, catalog: Catalog) -> Turn:
    genre = GENRES[n % 2]
    known = catalog.items[(n * 3) % len(catalog)].title
    text = f"I liked {known} and want a {genre}"
    at = len("I liked ")
    named = (
        Mention(known, (n * 3) % len(catalog), (at, at + len(known))),
        Mention(genre, None, (text.rindex(genre), len(text))),
    )
    return Turn("user", text, named, seconds=0.0)


def answer(opening: Turn, item: int, sent: float | None, ends: bool) -> Turn:
    glad = item % 2 == GENRES.index(opening.mentions[1].name)
    text = "great, I love it!" if glad else "no, that is bad"
    return Turn("user", text, seconds=None if sent is None else sent + (6.0 if glad else 3.0), ends=ends)


def _dialogue(catalog: Catalog, n: int) -> Dialogue:
    timed, cut = n % 5 != 4, n % 7 == 6
    opening = wish(n, catalog)
    turns = [opening if timed else Turn("user", opening.text, opening.mentions)]
    for step in range(2):
        item = (n * 5 + step * 3) % max(len(catalog) - (n < TRAIN), 1)
        sent = 10.0 * step + 1 if timed else None
        said = system_turn(Action((item,), text=f"You could watch {catalog.items[item].title}"), catalog)
        turns.append(Turn("system", said.text, said.mentions, said.recommended, sent))
        if not (cut and step):
            turns.append(answer(opening, item, sent, ends=step == 1))
    return Dialogue(f"tiny-{n}", tuple(turns), user=f"user-{n % 9}" if n % 2 else None)


def _rows(dialogue: Dialogue, n: int) -> list[Row]:
    return [
        Row(f"{dialogue.id}/{at}", dialogue.id, State(dialogue.turns[:at]), turn.recommended, n % 3 == 0)
        for at, turn in enumerate(dialogue.turns)
        if turn.recommended
    ]


def _feedback(dialogue: Dialogue, n: int) -> Feedback:
    shown = [item for turn in dialogue.turns for item in turn.recommended]
    return Feedback({item: item % 2 == n % 2 for item in shown}, dict.fromkeys(shown, n % 3 == 0))


def truth_of(state: State, catalog: Catalog) -> Truth:
    genre = GENRES.index(state.history[0].mentions[1].name)
    utilities = np.array([0.9 if item % 2 == genre else 0.2 for item in range(len(catalog))], np.float32)
    shown = [turn.recommended[0] for turn in state.history if turn.recommended]
    return Truth(utilities, tuple(item % 2 == genre for item in shown))
