"""What users show without being asked, and what it says about their satisfaction."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_signals() -> list[Spec]:
    return [
        Spec(
            "dwell",
            "crsbench_signals.dwell:Dwell",
            "crsbench_signals.options:DwellOptions",
            "How long the user takes to reply, reading time taken out",
        ),
        Spec(
            "sentiment",
            "crsbench_signals.sentiment:Sentiment",
            "crsbench_signals.options:SentimentOptions",
            "How the reply sounds (VADER), titles taken out",
        ),
        Spec(
            "sentiment-later",
            "crsbench_signals.sentiment:LaterSentiment",
            "crsbench_signals.options:LaterSentimentOptions",
            "How much the user complains after the reply (VADER), titles taken out",
        ),
        Spec(
            "engagement",
            "crsbench_signals.engagement:Engagement",
            "crsbench_signals.options:EngagementOptions",
            "Whether the user replies, asks, takes the item up again and stays",
        ),
        Spec(
            "relevance",
            "crsbench_signals.relevance:Relevance",
            "crsbench_signals.options:RelevanceOptions",
            "How well the item fits what the user has said so far",
        ),
    ]


@hookimpl
def crsbench_labels() -> list[Spec]:
    return [
        Spec(
            "latent-class",
            "crsbench_signals.latent_class:LatentClass",
            "crsbench_signals.options:LatentClassOptions",
            "Two latent classes by EM: learns from their agreement how far to trust each signal",
        ),
        Spec(
            "weighted-sum",
            "crsbench_signals.weighted_sum:WeightedSum",
            "crsbench_signals.options:WeightedSumOptions",
            "The sum of the standardised signals, with weights by hand",
        ),
        Spec(
            "majority",
            "crsbench_signals.majority:Majority",
            "crsbench_signals.options:MajorityOptions",
            "Every signal has one vote: is it above its median?",
        ),
    ]
