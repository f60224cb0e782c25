"""`llm`: the people of `replay`, spoken for by a language model."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from crsbench.errors import UsageError
from crsbench.types import Action, Catalog, Dialogue, Item, Mention, State, Truth, Turn
from crsbench_simulators.endpoint import Chat, Endpoint, Speaker
from crsbench_simulators.options import LanguageModelOptions
from crsbench_simulators.people import People, Person, session

LEAVE = "[LEAVE]"
RULES = f"""You play a person who asks a recommender system for something to watch, read or listen to.
This is all that you know of your taste:
{{}}
Begin with one thing that you like; tell more when you are asked, or when something does not fit. Judge what \
is recommended by this taste alone, and say plainly whether you want it, do not want it, or know it already. \
Never name a title of your own accord that is not listed above. Answer with one or two short sentences, as \
people write in a chat, and with nothing else. When you have found what you want, or have had enough, say \
goodbye and end your message with {LEAVE}."""
BEGIN = "(Say hello, and what you are looking for.)"
VALUES = 3  # of each relation that are told of a recommended item
_LEAVE = re.compile(r"\[\s*LEAVE\s*\]", re.IGNORECASE)


class LanguageModel:
    """The model is told what the person can say (people.py), what was said, and what is recommended with its
    attributes in the catalogue; never a target. It says so when the person leaves; where it goes on for
    `turns` recommendations, or answers nothing, the conversation is stopped, and counts as censored.

    Within a run the same question is asked once, so that the same user meets every policy. Each question and
    its raw answer is printed as one line of JSON, which the host keeps in the run's `log.txt`.
    """

    def __init__(self, options: LanguageModelOptions | None = None) -> None:
        self.options = options or LanguageModelOptions()
        self._known: dict[str, str] = {}
        self._speaker: Speaker | None = None

    @property
    def episodes(self) -> int:
        """How many conversations an evaluation holds."""
        return self.options.episodes

    def ground(self, catalog: Catalog, dialogues: Sequence[Dialogue]) -> None:
        """Meet the people of these dialogues. Raises UsageError where it is not said which model speaks."""
        if not self.options.model:
            raise UsageError(
                "the simulator llm is not told which language model speaks",
                "-o simulator.model=FOLDER, or -o simulator.model=NAME -o simulator.base_url=URL",
            )
        self.people = People(catalog, dialogues)

    def dialogue(self, seed: int) -> str:
        """The id of the dialogue whose user the seed is."""
        return self.people[seed].dialogue

    def start(self, seeds: Sequence[int]) -> list[State]:
        texts = self._ask([self._chat(self.people[seed], ()) for seed in seeds])
        return [
            State((self._turn(self.people[seed], (), text),), session=seed)
            for seed, text in zip(seeds, texts, strict=True)
        ]

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        people = [self.people[session(state)] for state in states]
        heard = [
            (*state.history, Turn("system", action.text or "", recommended=action.items[:1]))
            for state, action in zip(states, actions, strict=True)
        ]
        texts = self._ask([self._chat(person, said) for person, said in zip(people, heard, strict=True)])
        found: list[tuple[Turn | None, bool]] = []
        for person, said, text in zip(people, heard, texts, strict=True):
            turn = self._turn(person, said, text)
            stops = sum(one.speaker == "system" for one in said) >= self.options.turns
            found.append((turn, turn.ends or stops) if turn.text else (None, True))
        return found

    def truth(self, states: Sequence[State]) -> list[Truth] | None:
        """Nobody knows what the real people would have thought."""
        del states
        return None

    def _chat(self, person: Person, said: Sequence[Turn]) -> Chat:
        """The messages; the model speaks for the user, so what the system says is what it answers to."""
        rules = {"role": "system", "content": RULES.format(_taste(person))}
        begin = {"role": "user", "content": BEGIN}
        turns = [
            {"role": "assistant", "content": turn.text}
            if turn.speaker == "user"
            else {"role": "user", "content": self._heard(turn)}
            for turn in said
        ]
        return (rules, begin, *turns)

    def _heard(self, turn: Turn) -> str:
        """What the system says, with what the catalogue knows of the recommended item."""
        items = self.people.catalog.items
        facts = [f"(Recommended: {_described(items[item])})" for item in turn.recommended]
        return " ".join([*([turn.text] if turn.text else []), *facts])

    def _turn(self, person: Person, said: Sequence[Turn], text: str) -> Turn:
        """An answer as a turn, with its mentions of what the person knows and of what was recommended."""
        ends = _LEAVE.search(text) is not None
        text = " ".join(_LEAVE.sub(" ", text).split())
        shown = [self.people.mention(item) for turn in said for item in turn.recommended]
        known = dict.fromkeys([*(one.mention for one in person.says), *shown])
        found = ((one, re.search(rf"(?<!\w){re.escape(one.name)}(?!\w)", text)) for one in known)
        mentions = tuple(Mention(one.name, one.item, at.span()) for one, at in found if at)
        return Turn("user", text, mentions, ends=ends)

    def _ask(self, chats: Sequence[Chat]) -> list[str]:
        keys = [json.dumps(chat, ensure_ascii=False) for chat in chats]
        new = {key: chat for key, chat in zip(keys, chats, strict=True) if key not in self._known}
        if new:
            for key, answer in zip(new, self._model().answers(list(new.values())), strict=True):
                self._known[key] = answer
                print(json.dumps({"messages": new[key], "answer": answer}, ensure_ascii=False))
        return [self._known[key] for key in keys]

    def _model(self) -> Speaker:
        if self._speaker is None:
            if self.options.base_url:
                self._speaker = Endpoint(self.options)
            else:
                from crsbench_simulators.local import LocalModel  # torch and transformers

                self._speaker = LocalModel(self.options)
        return self._speaker


def _taste(person: Person) -> str:
    """What a person can say of their taste, one line each."""
    lines: list[str] = []
    for one in person.says:
        feeling = "like" if one.likes else "do not like"
        lines.append(
            f"- You {feeling} {f'the {one.relation} ' if one.relation else ''}{one.mention.name}"
            + ("" if one.relation else ", which you know already")
        )
    return "\n".join(lines)


def _described(item: Item) -> str:
    year = f" ({item.year})" if item.year is not None else ""
    facts = [f"{relation}: {', '.join(values[:VALUES])}" for relation, values in item.attributes.items()]
    return "; ".join([f"{item.title}{year}", *facts])
