"""Reference figures of the monitoring's statistics, by numpy, SciPy and scikit-learn:

    pip install numpy scipy scikit-learn && python make_monitoring.py > monitoring.json
"""

import json

import numpy as np
from scipy import special, stats
from sklearn import metrics

random = np.random.default_rng(7)


def tails():
    points = [(0.3, 1), (3.84, 1), (10.0, 4), (55.0, 30), (900.0, 700), (150.0, 19)]
    return {
        "chi_square": [[x, k, float(stats.chi2.sf(x, k))] for x, k in points],
        "normal": [[x, float(stats.norm.sf(x))] for x in (-2.5, 0.0, 0.7, 1.96, 6.0)],
        "kolmogorov": [[x, float(special.kolmogorov(x))] for x in (0.2, 0.5, 0.9, 1.17, 1.19, 1.6, 2.5, 4.0)],
        # The exact distribution for a sample of the effective size, which the correction comes near to.
        "two_sample": [[d, n, m, float(stats.kstwo.sf(d, round(n * m / (n + m))))]
                       for d, n, m in ((0.05, 5000, 800), (0.08, 700, 900), (0.2, 300, 250), (0.02, 5000, 20000))],
    }


def numbers():
    then, now = random.integers(0, 60, 1500), random.integers(8, 70, 700)
    found = stats.ks_2samp(then, now, method="asymp")
    return {"then": then.tolist(), "now": now.tolist(), "statistic": float(found.statistic)}


def categories():
    then, now = [700, 500, 250, 50], [200, 260, 200, 40]
    found = stats.chi2_contingency(np.array([then, now]), correction=False)
    smooth = lambda counts: (np.array(counts) + 0.5) / (sum(counts) + 0.5 * len(counts))
    a, b = smooth(then), smooth(now)
    return {"then": then, "now": now, "statistic": float(found.statistic), "p_value": float(found.pvalue),
            "psi_raw": float(((b - a) * np.log(b / a)).sum()),
            "psi_by_chance": 3 * (1 / sum(then) + 1 / sum(now))}


def delong(scores, labels):
    positives, negatives = scores[labels == 1], scores[labels == 0]
    above = lambda a, b: ((a[:, None] > b[None, :]) + 0.5 * (a[:, None] == b[None, :]))
    kernel = above(positives, negatives)
    return float(np.sqrt(kernel.mean(1).var(ddof=1) / len(positives) + kernel.mean(0).var(ddof=1) / len(negatives)))


def judged():
    p = np.round(random.beta(1.2, 3.0, 900), 4)
    p[:200] = np.round(p[:200], 1)
    y = (random.random(900) < np.clip(p + 0.05, 0, 1)).astype(int)
    flagged = p >= 0.3
    z = ((y - p) * (1 - 2 * p)).sum() / np.sqrt(((1 - 2 * p) ** 2 * p * (1 - p)).sum())
    weights = np.outer(p, 1 - p)
    pairs = weights * ((p[:, None] > p[None, :]) + 0.5 * (p[:, None] == p[None, :]))
    return {"probabilities": p.tolist(), "left": y.tolist(), "threshold": 0.3,
            "auc": float(metrics.roc_auc_score(y, p)), "error": delong(p, y),
            "average_precision": float(metrics.average_precision_score(y, p)),
            "precision": float(metrics.precision_score(y, flagged)),
            "recall": float(metrics.recall_score(y, flagged)),
            "brier": float(metrics.brier_score_loss(y, p)), "z": float(z),
            "z_p_value": float(2 * stats.norm.sf(abs(z))),
            "estimated_auc": float(pairs.sum() / weights.sum())}


print(json.dumps({**tails(), "numbers": numbers(), "categories": categories(), "judged": judged()}))
