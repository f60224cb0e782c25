"""`crsbench chat`: talk to what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def chat(run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")]) -> None:
    """Talk to what was trained: /why, /top, /undo, /save FILE, /help, /quit."""
    from crsbench.cli.chat.session import Session
    from crsbench.cli.chat.terminal import talk
    from crsbench.cli.reopened import reopened

    talk(Session(reopened(run)))
