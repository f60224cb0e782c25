"""INSPIRED (Hayati et al., EMNLP 2020), protocol `official`: the split of its authors.

Two forms of it are read: the official tables (train.tsv, dev.tsv, test.tsv: one utterance a line) and,
where there are none, the copies prepared for UniCRS (train.jsonl …: one dialogue a line, utterances of one
speaker joined, two dialogues fewer). In both a dialogue's turns are runs of utterances (chat.py).

The labels are the movies that the annotators, or a matcher, found in the recommender's words, common words
that happen to be titles included ("The Future (2011)"). A row is a turn of the recommender that names one;
its targets are the movies, each once. The catalogue holds every movie named in any split, in the order of
titles: no list of items comes with the dialogues. Links to DBpedia are not read (they are made by machine:
"Hi" is linked to Hi Records), nor is movie_database.tsv.

Sealed feedback, in the official form only: the ratings `accepted` (1 or 0) and `liked` (1 where the seeker
later gave the movie 4 or 5, 0 where less or where its trailer did not interest them).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

from typing_extensions import TypedDict

from crsbench import Options
from crsbench.errors import UsageError, nearest
from crsbench.fetch.pins import Pinned
from crsbench.types import Catalog, Corpus, Feedback, Item, Mention, Row, Sealed, Split
from crsbench_corpora.chat import Chat, Messages
from crsbench_corpora.files import Files
from crsbench_corpora.mentions import find
from crsbench_corpora.sources import sources
from crsbench_corpora.titles import titled

FOLDER = Path("inspired")
SOURCE = (
    "download it with crsbench data get inspired: data/dialog_data/*.tsv of the repository "
    "sweetpeach/Inspired, commit 782d7c1845d11f75d2542809c7f2a51b63ef0304, into {folder}; "
    "another data folder is named by --data-dir or CRSBENCH_DATA"
)
SPLITS = ("train", "dev", "test")
COLUMNS = ("dialog_id", "utt_id", "speaker", "text", "movies")
OPENS, REPEATED = "opens the dialogue", "named twice in one turn"
OUTCOMES: Mapping[str, Mapping[str, float]] = {
    "accept_rating_good": {"accepted": 1.0, "liked": 1.0},
    "accept_rating_mod": {"accepted": 1.0, "liked": 0.0},
    "accept_uninterested": {"accepted": 1.0, "liked": 0.0},
    "accept_others": {"accepted": 1.0},
    "reject": {"accepted": 0.0},
}


class Utterance(TypedDict):
    """An utterance in UniCRS's form."""

    text: str
    role: Literal["RECOMMENDER", "SEEKER"]
    movie: list[str]


@dataclass
class Talk:
    """One dialogue as read."""

    id: str
    utterances: list[Utterance] = field(default_factory=list[Utterance])
    ids: list[str] = field(default_factory=list[str])
    ratings: Mapping[str, float] = field(default_factory=dict[str, float])


class Inspired:
    """`inspired`: reads `<data_dir>/inspired`. No times; nobody is known to leave."""

    protocols: ClassVar[tuple[str, ...]] = ("official",)
    default_protocol: ClassVar[str] = "official"
    simulator: ClassVar[str | None] = None
    sources: ClassVar[tuple[Pinned, ...]] = sources("inspired")
    licence: ClassVar[str] = sources[0].licence
    citation: ClassVar[str] = sources[0].citation

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    def load(self, protocol: str, data_dir: Path, seed: int) -> Corpus:  # noqa: ARG002 (nothing is random)
        """Read the corpus. Raises DataError where a file is missing or damaged.

        `dropped` counts labels of the test split in a turn that opens its dialogue, where there is nothing to
        recommend from, and repeats within a turn.
        """
        if protocol not in self.protocols:
            raise UsageError(f"inspired has no protocol {protocol!r}", nearest(protocol, self.protocols))
        folder = data_dir / FOLDER
        files = Files(folder, SOURCE.format(folder=folder))
        copies = "train.tsv" not in files and "train.jsonl" in files
        read = _from_jsonl if copies else _from_tsv
        train, valid, test = (list(read(files, split)) for split in SPLITS)
        names = sorted(
            {movie for talk in (*train, *valid, *test) for u in talk.utterances for movie in u["movie"]}
        )
        items = {name: index for index, name in enumerate(names)}
        catalog = Catalog(tuple(Item(name, *titled(name)) for name in names))
        chats = [[_chat(talk, items, catalog.items) for talk in talks] for talks in (train, valid, test)]
        learnt, held, judged = (Split(tuple(chat.dialogue for chat in some), _rows(some)) for some in chats)
        targets, dropped = _count(test, judged.rows)
        return Corpus(
            catalog=catalog,
            train=Split(learnt.dialogues),
            valid=held,
            test=judged,
            sealed=Sealed(
                {talk.id: Feedback(ratings=talk.ratings) for talk in (*train, *valid, *test) if talk.ratings}
            ),
            fingerprint=files.fingerprint,
            targets=targets,
            dropped=dropped,
        )


