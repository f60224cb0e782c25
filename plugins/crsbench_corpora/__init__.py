"""Readers of published corpora: OpenDialKG as prepared for the iEvaLM paper."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_datasets() -> list[Spec]:
    return [
        Spec(
            "opendialkg",
            "crsbench_corpora.opendialkg:OpenDialKG",
            summary="2,965 films and books, dialogues along walks in a graph, as prepared for iEvaLM",
        )
    ]
