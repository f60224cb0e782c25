"""Baselines that count: what any learnt recommender has to beat before its numbers mean anything."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [
        Spec(
            "popularity",
            "crsbench_classic.counting:Popularity",
            summary="the items recommended most often in train, whatever is said",
        ),
        Spec(
            "naive-copy",
            "crsbench_classic.counting:NaiveCopy",
            summary="the items that the conversation has already mentioned, newest first",
        ),
        Spec(
            "text-knn",
            "crsbench_classic.text_knn:TextKnn",
            "crsbench_classic.options:TextKnnOptions",
            "what was recommended in train after texts like this one (TF-IDF neighbours)",
        ),
        Spec(
            "entity-knn",
            "crsbench_classic.recalled:EntityKnn",
            summary="what was recommended in train after the same items and entities were named",
        ),
        Spec(
            "kg-links",
            "crsbench_classic.kg_links:KgLinks",
            summary="items linked to what was named, by recency, role and relation; weights chosen on valid",
        ),
        Spec(
            "ease",
            "crsbench_classic.recalled:EasePolicy",
            summary="items that dialogues name together (EASE, closed form)",
        ),
        Spec(
            "hybrid",
            "crsbench_classic.hybrid:Hybrid",
            "crsbench_classic.options:HybridOptions",
            "every counting feature at once, combined by LambdaMART; stopped on valid",
        ),
    ]
