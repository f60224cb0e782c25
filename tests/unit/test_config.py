"""The configuration of a run: files, the command line, and the way back to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crsbench.config import RunConfig, data_root
from crsbench.errors import UsageError


def write(folder: Path, text: str) -> Path:
    file = folder / "run.toml"
    file.write_text(text)
    return file


def test_defaults_are_those_of_the_command_line() -> None:
    config = RunConfig.of({"plugin": "sft"})
    assert (config.dataset, config.model, config.seed, config.seeds) == ("synthetic", "tiny", 0, None)
    assert (config.device, config.precision, config.if_exists) == ("auto", "fp32", "resume")
    assert config.out == Path("runs")
    assert config.options == {}


def test_names_come_as_text_or_as_a_list() -> None:
    assert RunConfig.of({"plugin": "p", "signals": "a, b"}).signals == ("a", "b")
    assert RunConfig.of({"plugin": "p", "signals": ["a", "b"]}).signals == ("a", "b")


def test_the_command_line_wins_over_the_file_and_options_are_merged(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        'plugin = "sft"\nseed = 3\nlimit = 9\n'
        '[options]\n"sft.epochs" = 2\nrate = 1\n[options.tiny]\nwidth = 64\n',
    )
    config = RunConfig.of({"seed": 4, "dataset": None, "options": {"rate": "5"}}, file)
    assert (config.plugin, config.seed, config.limit, config.dataset) == ("sft", 4, 9, "synthetic")
    assert config.options == {"sft.epochs": 2, "rate": "5", "tiny.width": 64}


@pytest.mark.parametrize(
    ("given_values", "line"),
    [
        ({}, "which policy? --plugin is missing (crsbench plugins lists what there is)"),
        ({"plugin": "p", "device": "gpu"}, "--device: 'gpu' is not allowed; it takes one of auto, cpu, cuda"),
        ({"plugin": "p", "limit": 0}, "--limit: 0 is not allowed; it takes an integer of at least 1"),
        ({"plugin": "p", "seeds": "x"}, "--seeds: 'x' is not allowed; it takes an integer of at least 1"),
        ({"plugin": "p", "if_exists": "ask"}, "--if-exists: 'ask' is not allowed; it takes one of resume"),
        ({"plugin": "p", "sed": 1}, "unknown setting 'sed' (did you mean 'seed'?)"),
    ],
)
def test_what_is_wrong_is_one_line(given_values: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError) as caught:
        RunConfig.of(given_values)
    assert str(caught.value).startswith(line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('plugin = "p"\nsed = 1', "run.toml: unknown setting 'sed' (did you mean 'seed'?)"),
        ('plugin = "p', "run.toml: "),
        ('plugin = "p"\noptions = 3', "run.toml: options is not a table"),
    ],
)
def test_what_is_wrong_in_a_file_names_it(text: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        RunConfig.of({}, write(tmp_path, text))
    assert line in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--config: .*cannot be read: No such file or directory"):
        RunConfig.of({}, tmp_path / "no.toml")


NAMES = st.text("abcdefgh-_@. \"'\\=[]#ü", min_size=1, max_size=12)
VALUES = st.one_of(
    NAMES, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)
)


@given(
    plugin=NAMES,
    options=st.dictionaries(NAMES, VALUES | st.lists(st.integers(0, 9))),
    signals=st.none() | st.lists(st.text("abc-/", min_size=1, max_size=5), min_size=1).map(tuple),
    seed=st.integers(0, 2**32 - 1),
    limit=st.none() | st.integers(1, 10**6),
)
def test_a_written_configuration_makes_the_same_run(
    plugin: str,
    options: dict[str, Any],
    signals: tuple[str, ...] | None,
    seed: int,
    limit: int | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    config = RunConfig.of(
        {"plugin": plugin, "options": options, "signals": signals, "seed": seed, "limit": limit}
    )
    file = tmp_path_factory.getbasetemp() / "roundtrip.toml"
    file.write_text(config.to_toml(), encoding="utf-8")
    assert RunConfig.of({}, file) == config


def test_none_is_written_as_a_word(tmp_path: Path) -> None:
    config = RunConfig.of({"plugin": "p", "options": {"cap": None}})
    assert RunConfig.of({}, write(tmp_path, config.to_toml())).options == {"cap": "none"}


def test_one_seed_of_several() -> None:
    config = RunConfig.of({"plugin": "p", "seed": 5, "seeds": 3}).for_seed(6)
    assert (config.seed, config.seeds) == (6, None)


def test_where_data_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRSBENCH_DATA", raising=False)
    assert data_root().parts[-2:] == ("crsbench", "data")
    monkeypatch.setenv("CRSBENCH_DATA", "/somewhere")
    assert data_root() == Path("/somewhere")
    assert data_root(Path("/here")) == Path("/here")
    assert RunConfig.of({"plugin": "p", "data_dir": "/there"}).data_root == Path("/there")
