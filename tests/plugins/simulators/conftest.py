"""A small library of films, and people who talked about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crsbench.types import Catalog, Dialogue, Item, Mention, Turn

GENRES = ("comedy", "horror", "western", "drama")
STARS = ("Ada Stone", "Bo Reed", "Cleo Marsh", "Dan Field", "Eve Moor", "Fay Glen")
Says = Callable[..., Turn]


@pytest.fixture(scope="session")
def library() -> Catalog:
    """Film n has genre n mod 4 and stars n mod 6 and (n + 1) mod 6; the first two share a director."""
    return Catalog(
        tuple(
            Item(
                f"i{n}",
                f"Movie Part {n}",
                1960 + n,
                {
                    "genre": (GENRES[n % 4],),
                    "star": (STARS[n % 6], STARS[(n + 1) % 6]),
                    "director": (f"Maker Person{max(n, 1)}",),
                },
            )
            for n in range(60)
        )
    )


@pytest.fixture(scope="session")
def says(library: Catalog) -> Says:
    """`says("user", "I liked {}", 3)`: a turn that names film 3; `recommended` as in `Turn`."""

    def say(speaker: str, text: str, *items: int, recommended: tuple[int, ...] = ()) -> Turn:
        titles = [library.items[item].title for item in items]
        text = text.format(*titles)
        spans = [(text.index(title), text.index(title) + len(title)) for title in titles]
        named = tuple(Mention(t, i, s) for t, i, s in zip(titles, items, spans, strict=True))
        return Turn("user" if speaker == "user" else "system", text, named, recommended)

    return say


@pytest.fixture(scope="session")
def dialogues(says: Says) -> tuple[Dialogue, ...]:
    """Forty people: each names a genre, a film and a star, is shown film n, and says that they love it."""
    return tuple(
        Dialogue(
            f"d{n}",
            (
                says("user", f"Hello! I want a {GENRES[n % 4]}."),
                says("system", "What did you like?"),
                says("user", f"I liked {{}}, but I hate {GENRES[(n + 1) % 4]} movies.", (n * 7 + 5) % 60),
                says("system", "Then see {}!", n, recommended=(n,)),
                says("user", f"I love {{}}, it has {STARS[n % 6].lower()} in it.", n),
            ),
        )
        for n in range(40)
    )
