"""`crsbench chat`: what is understood, answered, explained and saved; what a pipe gets."""

from __future__ import annotations

import io
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from crsbench_corpora.inspired import Inspired

from crsbench.chat.session import Session
from crsbench.chat.terminal import Talk, talk
from crsbench.chat.typed import Linker
from crsbench.errors import UsageError
from crsbench.reopened import because
from crsbench.types import Action, Catalog, Item, Mention, Reason, Reward, State, Turn

FILMS = Catalog(
    (
        Item("a", "Heat (1995)", 1995, {"director": ("Michael Mann",)}),
        Item("b", "Collateral", 2004, {"director": ("Michael Mann",), "genre": ("crime",)}),
        Item("c", "It", 2017, {"genre": ("horror",)}),
        Item("d", "The Thing", 1982, {"genre": ("horror",)}),
    )
)


class Silent:
    """Ranks the catalogue backwards, says nothing, and explains nothing."""

    def act(self, states, want="ranking", k=50, mask=None, rng=None):  # type: ignore[no-untyped-def]
        allowed = [i for i in range(len(FILMS) - 1, -1, -1) if mask is None or mask[0, i]][:k]
        return [Action(tuple(allowed), tuple(0.0 - n for n in range(len(allowed)))) for _ in states]


class Talking(Silent):
    def act(self, states, want="ranking", k=50, mask=None, rng=None):  # type: ignore[no-untyped-def]
        (action,) = super().act(states, want, k, mask)
        text = f"Try {FILMS.items[action.items[0]].title}!\x1b[2J"
        return [Action(action.items, text=text) if want == "turn" else action]

    def explain(self, states, items):  # type: ignore[no-untyped-def]
        heat = Mention("Heat (1995)", 0)
        return [
            [Reason("how it reads", 2.0), Reason("same director: Michael Mann", 0.5, heat, 0)] for _ in items
        ]


class Judge:
    def score(self, states, actions):  # type: ignore[no-untyped-def]
        return [Reward(0.25) for _ in states]


def session(policy: Any, reward: Any = None) -> Session:
    run = SimpleNamespace(record={"run": {"plugin": "mine/mute", "dataset": "films"}})
    corpus = SimpleNamespace(catalog=FILMS)
    opened: Any = SimpleNamespace(
        run=run, corpus=corpus, policy=policy, reward=reward, asking=lambda *_: nullcontext()
    )
    return Session(opened)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("I saw heat (1995) twice", ["Heat (1995)"]),
        ("I saw Heat twice", ["Heat (1995)"]),
        ("the heat was bad", []),  # one word is a title where it is spelled as one
        ("It was good", []),  # and a common word in quotes only
        ('"It" was good', ["It"]),
        ("the thing by MICHAEL MANN", ["The Thing", "Michael Mann"]),
        ("collateral damage, CRIME", ["crime"]),
        ("", []),
    ],
)
def test_names_are_found_in_what_is_typed(text: str, names: list[str]) -> None:
    found = Linker(FILMS).find(text)
    assert [mention.name for mention in found] == names
    for mention in found:
        assert mention.span is not None
        start, end = mention.span
        assert text[start:end].casefold() in mention.name.casefold()


def test_a_policy_without_words_or_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    here = Talk(session(Silent()))
    assert list(here.answer("hello")) == [
        "I recommend The Thing.",
        *("   1  The Thing  .000", "   2  It  -1.00", "   3  Collateral  -2.00"),
    ]
    with pytest.raises(UsageError, match="mine/mute does not say why"):
        list(here.answer("/why"))
    assert next(here.answer("more")) == "I recommend It."  # nothing twice
    assert list(here.answer("/undo")) == ["  (1 of your turns are left)"]
    assert next(here.answer("more")) == "I recommend It."


