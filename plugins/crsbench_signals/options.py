"""Options of the signals and the label models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from crsbench import Options


class DwellOptions(Options):
    variant: Literal["raw", "normalised", "log-z", "two-class"] = Field(
        default="normalised",
        description="seconds; ln(seconds / reading time); ln(seconds) standardised for each user; or the "
        "log-likelihood ratio of two kinds of dwell found by EM",
    )
    words_per_minute: float = Field(default=240.0, gt=0, le=2000, description="silent reading speed")
    family: Literal["gamma", "weibull", "log-normal"] = Field(
        default="log-normal", description="two-class: how each kind of dwell is distributed"
    )


class SentimentOptions(Options):
    variant: Literal["polarity", "compound", "positive", "negative", "shift"] = Field(
        default="polarity", description="what is read off the words"
    )
    turns: Literal["reply", "later", "all"] = Field(
        default="reply", description="the user's reply, their turns after it, or both"
    )


class LaterSentimentOptions(SentimentOptions):
    variant: Literal["polarity", "compound", "positive", "negative", "shift"] = Field(
        default="negative", description="what is read off the words"
    )
    turns: Literal["reply", "later", "all"] = Field(
        default="later", description="the user's reply, their turns after it, or both"
    )


class EngagementOptions(Options):
    variant: Literal["signs", "reply", "length", "question", "again", "stays"] = Field(
        default="signs", description="the share of the four signs, the words of the reply, or one sign alone"
    )


class RelevanceOptions(Options):
    variant: Literal["links", "text"] = Field(
        default="links", description="by what the user names and how they speak of it, or by the words alone"
    )


class LatentClassOptions(Options):
    bins: int = Field(default=5, ge=2, le=50, description="a signal with more values is cut at quantiles")
    monotone: bool = Field(
        default=True, description="more of a signal never means less satisfaction: none can be found to lie"
    )
    smoothing: float = Field(
        default=1.0, ge=0, le=1000, description="pseudo-observations per class and signal"
    )
    starts: Literal["mean-rank", "all"] = Field(
        default="all", description="where EM starts: at the mean rank of the signals, or also at each alone"
    )
    accelerate: bool = Field(default=True, description="SQUAREM steps, or plain EM")
    iterations: int = Field(default=5000, ge=1, le=100_000, description="EM steps at most, for each start")
    tolerance: float = Field(default=1e-7, gt=0, le=0.1, description="stop when no parameter moves by more")


class WeightedSumOptions(Options):
    weights: dict[str, float] = Field(
        default_factory=dict[str, float],
        description="signal → weight, for example {'sentiment': 2}; 1 where none is given",
    )


class MajorityOptions(Options):
    pass
