"""What a dataset has to hold."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from crsbench.config import data_root
from crsbench.errors import DataError
from crsbench.testing.bench import Bench
from crsbench.testing.common import no_network
from crsbench.testing.suite import Ask, NotAskedError, demand
from crsbench.testing.watch import Seen, watching
from crsbench.types import Corpus, Dialogue, Row, Split, Turn


def declares_its_protocols(bench: Bench) -> None:
    """It has protocols, its default is one of them, and its simulator is a name or None."""
    made = bench.part.make()
    demand(bool(made.protocols), "it has no protocol")
    demand(made.default_protocol in made.protocols, f"{made.default_protocol!r} is not among its protocols")
    demand(made.simulator is None or isinstance(made.simulator, str), "its simulator is no name")


def loads_the_same_twice(bench: Bench) -> None:
    """Every protocol loads, twice the same, with one fingerprint."""
    for protocol, one in _corpora(bench):
        two, _ = _load(bench, protocol)
        demand(bool(one.fingerprint), f"protocol {protocol}: the corpus has no fingerprint")
        demand(one.fingerprint == two.fingerprint, f"protocol {protocol}: two fingerprints of the same data")
        same = one.train == two.train and one.test.rows == two.test.rows and one.catalog == two.catalog
        demand(same, f"protocol {protocol}: loaded twice the same data differ")


def names_everything_once(bench: Bench) -> None:
    """Items, and the dialogues and rows of each split, have ids of their own."""
    for protocol, corpus in _corpora(bench):
        items = [item.id for item in corpus.catalog.items]
        demand(bool(items), f"protocol {protocol}: the catalogue is empty")
        demand(len(set(items)) == len(items), f"protocol {protocol}: two items have one id")
        for name, split in _splits(corpus):
            for what, some in (("dialogues", split.dialogues), ("rows", split.rows)):
                ids = [one.id for one in some]
                text = f"protocol {protocol}: two {what} of {name} have one id"
                demand(len(set(ids)) == len(ids), text)


def stays_within_its_catalogue(bench: Bench) -> None:
    """Whatever is mentioned, recommended or asked for is an item of the catalogue."""
    for protocol, corpus in _corpora(bench):
        items = range(len(corpus.catalog))
        for where, turn in _turns(corpus):
            named = [m.item for m in turn.mentions if m.item is not None]
            wrong = next((i for i in (*named, *turn.recommended) if i not in items), None)
            demand(wrong is None, f"protocol {protocol}, {where}: item {wrong} is not in the catalogue")
        for name, row in _rows(corpus):
            text = f"protocol {protocol}, {name} row {row.id}"
            demand(all(i in items for i in row.targets), f"{text}: a target is not in the catalogue")


def tells_turns_as_they_were(bench: Bench) -> None:
    """Speakers, texts, spans and times are sound; only the system recommends."""
    for protocol, corpus in _corpora(bench):
        for where, turn in _turns(corpus):
            text = f"protocol {protocol}, {where}"
            demand(turn.speaker in ("user", "system"), f"{text}: the speaker is {turn.speaker!r}")
            said = not turn.recommended or turn.speaker == "system"
            demand(said, f"{text}: a turn of the user recommends")
            spans = [m.span for m in turn.mentions if m.span is not None]
            inside = all(0 <= a <= b <= len(turn.text) for a, b in spans)
            demand(inside, f"{text}: a mention's span is not within the text")
        for one in _dialogues(corpus):
            times = [turn.seconds for turn in one.turns if turn.seconds is not None]
            going = all(a <= b for a, b in itertools.pairwise(times))
            demand(going, f"protocol {protocol}, dialogue {one.id}: its clock runs backwards")


def keeps_its_splits_apart(bench: Bench) -> None:
    """No test dialogue stands in train or valid, or, where the splits say that they are by row, no test row;
    and no row says whose it is."""
    for protocol, corpus in _corpora(bench):
        learnt = (*corpus.train.dialogues, *corpus.valid.dialogues)
        known = {one.id for one in learnt}
        shared = sorted({row.dialogue for row in corpus.test.rows} & known)
        by_row = corpus.train.by_row and corpus.valid.by_row
        text = f"protocol {protocol}: {len(shared)} test dialogues stand in train or valid"
        demand(by_row or not shared, f"{text}, such as {shared[:1]}, and no Split.by_row says so")
        labelled = {(one.id, t) for one in learnt for t, turn in enumerate(one.turns) if turn.recommended}
        own = [row.id for row in corpus.test.rows if (row.dialogue, len(row.state.history)) in labelled]
        demand(
            not own, f"protocol {protocol}: {len(own)} test rows stand in train or valid, such as {own[:1]}"
        )
        demand(bool(corpus.test.rows), f"protocol {protocol}: there is no test row")
        for name, row in _rows(corpus):
            demand(row.state.session is None, f"{name} row {row.id}: its state says whose it is")


def counts_its_targets(bench: Bench) -> None:
    """`targets` counts the labels of the test rows and those that were dropped."""
    for protocol, corpus in _corpora(bench):
        kept = sum(len(row.targets) for row in corpus.test.rows)
        lost = sum(corpus.dropped.values())
        text = f"protocol {protocol}: {corpus.targets} targets, but {kept} in rows and {lost} dropped"
        demand(kept <= corpus.targets <= kept + lost, text)


def seals_what_it_knows(bench: Bench) -> None:
    """Sealed labels belong to dialogues and rows that are there, or to none that training sees."""
    for protocol, corpus in _corpora(bench):
        rows = {row.id for _, row in _rows(corpus)}
        if len(corpus.sealed.truth) and rows:
            unknown = next((row for row in rows if row not in corpus.sealed.truth), None)
            names = {row.id for row in corpus.test.rows}
            demand(unknown not in names, f"protocol {protocol}: test row {unknown} has no truth, others have")
        items = range(len(corpus.catalog))
        for name in corpus.sealed.feedback:
            liked = corpus.sealed.feedback[name].liked
            text = f"protocol {protocol}, dialogue {name}: a label's item is not in the catalogue"
            demand(all(item in items for item in liked), text)


def says_what_is_missing(bench: Bench, nowhere: Path | None = None) -> None:
    """Without its files it raises DataError (or needs none)."""
    empty = nowhere or bench.fresh()
    for protocol in bench.part.make().protocols:
        try:
            _read(bench, protocol, empty)
        except DataError:
            continue


def needs_no_network(bench: Bench) -> None:
    """It loads without reaching for the network: `crsbench data get` is for that."""
    _, seen = _load(bench, bench.part.make().default_protocol)
    no_network(seen)


CHECKS: tuple[Ask, ...] = (
    declares_its_protocols,
    loads_the_same_twice,
    names_everything_once,
    stays_within_its_catalogue,
    tells_turns_as_they_were,
    keeps_its_splits_apart,
    counts_its_targets,
    seals_what_it_knows,
    says_what_is_missing,
    needs_no_network,
)


def _corpus(bench: Bench, protocol: str) -> Corpus:
    if protocol not in bench.kept:
        bench.kept[protocol] = _load(bench, protocol)[0]
    return bench.kept[protocol]


def _load(bench: Bench, protocol: str) -> tuple[Corpus, Seen]:
    """The corpus; where its files are missing nothing can be asked of it."""
    given = bench.target.data_dir
    root = data_root(Path(given) if given else None)
    try:
        return _read(bench, protocol, root)
    except DataError as error:
        raise NotAskedError(f"{error.message}") from error


def _read(bench: Bench, protocol: str, root: Path) -> tuple[Corpus, Seen]:
    seed = int(getattr(bench.options, "seed", 0))
    with watching() as seen, bench.guard():
        corpus = bench.part.make().load(protocol, root, seed)
    demand(isinstance(corpus, Corpus), f"load returns {type(corpus).__name__}, not a Corpus")
    return corpus, seen


def _corpora(bench: Bench) -> list[tuple[str, Corpus]]:
    """What each protocol loads whose files are there; NotAskedError where there are none of any."""
    found: list[tuple[str, Corpus]] = []
    missing: NotAskedError | None = None
    for protocol in bench.part.make().protocols:
        try:
            found.append((protocol, _corpus(bench, protocol)))
        except NotAskedError as reason:
            missing = reason
    if not found and missing is not None:
        raise missing
    return found


def _splits(corpus: Corpus) -> list[tuple[str, Split]]:
    return [("train", corpus.train), ("valid", corpus.valid), ("test", corpus.test)]


def _rows(corpus: Corpus) -> Iterator[tuple[str, Row]]:
    return ((name, row) for name, split in _splits(corpus) for row in split.rows)


def _dialogues(corpus: Corpus) -> Iterator[Dialogue]:
    return (one for _, split in _splits(corpus) for one in split.dialogues)


def _turns(corpus: Corpus) -> Iterator[tuple[str, Turn]]:
    for one in _dialogues(corpus):
        for turn in one.turns:
            yield f"dialogue {one.id}", turn
    for name, row in _rows(corpus):
        for turn in row.state.history:
            yield f"{name} row {row.id}", turn
