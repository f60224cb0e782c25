"""Readers of published corpora: ReDial, OpenDialKG, INSPIRED, and the ratings of USS."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_datasets() -> list[Spec]:
    return [
        Spec(
            "redial",
            "crsbench_corpora.redial:ReDial",
            summary="6,924 movies, people who recommend them to each other, with the times of their messages",
        ),
        Spec(
            "opendialkg",
            "crsbench_corpora.opendialkg:OpenDialKG",
            summary="2,965 films and books, dialogues along walks in a graph (iEvaLM's, or official)",
        ),
        Spec(
            "inspired",
            "crsbench_corpora.inspired:Inspired",
            summary="movies, recommended sociably: 1,001 dialogues, official or as prepared for UniCRS",
        ),
        Spec(
            "uss",
            "crsbench_corpora.uss:USS",
            summary="1,000 ReDial dialogues, rated turn by turn: for estimators, nothing to recommend",
        ),
    ]
