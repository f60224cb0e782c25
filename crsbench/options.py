"""Options of plugins: from `-o key=value` to validated values, and from fields to words about them."""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from crsbench.errors import UsageError, nearest


class Options(BaseModel):
    """Base of every plugin's options. Give each field a default, bounds and a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


_ROLES = {
    "dataset": "dataset",
    "labels": "label model",
    "reward": "reward model",
    "simulator": "simulator",
    "signals": "such signal",
    "metrics": "such metric",
}


def assignments(passed: Iterable[str]) -> dict[str, str]:
    """["a=1", "b.c=x"] → {"a": "1", "b.c": "x"}; the last one of equal keys counts."""
    found: dict[str, str] = {}
    for text in passed:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"-o {text}: not of the form key=value", "as in -o sft.epochs=3")
        found[key.strip()] = value.strip()
    return found


def resolve(passed: Mapping[str, Any], targets: Mapping[str, type[Options]]) -> dict[str, Options]:
    """Options for each part of a run from what was passed with dotted keys.

    `targets` maps a prefix to the options that go there: "" is the policy, "dataset", "labels", "reward",
    "simulator" that part, "signals.NAME" and "metrics.NAME" those. Strings are read by the field's type.
    Raises UsageError in one line: an unknown option with the nearest known one, a value that does not fit
    with what is allowed.
    """
    shares: dict[str, dict[str, Any]] = {target: {} for target in targets}
    everywhere = [
        f"{target}.{field.name}".lstrip(".") for target in targets for field in fields(targets[target])
    ]
    for key, value in passed.items():
        target = max((t for t in targets if t and key.startswith(f"{t}.")), key=len, default="")
        role, dot, _ = key.partition(".")
        if not target and dot and role in _ROLES and key not in everywhere:
            raise UsageError(f"option {key!r}: this run has no {_ROLES[role]}", nearest(key, everywhere))
        if target not in shares:
            raise UsageError(f"unknown option {key!r}", nearest(key, everywhere))
        shares[target][key.removeprefix(f"{target}.") if target else key] = value
    return {target: _build(target, model, shares[target], everywhere) for target, model in targets.items()}


def _build(target: str, model: type[Options], share: Mapping[str, Any], everywhere: list[str]) -> Options:
    prefix = f"{target}." if target else ""
    known = {field.name: field for field in fields(model)}
    nested: dict[str, Any] = {}
    for key, value in share.items():
        if key not in known:
            group = [name for name in known if name.startswith(f"{key}.")]
            near = f"a group of options, such as {prefix}{group[0]}" if group else None
            raise UsageError(f"unknown option {prefix + key!r}", near or nearest(prefix + key, everywhere))
        at = nested
        *groups, last = key.split(".")
        for name in groups:
            at = at.setdefault(name, {})
        at[last] = parse(known[key].info.annotation, value)
    try:
        return model.model_validate(nested)
    except ValidationError as error:
        raise UsageError(complaint(model, error, prefix=f"option {prefix}")) from error


@dataclass(frozen=True, slots=True)
class Field:
    """One option under its dotted name; `schema` is its JSON schema."""

    name: str
    info: FieldInfo
    schema: Mapping[str, Any]

    @property
    def allowed(self) -> str:
        """What values it takes, in words: "an integer from 1 to 100", "one of a, b"."""
        return _words(self.schema)

    @property
    def default(self) -> Any:
        """Its default as JSON knows it; None also where there is none."""
        value = None if self.info.is_required() else self.info.get_default(call_default_factory=True)
        return json.loads(json.dumps(value, default=str))


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[Field]:
    """Every option of a model, those of nested models with dotted names."""
    properties = model.model_json_schema().get("properties", {})
    for name, info in model.model_fields.items():
        group = info.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            yield from fields(group, f"{prefix}{name}.")
        else:
            yield Field(prefix + name, info, properties.get(info.alias or name, {}))


def parse(annotation: Any, value: Any) -> Any:
    """A string of the command line made ready for validation; anything else is left as it is.

    "none" is None where the type allows it, "a,b" and '["a", "b"]' are lists where it is one, and a
    choice of numbers is one by its text. Numbers and booleans are pydantic's own to read.
    """
    if not isinstance(value, str):
        return value
    choices = list(_alternatives(annotation))
    if type(None) in choices and value.lower() in ("none", "null", ""):
        return None
    for choice in choices:
        origin = get_origin(choice) or choice
        if origin is Literal:
            for literal in get_args(choice):
                if str(literal).lower() == value.lower():
                    return literal
        elif origin in (list, tuple, set, frozenset):
            inner = next((arg for arg in get_args(choice) if arg is not Ellipsis), str)
            return [parse(inner, part) for part in _parts(value)]
        elif origin is dict and value.startswith("{"):
            return _json(value)
    return value


def _alternatives(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _alternatives(member)
    else:
        yield annotation


def _parts(value: str) -> list[Any]:
    parsed = _json(value) if value.startswith("[") else None
    if isinstance(parsed, list):
        return cast("list[Any]", parsed)
    return [part.strip() for part in value.strip("[]").split(",") if part.strip()]


def _json(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value  # validation will say what is wrong with it


def complaint(model: type[BaseModel], error: ValidationError, name: str = "", prefix: str = "") -> str:
    """The first thing that is wrong, in one line: the option, what was given, what is allowed.

    The option is called `name`, or else by its dotted name after `prefix`.
    """
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    known = {field.name: field for field in fields(model)}
    # The location may go on inside a value ("items", 0): the option is its longest known beginning.
    found = next((f for n in range(len(path), 0, -1) if (f := known.get(".".join(path[:n])))), None)
    reason = first["msg"].removeprefix("Value error, ")
    if found is None:
        return f"{name or prefix or 'options'}: {reason}"
    who = name or prefix + found.name
    said = f", {reason}" if first["type"] == "value_error" else ""
    return f"{who}: {first['input']!r} is not allowed; it takes {found.allowed}{said}"


_TYPES = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "object": "a table",
    "null": "none",
}


def _words(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_words(option) for option in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        inner = cast("Mapping[str, Any]", schema.get("items") or schema.get("prefixItems", [{}])[0])
        return f"a list (a,b), each {_words(inner)}"
    step = f", a multiple of {schema['multipleOf']}" if "multipleOf" in schema else ""
    kind = _TYPES.get(str(schema.get("type")), "any value")
    return " ".join(filter(None, [kind, _bounds(schema)])) + step


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"from {low} to {high}"
    parts = [
        f"of at least {low}" if low is not None else "",
        f"above {schema['exclusiveMinimum']}" if "exclusiveMinimum" in schema else "",
        f"of at most {high}" if high is not None else "",
        f"below {schema['exclusiveMaximum']}" if "exclusiveMaximum" in schema else "",
    ]
    return " and ".join(filter(None, parts))
