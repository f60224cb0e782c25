"""People spoken for by a language model: what it is told, what is made of its answers, what is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from crsbench_simulators.endpoint import Chat
from crsbench_simulators.llm import LanguageModel
from crsbench_simulators.options import LanguageModelOptions

from crsbench.errors import UsageError
from crsbench.protocols import GroundedSimulator
from crsbench.types import Action, Catalog, Dialogue, State, Turn


class Scripted:
    """Answers each chat by its length, and remembers what it was asked."""

    def __init__(self, *script: str) -> None:
        self.script, self.asked = script, list[Chat]()

    def answers(self, chats: Sequence[Chat]) -> list[str]:
        self.asked += chats
        return [self.script[(len(chat) - 2) // 2] for chat in chats]


def made(library: Catalog, dialogues: Sequence[Dialogue], *script: str) -> tuple[LanguageModel, Scripted]:
    simulator = LanguageModel(LanguageModelOptions(model="m", base_url="http://localhost/v1", turns=3))
    simulator.ground(library, dialogues)
    speaker = Scripted(*script)
    simulator.__dict__["_speaker"] = speaker
    return simulator, speaker


def then(state: State, item: int, reply: Turn | None) -> State:
    return state.then(Turn("system", "", recommended=(item,)), *([reply] if reply else []))


def test_the_prompt_knows_the_person_and_no_target(library: Catalog, dialogues: tuple[Dialogue, ...]) -> None:
    simulator, speaker = made(library, dialogues, "hello")
    assert isinstance(simulator, GroundedSimulator)
    simulator.start(range(40))
    targets = {simulator.dialogue(seed): int(simulator.dialogue(seed)[1:]) for seed in range(40)}
    for seed, chat in enumerate(speaker.asked):
        person = simulator.people[seed]
        rules = chat[0]["content"]
        assert all(one.mention.name in rules for one in person.says)
        assert f"{library.items[targets[person.dialogue]].title}\n" not in f"{rules},".replace(",", "\n")
    western = next(chat for chat in speaker.asked if "- You like the genre western" in chat[0]["content"])
    assert "which you know already" in western[0]["content"]


def test_a_conversation(library: Catalog, dialogues: tuple[Dialogue, ...]) -> None:
    simulator, speaker = made(
        library, dialogues, "I want\na film", "No. [LEAVE", "Movie Part 9? Bye [ leave ]"
    )
    (state,) = simulator.start([5])
    assert state.history == (Turn("user", "I want a film"),)
    ((first, over),) = simulator.reply([state], [Action((4,), text="How about this?")])
    assert (first, over) == (Turn("user", "No. [LEAVE"), False)
    heard = speaker.asked[-1][-1]
    assert heard["role"] == "user"
    facts = "Movie Part 4 (1964); genre: comedy; star: Eve Moor, Fay Glen; director: Maker Person4"
    assert heard["content"] == f"How about this? (Recommended: {facts})"
    ((last, over),) = simulator.reply([then(state, 4, first)], [Action((9,))])
    assert over
    assert last is not None
    assert last.ends
    assert last.text == "Movie Part 9? Bye"
    assert [(m.name, m.item, m.span) for m in last.mentions] == [("Movie Part 9", 9, (0, 12))]
    assert [message["role"] for message in speaker.asked[-1]] == [
        "system", "user", "assistant", "user", "assistant", "user",
    ]  # fmt: skip


def test_a_conversation_that_does_not_end_is_stopped(
    library: Catalog, dialogues: tuple[Dialogue, ...]
) -> None:
    simulator, _ = made(library, dialogues, "hi", "no", "no", "no")
    (state,) = simulator.start([0])
    for turn in range(3):
        ((reply, over),) = simulator.reply([state], [Action((turn,))])
        assert reply == Turn("user", "no")
        assert over == (turn == 2)
        state = then(state, turn, reply)
    silent, _ = made(library, dialogues, "hi", " [LEAVE] ")
    assert silent.reply(silent.start([0]), [Action((1,))]) == [(None, True)]


def test_one_question_is_asked_once_and_kept(
    library: Catalog, dialogues: tuple[Dialogue, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    simulator, speaker = made(library, dialogues, "hi", "no")
    states = simulator.start([0, 1, 0])
    simulator.start([0])
    simulator.reply(states, [Action((2,)), Action((2,)), Action((2,))])
    assert len(speaker.asked) == 4
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["answer"] for line in lines] == ["hi", "hi", "no", "no"]
    assert [tuple(line["messages"]) for line in lines] == speaker.asked


def test_which_model(library: Catalog, dialogues: tuple[Dialogue, ...]) -> None:
    with pytest.raises(UsageError, match="not told which language model"):
        LanguageModel().ground(library, dialogues)
    simulator = LanguageModel(LanguageModelOptions(model="/no/such/folder"))
    simulator.ground(library, dialogues)
    with pytest.raises(UsageError, match="there is no folder '/no/such/folder'"):
        simulator.start([0])
    for wrong in ({"base_url": "ftp://x"}, {"base_url": "file:///etc/passwd"}, {"key_variable": "sk-1234"}):
        with pytest.raises(ValueError, match="pattern"):
            LanguageModelOptions(**wrong)
