"""A dataset: MultiWOZ-like text files, one turn a line."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_datasets() -> list[Spec]:
    return [Spec("lines", "crs_lines.reader:Lines", summary="text, one turn a line, [items] in brackets")]
