"""The configuration of a run: validated once, frozen afterwards. A file gives way to the command line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from crsbench.errors import UsageError, nearest
from crsbench.options import Options as Options
from crsbench.options import complaint


def _names(value: object) -> object:
    """ "a,b" as the command line gives it → ["a", "b"]."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class RunConfig(BaseModel):
    """Everything that `crsbench run` takes. None means: what the policy or the dataset declares.

    `options` holds what was passed with `-o`, unparsed and with dotted keys (see `options.resolve`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plugin: str
    dataset: str = "synthetic"
    protocol: str | None = None
    model: str = "tiny"
    options: Mapping[str, Any] = Field(default_factory=dict)
    signals: Names | None = None
    labels: str | None = None
    reward: str | None = None
    metrics: Names | None = None
    simulator: str | None = None
    seed: int = Field(default=0, ge=0, lt=2**32)
    seeds: int | None = Field(default=None, ge=1)
    out: Path = Path("runs")
    data_dir: Path | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    if_exists: Literal["resume", "skip", "replace"] = "resume"
    limit: int | None = Field(default=None, ge=1)
    plugins_dir: Path | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any], file: Path | None = None) -> RunConfig:
        """Validate what was given, over what a TOML file says. Raises UsageError in one line."""
        values = _read(file) if file is not None else {}
        options = {**flat(values.get("options", {})), **flat(given.get("options") or {})}
        values |= {key: value for key, value in given.items() if value is not None}
        values["options"] = options
        unknown = next((key for key in values if key not in cls.model_fields), None)
        if unknown is not None:
            where = f"{file}: " if file is not None and unknown not in given else ""
            raise UsageError(f"{where}unknown setting {unknown!r}", nearest(unknown, cls.model_fields))
        if "plugin" not in values:
            raise UsageError("which policy? --plugin is missing", "crsbench plugins lists what there is")
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            said = complaint(cls, error, name=f"--{name.replace('_', '-')}")
            raise UsageError(said.removesuffix(" or none")) from error

    def for_seed(self, seed: int) -> RunConfig:
        """The same run with one seed."""
        return self.model_copy(update={"seed": seed, "seeds": None})

    @property
    def data_root(self) -> Path:
        """`--data-dir`, else CRSBENCH_DATA, else the user's cache folder."""
        return data_root(self.data_dir)

    def to_toml(self) -> str:
        """A file for `--config` that makes the same run again; what is None is left out."""
        import tomlkit

        values = self.model_dump(mode="json", exclude_none=True)
        options = values.pop("options")
        document = tomlkit.document()
        for key, value in values.items():
            document.add(key, value)
        table = tomlkit.table()
        for key, value in options.items():
            # TOML has no null; the word is read back as one (see `options.parse`).
            table.add(key, "none" if value is None else value)
        document.add("options", table)
        return tomlkit.dumps(document)


def data_root(given: Path | None = None) -> Path:
    """Where data is looked for: what was given, else CRSBENCH_DATA, else the user's cache folder."""
    if given is not None:
        return given
    if environment := os.environ.get("CRSBENCH_DATA"):
        return Path(environment)
    import platformdirs

    return platformdirs.user_cache_path("crsbench") / "data"


def flat(options: Mapping[str, Any]) -> dict[str, Any]:
    """Nested tables as dotted keys: {"sft": {"epochs": 3}} → {"sft.epochs": 3}."""
    found: dict[str, Any] = {}
    for key, value in options.items():
        if isinstance(value, Mapping):
            inner = flat(cast("Mapping[str, Any]", value))
            found |= {f"{key}.{name}": deep for name, deep in inner.items()}
        else:
            found[key] = value
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--config: {file} cannot be read: {reason}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--config: {file}: {error}") from error
    if not isinstance(values.get("options", {}), dict):
        raise UsageError(f"--config: {file}: options is not a table")
    return values
