"""ReDial's raw dialogues, checked. The initiator seeks, the respondent recommends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from crsbench.types import Feedback, Item, Mention
from crsbench_corpora.files import Files

Number = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Seconds = Annotated[int, Field(ge=0, le=10**9)]
Choice = Literal[0, 1, 2]  # no, yes, did not say
UNSAID = 2
Nothing = Annotated[list[Any], Field(max_length=0)]  # how the files write an empty object
_MENTION = re.compile(r"@([0-9]+)")


class RawMessage(TypedDict):
    messageId: int
    timeOffset: Seconds
    senderWorkerId: int
    text: str


class Answers(TypedDict):
    suggested: Choice
    seen: Choice
    liked: Choice


Forms = Annotated[dict[str, Answers] | Nothing, Field(union_mode="left_to_right")]  # as fast as one type


class RawDialogue(TypedDict):
    """One line of train_data.jsonl or test_data.jsonl."""

    conversationId: str
    initiatorWorkerId: Number
    respondentWorkerId: Number
    movieMentions: dict[str, str | None] | Nothing
    initiatorQuestions: Forms
    respondentQuestions: Forms
    messages: list[RawMessage]


def dialogues(files: Files, name: str) -> Iterator[RawDialogue]:
    """The dialogues of a file, in its order. Raises DataError."""
    lines: dict[str, int] = {}
    for line, raw in files.stream(name, RawDialogue):
        number = raw["conversationId"]
        problem = _problem(raw)
        if lines.setdefault(number, line) != line:
            problem = f"conversationId {number} repeats line {lines[number]}"
        if problem:
            raise files.damaged(name, problem, line)
        yield raw


def _problem(raw: RawDialogue) -> str | None:
    """What types cannot say about a dialogue."""
    people = (raw["initiatorWorkerId"], raw["respondentWorkerId"])
    if people[0] == people[1]:
        return "initiatorWorkerId and respondentWorkerId are the same"
    messages = raw["messages"]
    if len({message["messageId"] for message in messages}) < len(messages):
        return "two messages have the same messageId"
    strangers = {message["senderWorkerId"] for message in messages}.difference(people)
    if strangers:
        return f"senderWorkerId {min(strangers)} is neither the initiator nor the respondent"
    return None


class Movies:
    """The movies by their ids in the data."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._known = {item.id: (i, item.title) for i, item in enumerate(items)}

    def named(
        self, text: str, listed: Mapping[str, str | None] | Sequence[Any]
    ) -> tuple[str, tuple[Mention, ...], int]:
        """The text with titles in place of ids, what it mentions, and how many movies are unknown.

        "@5" that neither the movie list nor the dialogue's own list (`listed`) calls a movie is text.
        """
        parts = iter(_MENTION.split(text))
        said = next(parts)
        mentions: list[Mention] = []
        unknown = 0
        for number, after in zip(parts, parts, strict=True):
            known = self._known.get(number)
            if known is None:
                unknown += number in listed
                said = f"{said}@{number}{after}"
            else:
                item, title = known
                start, said = len(said), said + title
                mentions.append(Mention(title, item, (start, len(said))))
                said += after
        return said, tuple(mentions), unknown

    def feedback(self, raw: RawDialogue) -> Feedback:
        """What the forms say: the initiator's own answers, and the respondent's about a movie that the
        initiator's form leaves out (`guessed`). "Did not say" is no answer."""
        own, other = raw["initiatorQuestions"], raw["respondentQuestions"]
        forms: dict[str, Answers] = {**dict(other), **dict(own)}
        guessed: list[int] = []
        liked: dict[int, bool] = {}
        seen: dict[int, bool] = {}
        suggested: dict[int, bool] = {}
        for number, form in forms.items():
            if number not in self._known:
                continue
            item, _ = self._known[number]
            if number not in own:
                guessed.append(item)
            if form["liked"] != UNSAID:
                liked[item] = form["liked"] == 1
            if form["seen"] != UNSAID:
                seen[item] = form["seen"] == 1
            if form["suggested"] != UNSAID:
                suggested[item] = form["suggested"] == 1
        return Feedback(liked, seen, suggested, guessed=frozenset(guessed))
