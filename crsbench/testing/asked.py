"""Histories that real conversations hold and that a plugin may never have met."""

from __future__ import annotations

from crsbench.types import Mention, State, Turn

EMPTY = State(())
UNKNOWN = State(
    (
        Turn("user", "I liked The Unheard-of One by Nobody", (Mention("The Unheard-of One"),)),
        Turn("system", "I do not know it. What else?"),
        Turn("user", "Anything by A. N. Other", (Mention("A. N. Other"), Mention("A. N. Other"))),
    )
)
SCRIPTS = State(
    (
        Turn("user", "你好！我喜欢《千与千寻》，还有 Амели 🎬🍿"),
        Turn("system", "مرحبا\u200f — naïve? e\u0301 \u00a0\t\n"),
        Turn("user", ""),
        Turn("user", " \U0001f469\u200d\U0001f469\u200d\U0001f467 ‮<item> [/b] \\u0000 ${x} %s"),
    )
)
LONG = State(tuple(Turn(("user", "system")[n % 2], f"turn {n} goes on and on " * 5) for n in range(80)))
ODD = (EMPTY, UNKNOWN, SCRIPTS, LONG)
