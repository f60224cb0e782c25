"""Boards as JSON values: `leaderboard.json`, and what the page is made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crsbench.leaderboard.boards import Board
from crsbench.leaderboard.lines import FINAL, Cell, Line, Measure, score
from crsbench.leaderboard.records import Record, fixed, spelled

SCHEMA = 1
DECIMALS = 5
FIELDS = ("value", "low", "high", "n", "seeds_low", "seeds_high", "rank")
Json = dict[str, Any]


def document(tables: Sequence[Json]) -> str:
    """`leaderboard.json`, from what `board_json` makes of each board."""
    texts = ",\n".join(spelled(table).rstrip() for table in tables)
    return f'{{"schema":{SCHEMA},"boards":[\n{texts}\n]}}\n'


def board_json(board: Board, root: Path) -> Json:
    """A board: `cells` of a line stand in the order of its `measures`, each of its `fields`.

    `root` is the folder that paths of records are relative to.
    """
    return {
        "dataset": board.dataset,
        "version": board.version,
        "fingerprint": board.fingerprint,
        "protocol": board.protocol,
        "limit": board.limit,
        "rows": board.lines[0].records[0].record["counts"]["rows"],
        "scenario": board.scenario,
        "fields": FIELDS,
        "main": [board.measures.index(measure) for measure in board.main],
        "measures": [{**one._asdict(), "higher_is_better": board.higher[one]} for one in board.measures],
        "lines": [_line(board, i, root) for i in range(len(board.lines))],
        "reported": [
            {
                **source.model_dump(exclude={"rows", "dataset"}),
                "rows": [row.model_dump() for row in source.rows],
            }
            for source in board.reported
        ],
    }


def _line(board: Board, i: int, root: Path) -> Json:
    line = board.lines[i]
    run, provenance = line.run, line.records[0].record["provenance"]
    return {
        "title": board.titles[i],
        "policy": line.policy,
        "plugin": run["plugin"],
        "passed": line.options,
        "privileged": line.privileged,
        "simulator_in_training": line.met_simulator,
        "model": run["model"],
        "device": provenance["device_name"] or provenance["device"],
        "threads": provenance["threads"],
        "seconds": fixed(line.seconds, 1),
        "command": line.command,
        "options": run["options"],
        "records": [_record(one, board.main, root) for one in line.records],
        "cells": [_cell(line, measure, board.ranks[measure][i]) for measure in board.measures],
    }


def _cell(line: Line, measure: Measure, rank: int | None) -> list[float | int | None] | None:
    cell = line.cells.get(measure)
    return None if cell is None else [*_numbers(cell), rank]


def _numbers(cell: Cell) -> list[float | int | None]:
    seeds = cell.over_seeds
    return [
        fixed(cell.value, DECIMALS),
        fixed(cell.low, DECIMALS),
        fixed(cell.high, DECIMALS),
        cell.n,
        *((fixed(seeds.low, DECIMALS), fixed(seeds.high, DECIMALS)) if seeds else (None, None)),
    ]


def _record(record: Record, main: Sequence[Measure], root: Path) -> Json:
    """A record, with the main measures of each of its stages."""
    stages: dict[str, dict[Measure, float]] = {}
    for row in record.record["scores"]:
        measure, one = score(row)
        if measure in main:
            stages.setdefault(one.stage, {})[measure] = fixed(one.value, DECIMALS)
    ordered = sorted(stages, key=lambda stage: stage == FINAL)
    return {
        "id": record.id,
        "seed": record.record["run"]["seed"],
        "path": record.path.relative_to(root).as_posix(),
        "digest": record.digest(),
        "stages": {stage: [stages[stage].get(measure) for measure in main] for stage in ordered},
    }
