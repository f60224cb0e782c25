"""`crsbench compare`: paired tests on the same rows."""

from __future__ import annotations

from typing import Annotated

import typer

from crsbench.cli.output import Json, reserved


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN …", help="Folders of finished runs.")],
    as_json: Json = False,
) -> None:
    """Compare runs, paired on the rows and episodes they share.

    Runs that differ in their seed alone are one side; such a side alone has its stages compared.
    """
    with reserved(as_json) as emit:
        from crsbench.cli.tables import comparison
        from crsbench.stats import compare as compared

        found = compared(runs)
        if as_json:
            emit(found.to_dict())
        else:
            comparison(found)
