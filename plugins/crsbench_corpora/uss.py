"""USS (Sun et al., SIGIR 2021): 1,000 dialogues of ReDial's train part, rated by people who read them.

What people thought of each turn, for estimators of satisfaction; nothing to recommend. A rating
is 1 (very dissatisfied) … 5 (very satisfied). Every turn of the user has as many ratings as the dialogue as
a whole, three to seven; which person gave which the file does not say.

The file is a line a turn, `speaker \\t text \\t action \\t ratings` (comma-separated; the actions column is
empty in this part of USS), and an empty line between dialogues. The last line of a dialogue has the text
OVERALL. Turns are messages here: one speaker may have several in a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import ClassVar

from crsbench import Options
from crsbench.errors import DataError, UsageError, nearest
from crsbench.fetch.pins import Pinned
from crsbench.types import Catalog, Corpus, Dialogue, Feedback, Sealed, Speaker, Split, Turn
from crsbench_corpora.files import Files
from crsbench_corpora.sources import sources

FILE = Path("uss", "ReDial.txt")
SOURCE = "download it with crsbench data get uss; another data folder is named by --data-dir or CRSBENCH_DATA"
SPEAKERS: dict[str, Speaker] = {"USER": "user", "SYSTEM": "system"}
OVERALL = "OVERALL"
_RATINGS = re.compile(r"[1-5](,[1-5])*")


@dataclass(frozen=True, slots=True)
class RatedTurn:
    """One message; `ratings` of the user's, 1 … 5, one a rater; empty for the system's."""

    speaker: Speaker
    text: str
    ratings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RatedDialogue:
    """`id` is the dialogue's place in the file, from 1; `overall` are the ratings of the whole."""

    id: str
    turns: tuple[RatedTurn, ...]
    overall: tuple[int, ...]


class USS:
    """`uss`: reads `<data_dir>/uss/ReDial.txt`. Its corpus has dialogues and sealed ratings, and no items.

    The ratings are means over raters: "overall", and "turn N" for the user's turn N, counted from 0.
    """

    protocols: ClassVar[tuple[str, ...]] = ("ratings",)
    default_protocol: ClassVar[str] = "ratings"
    simulator: ClassVar[str | None] = None
    sources: ClassVar[tuple[Pinned, ...]] = sources("uss")
    licence: ClassVar[str] = sources[0].licence
    citation: ClassVar[str] = sources[0].citation

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    def load(self, protocol: str, data_dir: Path, seed: int) -> Corpus:  # noqa: ARG002 (nothing is random)
        """Read the file; all of it is train, and there is nothing to be scored. Raises DataError."""
        if protocol not in self.protocols:
            raise UsageError(f"uss has no protocol {protocol!r}", nearest(protocol, self.protocols))
        path = data_dir / FILE
        files = Files(path.parent, SOURCE)
        rated = _read(files, path.name)
        dialogues = tuple(
            Dialogue(one.id, tuple(Turn(t.speaker, t.text) for t in one.turns)) for one in rated
        )
        feedback = {one.id: Feedback(ratings=_means(one)) for one in rated}
        nothing = Split()
        sealed = Sealed(feedback)
        return Corpus(Catalog(()), Split(dialogues), nothing, nothing, sealed, files.fingerprint, targets=0)


def read_uss(path: Path) -> list[RatedDialogue]:
    """The dialogues of a file such as `uss/ReDial.txt`, in its order. Raises DataError with file and line."""
    return _read(Files(path.parent, SOURCE), path.name)


def _read(files: Files, name: str) -> list[RatedDialogue]:
    dialogues: list[RatedDialogue] = []
    turns: list[RatedTurn] = []
    number = 0
    for number, line in enumerate(files.text(name).split("\n"), start=1):
        if not line:
            if turns:
                raise files.damaged(name, f"the dialogue ends without its line {OVERALL}", number)
            continue
        try:
            turn = _turn(line)
        except ValueError as error:
            raise files.damaged(name, str(error), number) from None
        if turn.speaker == "system" or turn.text != OVERALL:
            turns.append(turn)
        elif turns:
            dialogues.append(RatedDialogue(str(len(dialogues) + 1), tuple(turns), turn.ratings))
            turns = []
        else:
            raise files.damaged(name, f"a line {OVERALL} without a dialogue", number)
    if turns:
        raise files.damaged(name, f"the dialogue ends without its line {OVERALL}", number)
    if not dialogues:
        raise DataError(f"{files.place(name)} holds no dialogues", SOURCE)
    return dialogues


def _turn(line: str) -> RatedTurn:
    """Raises ValueError that says what is wrong."""
    fields = line.split("\t")
    if len(fields) != 4:
        raise ValueError(f"{len(fields)} fields instead of 4")
    speaker, text, _, ratings = fields
    if speaker not in SPEAKERS:
        raise ValueError(f"the speaker is {speaker!r}, neither USER nor SYSTEM")
    if speaker == "SYSTEM" and ratings:
        raise ValueError("a turn of the system has ratings")
    if speaker == "USER" and not _RATINGS.fullmatch(ratings):
        raise ValueError(f"the ratings are {ratings!r}, not numbers from 1 to 5")
    return RatedTurn(SPEAKERS[speaker], text, tuple(map(int, ratings.split(","))) if ratings else ())


def _means(rated: RatedDialogue) -> dict[str, float]:
    turns = {f"turn {at}": fmean(turn.ratings) for at, turn in enumerate(rated.turns) if turn.ratings}
    return {"overall": fmean(rated.overall), **turns}
