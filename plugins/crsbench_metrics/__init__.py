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
    "reward_per_length": (
        "reward_per_length:RewardPerLength",
        "1 for a first item that the user liked, .5 for one only seen, by the scored turns of the dialogue",
    ),
    "satisfaction_predicted": (
        "satisfaction:SatisfactionPredicted",
        "rating 1 to 5 that a reader would give the conversation, from what both do in it",
    ),
}
TEXT = {
    "distinct-2": ("text:Distinct2", "different bigrams of all responses, by the number of their tokens"),
    "distinct-2-response": (
        "text:Distinct2Response",
        "different bigrams by the number of responses, as CRSLab computes it",
    ),
    "repetition": ("text:Repetition", "share of a response's 4-grams that it has said before"),
    "length": ("text:Length", "tokens of a response"),
    "bits_per_byte": ("text:BitsPerByte", "cost of the responses under a byte model fitted on train"),
    "rouge-l": ("text:RougeL", "longest common subsequence of response and logged reply, F1"),
    "bleu": ("text:Bleu", "sacreBLEU against the logged reply, 0 to 100"),
    "consistency": (
        "consistency:Consistency",
        "share of turns that contradict neither the user's refusals and dislikes nor themselves",
    ),
    "consistency_episodes": ("consistency:EpisodeConsistency", "consistency of the turns of an episode"),
}
LISTS = {
    "coverage": ("diversity:Coverage", "share of the catalogue that is among the first 10 of any row"),
    "gini": ("diversity:Gini", "inequality of how often items are among the first 10"),
    "exposure_head": ("diversity:ExposureHead", "share of the first 10 that is popular in train"),
    "exposure_tail": ("diversity:ExposureTail", "share of the first 10 that train recommends less often"),
    "exposure_cold": ("diversity:ExposureCold", "share of the first 10 that train never recommends"),
    "calibration": (
        "diversity:Calibration",
        "divergence of the genres of the first 10 from those that the user spoke of",
    ),
}


@hookimpl
def crsbench_metrics() -> list[Spec]:
    made = {name: (f"ranking:{make}", summary) for name, (make, summary) in RANKING.items()}
    made |= TRUTH | LISTS | TEXT
    return [
        *(Spec(name, f"crsbench_metrics.{make}", summary=summary) for name, (make, summary) in made.items()),
        Spec(
            "coherence_lsa",
            "crsbench_metrics.coherence:CoherenceLsa",
            "crsbench_metrics.options:LsaOptions",
            "cosine of the response and the turns before it, in a latent space of the train dialogues",
        ),
        Spec(
            "coherence",
            "crsbench_metrics.coherence_learnt:Coherence",
            "crsbench_metrics.options:CoherenceOptions",
            "probability that the response continues its context, learnt from the train dialogues",
        ),
    ]
