"""What satisfaction_predicted has learnt from USS: printed by `satisfaction_evidence`."""

INTERCEPT = -0.20106797
WEIGHTS = {
    "sentiment": 0.41295300,
    "closes": 0.12637792,
    "enthusiasm": 0.29511054,
    "accepts": 0.14140105,
    "accepted_last": 0.05041604,
    "refuses": -0.50616255,
    "complains": -0.31238007,
    "gives_up": -0.17475321,
    "rephrases": -0.34306229,
    "unanswered": -0.05742465,
    "repeats": -0.32143175,
    "insists": -0.27783737,
    "deflects": -0.17068384,
    "takes_up": 0.10939912,
    "offers": 0.16947347,
}
