"""What satisfaction_predicted has learnt from USS: printed by `satisfaction_evidence`."""

INTERCEPT = -0.22446982
WEIGHTS = {
    "sentiment": 0.47677590,
    "enthusiasm": 0.31738769,
    "accepts": 0.16618470,
    "accepted_last": 0.06716795,
    "refuses": -0.51661787,
    "complains": -0.36396513,
    "gives_up": -0.09375259,
    "rephrases": -0.41127907,
    "unanswered": -0.07304079,
    "repeats": -0.39159189,
    "insists": -0.34188758,
    "deflects": -0.20111724,
    "takes_up": 0.13664668,
    "offers": 0.20386095,
}
