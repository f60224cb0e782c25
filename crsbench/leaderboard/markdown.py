"""Boards in Markdown: an overview, and a page for each dataset. Names of strangers are shown as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from crsbench.leaderboard.boards import Board
from crsbench.leaderboard.lines import Cell, Line, Measure
from crsbench.leaderboard.published import Source
from crsbench.numbers import number

RULE = (
    "A rank is one more than the number of rows that are better beyond the 95% interval of the paired "
    "difference: what cannot be told apart from the best shares its rank. The interval is over dialogues, "
    "and over seeds where a row has several."
)
INTERVALS = (
    "Brackets hold the 95% bootstrap interval over dialogues; of several seeds each dialogue's mean is "
    "taken, and ± is the 95% t-interval over seeds."
)
SUBSETS = (
    "A target is new where nothing before named it, else repeated; tail: not of the fifth of the items that "
    "train recommends most; liked: the user said so; clean: neither train nor valid knows its dialogue; "
    "exposed: the logged item was drawn at random."
)
TIME = "Time is that of a run with its stages and its evaluation, on the machine where it ran."
BOUND = "† is handed the scenario's truth: a bound, which has no rank."
MET = "‡ was trained on conversations with the simulator that judges it."
REPORTED = "*reported*: a published number under the protocol named, not measured here; it has no rank."
MISSING = "–"
BACK = "[All datasets](README.md)"  # on every page of a dataset, and nowhere else
INTRODUCTION = """# Leaderboards

{count} rows from {records} records of real runs. Nothing on these pages is typed: `crsbench leaderboard
build` writes them from [records/](records), and `crsbench leaderboard check` fails where a page is not what
the records give, or a record not what its rows give. [index.html](index.html) is the same for a browser: it
sorts, filters, and tests any row against all others. [leaderboard.json](leaderboard.json) is for machines.

The first measure of each board, with the rank in parentheses. On real data that is recall@10 on items that
were *not mentioned before*: repeated ones are found by copying, and stand beside it on the dataset's page. In
a scenario whose truth is known it is the satisfaction of its users.

{table}

{notes}

## A row of your own

