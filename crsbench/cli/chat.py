"""`crsbench chat`: talk to what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def chat(run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")]) -> None:
    """Talk to what was trained: /why, /top, /undo, /save FILE, /help, /quit."""
    from crsbench.chat.session import Session
    from crsbench.chat.terminal import talk
    from crsbench.cli.output import discover
    from crsbench.reopened import reopened

    talk(Session(reopened(run, discover)))
