"""`replay`: people of real dialogues, by rule."""

from __future__ import annotations

import enum
import random
from collections.abc import Sequence

from crsbench.types import Action, Catalog, Dialogue, State, Truth, Turn
from crsbench_simulators import grammar
from crsbench_simulators.options import ReplayOptions
from crsbench_simulators.people import People, Person, Preference, session

OPENS_WITH_TWO = 0.3  # probability that the first turn reveals two preferences
REVEALS = 0.75  # that an answer which does not end the conversation reveals one
DISLIKE_FIRST = 0.3  # that this is a dislike, where there is one left
NAMES_IT = 0.3  # that an acceptance names what is accepted
SETTLES = 0.5  # that somebody is content with one item that suits, instead of two
PATIENCE = (3, 4, 5)  # items in a row that do not suit, after which somebody gives up; each as likely


class Verdict(enum.Enum):
    """What a person thinks of a recommendation."""

    SUITS = enum.auto()
    NEAR = enum.auto()
    FAR = enum.auto()
    SEEN_LIKED = enum.auto()
    SEEN_DISLIKED = enum.auto()


_SAYS = {
    Verdict.SUITS: grammar.SUITS,
    Verdict.NEAR: grammar.NEAR,
    Verdict.FAR: grammar.FAR,
    Verdict.SEEN_LIKED: grammar.SEEN_LIKED,
    Verdict.SEEN_DISLIKED: grammar.SEEN_DISLIKED,
}


class Replay:
    """A person opens with what they revealed first, and judges what is recommended by all that they revealed.

    What suits is accepted; after one or two such items they leave content. What they have seen, what only
    comes near and what does not fit is declined, mostly with one more preference; after three to five items
    in a row that do not suit they give up. Either way the last turn says so and `ends`. See people.py for
    what suits whom. Words, patience and the choice of what is revealed are drawn from the seed and the
    turn's number alone. Only the first item of an action is judged, never the system's words.

    They judge by the links between items and attributes. A policy that ranks by the same links is at an
    advantage with them, as it would not be with people: compare such a one with care.
    """

    def __init__(self, options: ReplayOptions | None = None) -> None:
        self.options = options or ReplayOptions()

    @property
    def episodes(self) -> int:
        """How many conversations an evaluation holds."""
        return self.options.episodes

    def ground(self, catalog: Catalog, dialogues: Sequence[Dialogue]) -> None:
        """Meet the people of these dialogues. Raises DataError where there is nobody to play."""
        self.people = People(catalog, dialogues)

    def dialogue(self, seed: int) -> str:
        """The id of the dialogue whose user the seed is."""
        return self.people[seed].dialogue

    def start(self, seeds: Sequence[int]) -> list[State]:
        return [State((self._opening(seed),), session=seed) for seed in seeds]

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        turns = [self._answer(state, action) for state, action in zip(states, actions, strict=True)]
        return [(turn, turn.ends) for turn in turns]

    def truth(self, states: Sequence[State]) -> list[Truth] | None:
        """Nobody knows what the real people would have thought."""
        del states
        return None

    def verdict(self, person: Person, item: int) -> Verdict:
        """What a person thinks of an item."""
        if item in person.knows:
            return Verdict.SEEN_LIKED if person.knows[item] else Verdict.SEEN_DISLIKED
        fit = self.people.fit(person, item)
        if fit <= 0 or fit < person.near:
            return Verdict.FAR
        return Verdict.SUITS if fit >= person.suits else Verdict.NEAR

    def _opening(self, seed: int) -> Turn:
        luck = random.Random(f"{seed}/0")
        first, *others = self.people[seed].says
        writer = grammar.Writer(luck)
        writer.want(first)
        if others and luck.random() < OPENS_WITH_TWO:
            writer.tell(others[0])
        return writer.turn()

    def _answer(self, state: State, action: Action) -> Turn:
        seed = session(state)
        person = self.people[seed]
        shown = [turn.recommended[0] for turn in state.history if turn.recommended]
        verdicts = [self.verdict(person, item) for item in (*shown, action.items[0])]
        luck = random.Random(f"{seed}/{len(verdicts)}")
        writer = grammar.Writer(luck)
        if verdicts[-1] is Verdict.SUITS and luck.random() < NAMES_IT:
            writer.say(grammar.SUITS_TITLE, self.people.mention(action.items[0]))
        else:
            writer.say(_SAYS[verdicts[-1]])
        if parting := _parting(seed, verdicts):
            writer.say(parting)
            return writer.turn(ends=True)
        if luck.random() < REVEALS and (new := _untold(person, state, luck)):
            writer.tell(new)
        writer.say(grammar.MORE)
        return writer.turn()


def _parting(seed: int, verdicts: Sequence[Verdict]) -> Sequence[str] | None:
    """What is said on leaving; None where the person stays."""
    luck = random.Random(f"{seed}/patience")
    wanted, patience = 1 + (luck.random() >= SETTLES), luck.choice(PATIENCE)
    suited = [verdict is Verdict.SUITS for verdict in verdicts]
    if sum(suited) >= wanted:
        return grammar.CONTENT
    return grammar.GIVES_UP if not any(suited[-patience:]) and len(suited) >= patience else None


def _untold(person: Person, state: State, luck: random.Random) -> Preference | None:
    """The next preference that the user's turns have not named yet; None where there is none."""
    told = {m.name for turn in state.history if turn.speaker == "user" for m in turn.mentions}
    left = [one for one in person.says if one.mention.name not in told]
    dislikes = [one for one in left if not one.likes]
    return next(iter(dislikes if dislikes and luck.random() < DISLIKE_FIRST else left), None)
