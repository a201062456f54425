"""Figures that crates/scoring/tests/scoring/campaigns.rs holds the intervals and tests against.

    python3 -m venv /tmp/reference && /tmp/reference/bin/pip install scipy statsmodels
    /tmp/reference/bin/python crates/scoring/tests/scoring/reference/make_campaigns.py > .../campaigns.json
"""
import json

import numpy
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

TABLES = [(12, 100, 25, 100), (0, 10, 3, 10), (5, 5, 0, 5), (1, 1, 1, 1), (130, 900, 31, 100), (45_000, 450_000, 5_900, 50_000),
          (7, 60, 7, 60), (250, 1000, 41, 110)]


def comparison(contact_left, contacts, control_left, controls):
    low, high = confint_proportions_2indep(control_left, controls, contact_left, contacts, method="newcomb", compare="diff")
    wilson = proportion_confint(contact_left, contacts, method="wilson")
    fisher = stats.fisher_exact([[contact_left, contacts - contact_left], [control_left, controls - control_left]])
    return {"contact": [contact_left, contacts], "control": [control_left, controls], "newcombe": [low, high],
            "wilson": list(wilson), "fisher": fisher.pvalue}


def detectable(contacts, controls, rate):
    """By the formula's own definition, solved by scipy instead of by bisection."""
    from scipy.optimize import brentq

    def lacks(effect):
        other = rate - effect
        pooled = (other * contacts + rate * controls) / (contacts + controls)
        under_none = numpy.sqrt(pooled * (1 - pooled) * (1 / contacts + 1 / controls))
        under_effect = numpy.sqrt(other * (1 - other) / contacts + rate * (1 - rate) / controls)
        return stats.norm.ppf(0.975) * under_none + stats.norm.ppf(0.8) * under_effect - effect

    return brentq(lacks, 1e-9, rate)


POWERS = [(900, 100, 0.5), (9_000, 1_000, 0.3), (500, 500, 0.26), (450_000, 50_000, 0.1)]

print(json.dumps({
    "comparisons": [comparison(*table) for table in TABLES],
    "powers": [{"contacts": a, "controls": b, "rate": p, "effect": detectable(a, b, p)} for a, b, p in POWERS],
}, indent=1))