def _from_jsonl(files: Files, split: str) -> Iterator[Talk]:
    """Dialogues have no ids there: they are called by their split and line."""
    for line, utterances in files.stream(f"{split}.jsonl", list[Utterance]):
        for utterance in utterances:
            utterance["movie"] = [movie for movie in utterance["movie"] if movie.strip()]  # some are empty
        yield Talk(f"{split}-{line}", utterances, [str(at) for at in range(1, len(utterances) + 1)])


def _from_tsv(files: Files, split: str) -> Iterator[Talk]:
    """Dialogues are runs of lines with one dialog_id."""
    name = f"{split}.tsv"
    talk: Talk | None = None
    began: dict[str, int] = {}
    for line, row in files.table(name, COLUMNS):
        number = row["dialog_id"]
        if talk is None or number != talk.id:
            if talk is not None:
                yield talk
            if number in began:
                raise files.damaged(
                    name, f"dialog_id {number} goes on after it ended (line {began[number]})", line
                )
            began[number] = line
            talk = Talk(number, ratings=_outcome(files, name, line, row))
        speaker = row["speaker"]
        if speaker not in ("RECOMMENDER", "SEEKER"):
            raise files.damaged(name, f"field speaker: {speaker!r} is neither RECOMMENDER nor SEEKER", line)
        if row["utt_id"] in talk.ids:
            raise files.damaged(name, f"utt_id {row['utt_id']} of dialog_id {number} is there twice", line)
        movies = [movie.strip() for movie in row["movies"].split(";") if movie.strip()]
        text = row["text"].replace("QUOTATION_MARK", '"')
        talk.ids.append(row["utt_id"])
        talk.utterances.append({"text": text, "role": speaker, "movie": movies})
    if talk is None:
        raise files.damaged(name, "holds no rows")
    yield talk


def _outcome(files: Files, name: str, line: int, row: Mapping[str, str]) -> Mapping[str, float]:
    """What became of the recommendation: the column `case`, which earlier versions call `fine_label`."""
    case = row.get("case", row.get("fine_label", ""))
    if case and case not in OUTCOMES:
        raise files.damaged(name, f"{case!r} is none of the outcomes {', '.join(OUTCOMES)}", line)
    return OUTCOMES.get(case, {})


def _chat(talk: Talk, items: Mapping[str, int], known: Sequence[Item]) -> Chat:
    said = talk.utterances
    system = [u["role"] == "RECOMMENDER" for u in said]
    mentions = [tuple(_mention(known[items[m]].title, items[m], u["text"]) for m in u["movie"]) for u in said]
    labels = [tuple(items[movie] for movie in u["movie"]) if u["role"] == "RECOMMENDER" else () for u in said]
    texts, seconds = [u["text"] for u in said], [None] * len(said)
    messages = Messages(talk.ids, system, texts, mentions, labels, seconds)
    opening = messages.opening()
    return Chat(talk.id, replace(messages, labels=[()] * opening + labels[opening:]))


def _mention(title: str, item: int, text: str) -> Mention:
    return Mention(title, item, find(title, text))


def _rows(chats: Sequence[Chat]) -> tuple[Row, ...]:
    return tuple(row for chat in chats for row in chat.rows_by_turn())


def _count(talks: Sequence[Talk], rows: Sequence[Row]) -> tuple[int, dict[str, int]]:
    """How many labels the test split has, and how many of them are no target, by reason."""
    labels = opening = 0
    for talk in talks:
        for at, utterance in enumerate(talk.utterances):
            if utterance["role"] == "RECOMMENDER":
                labels += len(utterance["movie"])
                if all(u["role"] == "RECOMMENDER" for u in talk.utterances[:at]):
                    opening += len(utterance["movie"])
    repeated = labels - opening - sum(len(row.targets) for row in rows)
    return labels, {reason: count for reason, count in ((OPENS, opening), (REPEATED, repeated)) if count}
