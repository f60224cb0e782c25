"""The seven scenarios: the default, and what each of the others changes in it.

All have the same films (of one size and seed) and the same users with the same luck, so that two scenarios
differ by what is named here and by nothing else.
"""

from __future__ import annotations

from dataclasses import replace

from crsbench_synthetic.scenario import Bait, Scenario

SYNTHETIC = Scenario(name="synthetic", version="1")

# Every signal says less of z.
NOISY = replace(
    SYNTHETIC,
    name="synthetic-noisy",
    asks=(0.24, 0.36),
    leaves=(0.16, 0.09),
    takes_up=(0.24, 0.27),
    flips=0.20,
    neutral=0.30,
    dwell_noise=1.0,
    speed=0.8,
    distracted=0.15,
)

# Sentiment lies: nearly everybody is polite, and hides most of what they dislike.
POLITE = replace(SYNTHETIC, name="synthetic-polite", polite=0.9, hides=0.9)

# Dwell lies: most of it is spent on something else.
DISTRACTED = replace(
    SYNTHETIC,
    name="synthetic-distracted",
    dwell_effect=0.3,
    distracted=0.7,
    distraction_mean=2.0,
    distraction_sd=1.5,
)

# Whoever trusts dwell and questions recommends the items that disappoint. The two agree here for another
# reason than satisfaction, which a label model that takes signals to be independent given z has to survive.
CLICKBAIT = replace(
    SYNTHETIC, name="synthetic-clickbait", bait=Bait(share=0.3, disappoints=2.0, dwell=0.9, asks=0.15)
)

# One item in five has no history: attributes alone say what it is.
COLD = replace(SYNTHETIC, name="synthetic-cold", cold=0.2)

# What was said long ago holds no more.
DRIFT = replace(SYNTHETIC, name="synthetic-drift", drift=0.75)

SCENARIOS = {s.name: s for s in (SYNTHETIC, NOISY, POLITE, DISTRACTED, CLICKBAIT, COLD, DRIFT)}
