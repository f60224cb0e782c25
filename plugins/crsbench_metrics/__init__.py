"""What a run is scored by: rankings against logs and truth, satisfaction in episodes, coherence of texts."""

from crsbench import Spec, hookimpl

RANKING = {
    "recall@1": ("Recall1", "share of targets that are ranked first"),
    "recall@10": ("Recall10", "share of targets among the first 10"),
    "recall@25": ("Recall25", "share of targets among the first 25"),
    "recall@50": ("Recall50", "share of targets among the first 50"),
    "mrr@10": ("ReciprocalRank10", "1 / rank of the best target, 0 beyond the first 10"),
    "ndcg@10": ("Ndcg10", "discounted gain of the targets among the first 10, against the ideal order"),
}
TRUTH = {
    "truth_ndcg@10": (
        "truth:TruthNdcg10",
        "true utility of the first 10, against the best 10 of the catalogue",
    ),
    "satisfaction": (
        "episodes:Satisfaction",
        "true satisfaction a recommendation turn, mean over an episode",
    ),
    "satisfaction_total": (
        "episodes:SatisfactionTotal",
        "satisfied turns of an episode: leaving early costs",
    ),
    "success_rate": ("episodes:SuccessRate", "share of episodes with at least two satisfied turns"),
}


@hookimpl
def crsbench_metrics() -> list[Spec]:
    made = {name: (f"ranking:{make}", summary) for name, (make, summary) in RANKING.items()} | TRUTH
    return [
        *(Spec(name, f"crsbench_metrics.{make}", summary=summary) for name, (make, summary) in made.items()),
        Spec(
            "coherence_lsa",
            "crsbench_metrics.coherence:CoherenceLsa",
            "crsbench_metrics.options:LsaOptions",
            "cosine of the response and the turns before it, in a latent space of the train dialogues",
        ),
    ]
