"""Options of the signals and the label models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from crsbench import Options


class DwellOptions(Options):
    variant: Literal["raw", "normalised", "log-z"] = Field(
        default="normalised",
        description="seconds; ln(seconds / reading time); or ln(seconds) standardised for each user",
    )
    words_per_minute: float = Field(default=240.0, gt=0, le=2000, description="silent reading speed")


class SentimentOptions(Options):
    pass


class EngagementOptions(Options):
    pass


class LatentClassOptions(Options):
    bins: int = Field(default=5, ge=2, le=50, description="a signal with more values is cut at quantiles")
    smoothing: float = Field(
        default=1.0, ge=0, le=1000, description="pseudo-observations per class and signal"
    )
    iterations: int = Field(default=5000, ge=1, le=100_000, description="EM steps at most")
    tolerance: float = Field(default=1e-7, gt=0, le=0.1, description="stop when no parameter moves by more")


class MajorityOptions(Options):
    pass