`crsbench leaderboard submit RUN` looks at a finished run as a reviewer would: its scores from its rows, the
protocol, the data, and what its training was given. It puts the record where it belongs, and that record is
all that a pull request needs.
"""
_ESCAPES = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_{}[]|~$"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)  # inside of <code> too, which is Markdown as well


def text(said: str) -> str:
    """Any text as itself, on one line; what cannot be seen (and may turn the line around) is a box."""
    seen = "".join(c if c.isprintable() else "\N{WHITE VERTICAL RECTANGLE}" for c in " ".join(said.split()))
    return seen.translate(_ESCAPES)


def code(said: str) -> str:
    """Any text as code."""
    return f"<code>{text(said)}</code>"


def file_name(board: Board) -> str:
    """The page of its dataset."""
    return f"{quote(board.name.replace('/', '--'), safe='@+')}.md"


def heading(board: Board) -> str:
    """dataset, protocol, and what else tells it from others."""
    limit = f", limit {board.limit}" if board.limit else ""
    return f"{board.name}, {board.protocol}{limit}"


def measure_name(measure: Measure, scenario: bool = False) -> str:
    """recall@10 on new items; satisfaction, greedy."""
    subset = (
        "" if measure.subset == "all" and (scenario or measure.unit == "episode") else f", {measure.subset}"
    )
    decoding = f", {measure.decoding}" if measure.decoding else ""
    return f"{measure.metric}{subset}{decoding}"


def overview(boards: Sequence[Board]) -> str:
    """`README.md`: every policy on every board, by the first column of each."""
    shown = [board for board in boards if board.main]
    rows: dict[tuple[str, str, bool], dict[int, str]] = {}
    for number_of, board in enumerate(shown):
        for i, line in enumerate(board.lines):
            key = (line.policy, line.options, line.privileged)
            rows.setdefault(key, {}).setdefault(number_of, _short(board, i))
    links = (f"[{text(heading(b))}]({quote(file_name(b))})<br>{text(measure_name(b.main[0]))}" for b in shown)
    head = ["policy", *links]
    body = [
        [f"{text(policy)}{' †' if bound else ''}{f' {code(options)}' if options else ''}"]
        + [cells.get(i, MISSING) for i in range(len(shown))]
        for (policy, options, bound), cells in sorted(rows.items(), key=lambda one: (one[0][2], one[0]))
    ]
    count = sum(len(board.lines) for board in boards)
    records = sum(len(line.records) for board in boards for line in board.lines)
    bounds = any(bound for _, _, bound in rows)
    return INTRODUCTION.format(
        count=count,
        records=records,
        table=_table(head, body, left=1),
        notes=_notes(f"{MISSING} no record.", RULE, BOUND if bounds else ""),
    )


def dataset_page(boards: Sequence[Board]) -> str:
    """The page of one dataset, a section for each of its boards."""
    parts = [f"# {text(boards[0].name)}", BACK]
    for board in boards:
        parts += _section(board)
    return "\n\n".join(parts) + "\n"


def _section(board: Board) -> list[str]:
    rows = board.lines[0].records[0].record["counts"]["rows"]
    parts = [
        f"## {text(board.protocol)}{f', limit {board.limit}' if board.limit else ''}",
        f"{rows} rows, data `{board.fingerprint}`. {_units(board.main)}",
        _table(
            ["rank", "policy", *(text(measure_name(m)) for m in board.main), "seeds", "time"],
            [*(_row(board, i) for i in range(len(board.lines))), *_reported(board)],
            left=2,
        ),
        _notes(
            SUBSETS,
            INTERVALS,
            RULE,
            TIME,
            BOUND if any(line.privileged for line in board.lines) else "",
            MET if any(line.met_simulator for line in board.lines) else "",
            REPORTED if board.reported else "",
        ),
    ]
    if board.more:
        parts += ["### More measures", _more(board)]
    if board.reported:
        parts += ["### Reported elsewhere", "\n".join(_source(source) for source in board.reported)]
    parts += ["### Records", "\n".join(_records(board))]
    return parts


def _units(measures: Sequence[Measure]) -> str:
    by_unit: dict[str, list[str]] = {}
    for measure in measures:
        by_unit.setdefault(measure.unit, []).append(text(measure_name(measure)))
    if len(by_unit) == 1:
        return f"Means are over {next(iter(by_unit))}s."
    return (
        f"Means are over {'; '.join(f'{unit}s: {chr(44).join(names)}' for unit, names in by_unit.items())}."
    )


def _row(board: Board, i: int) -> list[str]:
    line = board.lines[i]
    rank = board.ranks[board.main[0]][i] if board.main else None
    return [
        str(rank) if rank else "",
        _policy(line),
        *(_full(line.cells.get(measure)) for measure in board.main),
        str(len(line.records)),
        duration(line.seconds),
    ]


def _policy(line: Line) -> str:
    marks = f"{' †' if line.privileged else ''}{' ‡' if line.met_simulator else ''}"
    return f"{text(line.policy)}{marks}{f'<br>{code(line.options)}' if line.options else ''}"


def _reported(board: Board) -> list[list[str]]:
    found: list[list[str]] = []
    for source in board.reported:
        for row in source.rows:
            values = [
                {"all": row.all, "new": row.new}.get(m.subset, {}).get(m.metric)
                if m.unit == source.unit
                else None
                for m in board.main
            ]
            if any(value is not None for value in values):
                cells = [MISSING if value is None else number(value) for value in values]
                name = f"{text(row.name)}, *reported*, {text(source.protocol)}"
                found.append(["", name, *cells, "", ""])
    return found


def _source(source: Source) -> str:
    values: list[str] = []
    for row in source.rows:
        told = [*row.all.items(), *((f"{metric} new", value) for metric, value in row.new.items())]
        values.append(f"  - {text(row.name)}: {', '.join(f'{text(m)} {number(v)}' for m, v in told)}")
    link = f"[doi:{text(source.doi)}](https://doi.org/{quote(source.doi)})"
    about = f"{text(source.title)}. {text(source.citation)}, {link}."
    how = f"Protocol {text(source.protocol)}, by {source.unit}: {text(source.how)}."
    return "\n".join([f"- {about} {how}", *values])


def _more(board: Board) -> str:
    return _table(
        ["policy", *(text(measure_name(m)) for m in board.more)],
        [
            [_policy(line), *(number(c.value) if (c := line.cells.get(m)) else MISSING for m in board.more)]
            for line in board.lines
        ],
        left=1,
    )


def _records(board: Board) -> list[str]:
    """What made each line, and where its records are."""
    found: list[str] = []
    for title, line in zip(board.titles, board.lines, strict=True):
        links = ", ".join(
            f"[{one.id}]({quote(Path('records', *one.path.parts[-4:]).as_posix())})" for one in line.records
        )
        found.append(f"- {text(title)}: {code(line.command)} → {links}")
    return found


def _short(board: Board, i: int) -> str:
    cell, rank = board.lines[i].cells.get(board.main[0]), board.ranks[board.main[0]][i]
    if cell is None:
        return MISSING
    return f"{number(cell.value)} ({rank})" if rank else number(cell.value)


def _full(cell: Cell | None) -> str:
    if cell is None:
        return MISSING
    found = f"{number(cell.value)} [{number(cell.low)}, {number(cell.high)}]"
    if cell.over_seeds:
        found += f" ±{number((cell.over_seeds.high - cell.over_seeds.low) / 2)}"
    return found.replace(" ", "\N{NO-BREAK SPACE}")


def duration(seconds: float) -> str:
    """34 s, 12 min, 3.4 h."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def _notes(*notes: str) -> str:
    return "\n".join(f"- {note}" for note in notes if note)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> str:
    """A table whose first `left` columns are words."""
    rule = ["---" if i < left else "--:" for i in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))
