"""Retrieval by BM25: the conversation is the query, an item's document what was said before it in train."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [Spec("bm25", "crs_bm25.policy:Bm25", "crs_bm25.policy:Bm25Options", "BM25 over train contexts")]