def test_reasons_scores_and_the_reward_stand_beside_an_answer() -> None:
    here = Talk(session(Talking(), Judge()))
    said = list(here.answer("I like Heat"))
    assert said[:2] == ["  (understood: Heat (1995))", "Try The Thing! [2J"]  # nothing steers the terminal
    assert said[3] == "      because you mentioned Heat (1995): same director: Michael Mann"
    assert said[-1] == "  R_φ of this turn: .250"
    assert list(here.answer("/why 2")) == [
        "  It",
        "    +2.00  how it reads",
        "    +.500  Heat (1995) was mentioned: same director: Michael Mann",
    ]
    assert len([line for line in here.answer("/top 1") if line.startswith("   1")]) == 1


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("/wy", "there is no /wy (did you mean '/why'?)"),
        ("/top", "nothing was recommended yet"),
        ("/undo", "nothing was said yet"),
        ("/save", "/save takes one file"),
        ("/save 'x", "/save 'x: No closing quotation"),
    ],
)
def test_what_cannot_be_done_is_said(line: str, error: str) -> None:
    with pytest.raises(UsageError) as caught:
        list(Talk(session(Silent())).answer(line))
    assert error in str(caught.value)


def test_what_speaks_for_an_item_names_a_mention_first() -> None:
    heat, mann = Mention("Heat", 0), Mention("Michael Mann")
    state = State((Turn("user", "x"), Turn("system", "y"), Turn("user", "z")))
    about_mann = [Reason("director", 0.4, mann, 1), Reason("", 0.2, mann, 1)]
    some = [Reason("reads well", 3.0), Reason("", 0.7, heat, 0), *about_mann]
    assert because(some, state) == "because you mentioned Heat"
    assert because(some[2:], state) == "because Michael Mann was mentioned: director"
    assert because([some[0], Reason("same genre", -1.0, heat, 0)], state) == "reads well"
    assert because([Reason("", -1.0)], state) is None


def test_a_saved_conversation_is_read_by_the_suites_reader(tmp_path: Path) -> None:
    here = session(Talking())
    here.say("I like Heat")
    here.say("more <b>, please\u2028ok")
    file = tmp_path / "inspired" / "test.jsonl"
    file.parent.mkdir()
    list(Talk(here).answer(f"/save '{file}'"))
    for name in ("train.jsonl", "dev.jsonl"):
        (file.parent / name).write_bytes(file.read_bytes())
    corpus = Inspired().load("official", tmp_path, 0)
    (dialogue,) = corpus.test.dialogues
    assert [(t.speaker, t.text) for t in dialogue.turns] == [(t.speaker, t.text) for t in here.state.history]
    titles = [[corpus.catalog.items[i].id for i in turn.recommended] for turn in dialogue.turns]
    assert titles == [[], ["The Thing"], [], ["It"]]
    assert corpus.catalog.items[dialogue.turns[0].mentions[0].item or 0].id == "Heat (1995)"
    with pytest.raises(UsageError, match="is there already"):
        list(Talk(here).answer(f"/save '{file}'"))


def test_a_pipe_gets_no_prompt_and_no_colour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("hi\n\n/nonsense\n/top 1\n/quit\nnever read\n"))
    talk(session(Silent()))
    out = capsys.readouterr().out
    assert out.startswith("I recommend The Thing.")
    assert "there is no /nonsense" in out
    assert "\033" not in out
    assert ">" not in out
    assert out.count("I recommend") == 1


def test_a_run_is_talked_to_and_interrupted(
    run_cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ("--plugin", "popularity", "-o", "dataset.dialogues=40", "--metrics", "recall@10", "--limit", "9")
    made = run_cli("run", *flags, "--out", str(tmp_path / "runs"), "--json", "--quiet")
    folder = tmp_path / "runs" / json.loads(made.out)["run"]["id"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("hi\n/top\n"))
    done = run_cli("chat", str(folder))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("I recommend ")

    class Interrupted(io.StringIO):
        def __next__(self) -> str:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupted())
    done = run_cli("chat", str(folder))
    assert (done.code, done.err.strip()) == (130, "interrupted")
    assert run_cli("chat", str(tmp_path)).code == 2
