"""The reference part of the plugin guide, from the docstrings: `python -m crsbench.scaffold.reference FILE`.

What stands between the two markers of the file is replaced; a test holds it to what the code says.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from crsbench import hookspecs, protocols
from crsbench.store import write_text

BEGIN, END = "<!-- reference -->", "<!-- /reference -->"


def reference() -> str:
    """Every hook and every protocol, in the order in which they are defined."""
    told = (hookspecs.Spec, hookspecs.RunInfo, hookspecs.StageInfo)
    parts = ["\n## The hooks\n", *map(_hook, _hooks()), "\n", *map(_data, told)]
    return "".join([*parts, "\n## What a plugin gives\n", *map(_protocol, _protocols())])


def refreshed(text: str) -> str:
    """The guide with the reference as the code has it now."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{reference()}\n{END}{rest.split(END)[1]}"


def _hooks() -> Iterator[Any]:
    return (value for name, value in vars(hookspecs).items() if name.startswith("crsbench_"))


def _protocols() -> Iterator[type]:
    for value in vars(protocols).values():
        if inspect.isclass(value) and value.__module__ == protocols.__name__ and _is_protocol(value):
            yield value


def _is_protocol(value: type) -> bool:
    return bool(getattr(value, "_is_protocol", False))


def _hook(hook: types.FunctionType) -> str:
    return _item(f"{hook.__name__}{_call(hook)}", hook)


def _data(kind: type) -> str:
    return f"\n### {kind.__name__}\n\n`{kind.__name__}{_call(kind, returns=False)}`\n\n{_said(kind)}\n"


def _protocol(kind: type) -> str:
    bases = [base.__name__ for base in kind.__bases__ if base is not Protocol and _is_protocol(base)]
    lines = [f"\n### {kind.__name__}{f' ({bases[0]})' if bases else ''}\n"]
    if vars(kind).get("__doc__"):
        lines.append(f"\n{_said(kind)}\n")
    lines += [f"\n- `{name}: {annotation}`" for name, annotation in inspect.get_annotations(kind).items()]
    for name, member in vars(kind).items():
        if isinstance(member, property) and member.fget is not None:
            lines.append(_item(f"{name}: {inspect.get_annotations(member.fget)['return']}", member.fget))
        elif isinstance(member, types.FunctionType) and not name.startswith("_"):
            lines.append(_item(name + _call(member), member))
    return "".join(lines) + "\n"


def _call(function: Callable[..., Any], returns: bool = True) -> str:
    """The signature as a caller sees it."""
    signature = inspect.signature(function)
    given: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in given:
            given.append("*")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        given.append(f"{parameter.name}: {parameter.annotation}{default}")
    if given and given[0].startswith("self: "):
        del given[0]
    return f"({', '.join(given)})" + (f" -> {signature.return_annotation}" if returns else "")


def _item(name: str, member: object) -> str:
    said = _said(member)
    return f"\n- `{name}`" + (f"\n  {' '.join(said.split())}" if said else "")


def _said(member: object) -> str:
    return inspect.cleandoc(getattr(member, "__doc__", None) or "")


if __name__ == "__main__":
    path = Path(sys.argv[1])
    write_text(path, refreshed(path.read_text("utf-8")))
