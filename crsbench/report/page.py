"""A run as one page that needs nothing else: no script, no request, no place of the machine in it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from crsbench.audit import audit
from crsbench.data import limited
from crsbench.errors import CrsbenchError
from crsbench.ledger import note_reading
from crsbench.numbers import number, rank
from crsbench.plugins import Host
from crsbench.record import Run
from crsbench.reopened import Reopened, reopened
from crsbench.report import beliefs, curves, dialogues, facts

TEMPLATE = Path(__file__).with_name("page.html")
Discover = Callable[[Path | None], Host]
READER = "crsbench/report"  # how the ledger of test splits knows who reads


def page(run: Run, discover: Discover) -> str:
    """The page. What needs the run's data, or its policy, and cannot have it says why. Raises DataError."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    stages, sections = facts.scores(run)
    points = curves.read(run)
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        run=run,
        ran=facts.what_ran(run),
        command=facts.command(run),
        options=facts.options(run),
        plugins=facts.plugins(run),
        made=facts.stages(run),
        stages=stages,
        main=_main(sections),
        every=sections,
        absent=facts.absent(run),
        optimisation=_data(curves.optimisation(run, points)),
        users=next((point["users"] for point in points if "users" in point), 0),
        training=_data(curves.training(points)),
        environment=facts.environment(run),
        interval=facts.interval,
        **_looked_up(run, discover),
    )


def _looked_up(run: Run, discover: Discover) -> dict[str, Any]:
    """What is in no record: it takes the run's data and what it trained."""
    opened: Reopened | None = None
    lost: list[str] = []
    try:
        opened = reopened(run.path, discover)
    except CrsbenchError as error:
        lost = [facts.placeless(error.message)]
    told, unexplained = dialogues.shown(dialogues.examples(run), opened)
    by_user: dict[str, list[dict[str, Any]]] = {}
    for one in told:
        values = [(name, number(value)) for name, value in one.values]
        shown = {"stage": one.stage, "turns": one.turns, "turn_values": values}
        by_user.setdefault(one.user, []).append(shown)
    found: dict[str, Any] = {
        "examples": by_user,
        "unexplained": [*lost, *map(facts.placeless, unexplained)],
        **dict.fromkeys(("believed", "believing", "findings"), ()),
        "audited": opened is not None,
        "doubts": lost,
        "unaudited": lost,
    }
    if opened is not None:
        corpus = limited(opened.corpus, run.record["run"]["limit"])
        note_reading(opened.store, opened.plan, corpus, run.id, READER)
        rows, doubts = beliefs.judged(opened, corpus)
        found |= {
            "believed": rows,
            "believing": _data(beliefs.drawn(rows)),
            "doubts": doubts,
            "findings": [one for one in audit(opened.corpus) if one.count],
        }
    return found


def _main(sections: dict[str, list[facts.Line]]) -> dict[str, list[facts.Line]]:
    """All targets, in each metric's first unit."""
    every = [line for lines in sections.values() for line in lines if line.subset == "all"]
    units: dict[str, str] = {}
    for line in every:
        units[line.metric] = min(units.get(line.metric, line.unit), line.unit, key=rank)
    return {
        title: [line for line in lines if line.subset == "all" and line.unit == units[line.metric]]
        for title, lines in sections.items()
    }


def _data(drawn: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pictures as images of their own, so that ids of two do not meet."""
    return [
        (title, "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode())
        for title, svg in drawn
    ]
