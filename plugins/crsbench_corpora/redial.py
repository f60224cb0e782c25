"""ReDial (Li et al., NeurIPS 2018), raw format: protocols `mentions` and `kb26`.

The respondent is the system, the initiator the user. Runs of messages of one speaker make a turn (chat.py):
read message by message, three of ten recommendations would have no reply, because the recommender went on
writing. The data labels no recommendations: what the respondent mentions counts as recommended, repeats and
answers to "have you seen …" included. Train data that is only a part of the official file is read as what
it is.

Nobody of the test dialogues is met in train, but 95% of the train dialogues have a respondent who recommends
in others, too, much the same movies again. A valid split and folds (types.py) drawn from all dialogues alike
would give people away who are strangers in the test split. So the valid rows are of what those have said
among themselves who come last; what they said with others stands beside it in valid, with no row, and is
nothing to train on. Folds are periods (split.py), the last of which has all of valid.

`mentions`: every mention by the respondent after the dialogue's first message is a target, repeats counted
(4,980 on the test split). A row is a message, its history all that was said before it.

`kb26`: the protocol of Kostric & Balog (SIGIR 2026, doi 10.1145/3805712.3808573) as far as its description
fixes it. A row is a turn of the respondent that names movies and does not open the dialogue; its history
are the turns before. That reading alone, of those tried (messages for turns, opening turns kept, suggested
movies only), gives their 3,617 rows, 3,372 of them with a movie not named in an earlier turn. The copy of
the context's movies, newest first, then has a recall@1 and @10 of .0435 and .0909 averaged over rows, where
they print .043 and .090, and .048 and .096 over mentions: compare with them by the unit `row`. What stays
open: whether a movie that a turn names twice counts twice (here once; it changes the averages over rows by
less than .0001), how links to DBpedia narrowed their catalogue (here all movies of the list), and 15 of the
1,342 dialogues have no row under any reading.

Explicit labels are sealed. Metadata joins by title and year (redial_movies.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from crsbench import Options
from crsbench.errors import UsageError, nearest
from crsbench.fetch.pins import Pinned
from crsbench.types import Catalog, Corpus, Feedback, Mention, Row, Sealed, Split
from crsbench_corpora import redial_movies, redial_raw
from crsbench_corpora.cache import remembered
from crsbench_corpora.chat import Chat, Messages
from crsbench_corpora.files import Files
from crsbench_corpora.redial_movies import METADATA, MOVIES
from crsbench_corpora.redial_raw import Movies, RawDialogue
from crsbench_corpora.sources import sources
from crsbench_corpora.split import by_people

FOLDER, ARCHIVE = Path("redial"), "redial_dataset.zip"
TRAIN, TEST = "train_data.jsonl", "test_data.jsonl"
SOURCE = (
    f"download it with crsbench data get redial: {ARCHIVE} of the repository ReDialData/website, commit "
    "27ae7ac0c212af62ca6b873cd5f08a469eda411e, into {folder}; another data folder is named by --data-dir or "
    "CRSBENCH_DATA"
)
VALID = 15  # per cent of the train dialogues, the last ones: who first appears in them is a newcomer
NOT_LISTED = "not in the catalogue"


class ReDial:
    """`redial`: reads `<data_dir>/redial`, the files as they are or in their zip.

    Turns have the time at which they were sent; nobody is known to leave, so a dialogue's last transition
    is censored.
    """

    protocols: ClassVar[tuple[str, ...]] = ("mentions", "kb26")
    default_protocol: ClassVar[str] = "mentions"
    simulator: ClassVar[str | None] = None
    sources: ClassVar[tuple[Pinned, ...]] = sources("redial")
    licence: ClassVar[str] = sources[0].licence
    citation: ClassVar[str] = sources[0].citation

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    def load(self, protocol: str, data_dir: Path, seed: int) -> Corpus:  # noqa: ARG002 (nothing is random)
        """Read the corpus. Raises DataError where a file is missing or damaged.

        Mentions of movies that the list lacks are no targets; `dropped` counts those of the test rows.
        """
        if protocol not in self.protocols:
            raise UsageError(f"redial has no protocol {protocol!r}", nearest(protocol, self.protocols))
        folder = data_dir / FOLDER
        files = Files(folder, SOURCE.format(folder=folder), ARCHIVE)
        for name in (TRAIN, TEST, *(name for name in (MOVIES, METADATA) if name in files)):
            files.content(name)
        return remembered(f"redial-{protocol}", files.fingerprint, lambda: _read(files, protocol))


def _read(files: Files, protocol: str) -> Corpus:
    items = redial_movies.movies(files, (TRAIN, TEST))
    movies = redial_raw.Movies(items)
    feedback: dict[str, Feedback] = {}
    learnt, _ = _chats(redial_raw.dialogues(files, TRAIN), movies, protocol, feedback)
    test, lost = _chats(redial_raw.dialogues(files, TEST), movies, protocol, feedback)
    by_age = sorted(learnt, key=lambda chat: (len(chat.dialogue.id), chat.dialogue.id))
    split = by_people({chat.dialogue.id: chat.people for chat in by_age}, VALID)
    dialogues = [replace(chat.dialogue, group=split.group[chat.dialogue.id]) for chat in learnt]
    valid = [chat for chat in learnt if chat.dialogue.id in split.valid]
    rows = _rows(test, protocol)
    return Corpus(
        catalog=Catalog(items),
        train=Split(tuple(one for one in dialogues if one.id in split.train)),
        valid=Split(tuple(one for one in dialogues if one.id not in split.train), _rows(valid, protocol)),
        test=Split(tuple(chat.dialogue for chat in test), rows),
        sealed=Sealed(feedback),
        fingerprint=files.fingerprint,
        targets=sum(len(row.targets) for row in rows) + lost,
        dropped={NOT_LISTED: lost} if lost else {},
    )


def _chats(
    dialogues: Iterable[RawDialogue], movies: Movies, protocol: str, feedback: dict[str, Feedback]
) -> tuple[list[Chat], int]:
    """The dialogues with their labels, and how many labels name no listed movie. Forms go to `feedback`."""
    chats: list[Chat] = []
    lost = 0
    for raw in dialogues:
        number, said = raw["conversationId"], raw["messages"]
        texts = [message["text"] for message in said]
        system = [message["senderWorkerId"] == raw["respondentWorkerId"] for message in said]
        mentions: list[tuple[Mention, ...]] = [()] * len(said)
        labels: list[tuple[int, ...]] = [()] * len(said)
        ids = [message["messageId"] for message in said]
        seconds = [float(message["timeOffset"]) for message in said]
        messages = Messages(ids, system, texts, mentions, labels, seconds)
        opening = 1 if protocol == "mentions" else messages.opening()
        for at, text in enumerate(texts):
            if "@" in text:
                texts[at], mentions[at], unknown = movies.named(text, raw["movieMentions"])
                if system[at] and at >= opening:
                    labels[at] = tuple([m.item for m in mentions[at] if m.item is not None])
                    lost += unknown
        user, other = str(raw["initiatorWorkerId"]), str(raw["respondentWorkerId"])
        chats.append(Chat(number, messages, user, other))
        if raw["initiatorQuestions"] or raw["respondentQuestions"]:
            feedback[number] = movies.feedback(raw)
    return chats, lost


def _rows(chats: Sequence[Chat], protocol: str) -> tuple[Row, ...]:
    by_turn = protocol == "kb26"
    return tuple(
        row for chat in chats for row in (chat.rows_by_turn() if by_turn else chat.rows_by_message())
    )
