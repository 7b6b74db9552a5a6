"""Two classifiers on the same images: is the difference more than chance?"""

import math
from dataclasses import dataclass

import numpy as np

from components.evaluate.metrics import Z_95


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact test on the images that exactly one of two models gets right.

    Attributes:
        b: How many only the first model (the champion) gets right.
        c: How many only the second model (the challenger) gets right.
        p_two_sided: Probability of a split at least as uneven if both were equally good.
        p_one_sided: Probability of at least `b` if both were equally good: a small value says
            that the second model is worse than the first.
    """

    b: int
    c: int
    p_two_sided: float
    p_one_sided: float

    @property
    def p_of_lead(self) -> float:
        """Probability, if both were equally good, that the better one leads by at least as much."""
        return self.p_two_sided / 2


def mcnemar(b: int, c: int) -> McNemar:
    """McNemar's test (1947, Psychometrika 12:153) with the binomial distribution, not chi-squared.

    For the opposite one-sided question, swap the arguments.
    """
    two_sided = min(1.0, 2 * _binomial_tail(max(b, c), b + c))
    return McNemar(b, c, two_sided, _binomial_tail(b, b + c))


def difference_interval(b: int, c: int, images: int) -> tuple[float, float]:
    """The 95 % interval of ``(c - b) / images``, the second model's accuracy less the first's.

    Wald's interval for paired proportions after one image more in b and in c (Bonett and Price
    2012, J. Educ. Behav. Stat. 37:479), which keeps its level also for few disagreements.

    Args:
        b: Images that only the first model gets right.
        c: Images that only the second model gets right.
        images: All images that both have seen.
    """
    share_b, share_c = (b + 1) / (images + 2), (c + 1) / (images + 2)
    difference = share_c - share_b
    half = Z_95 * math.sqrt((share_b + share_c - difference**2) / (images + 2))
    return max(-1.0, difference - half), min(1.0, difference + half)


def most_confident_disagreements(
    first: np.ndarray, second: np.ndarray, limit: int = 25
) -> np.ndarray:
    """Finds the images on which two models differ, those of highest joint confidence first.

    Args:
        first: Probabilities of one model, float [n, classes].
        second: Those of the other.
        limit: At most so many.

    Returns:
        int64 [images], indices.
    """
    differ = np.flatnonzero(first.argmax(axis=1) != second.argmax(axis=1))
    confidence = first[differ].max(axis=1) + second[differ].max(axis=1)
    return differ[np.argsort(-confidence, kind="stable")][:limit]


def _binomial_tail(k: int, n: int) -> float:
    """P(X >= k) for X ~ Binomial(n, 1/2), also for n in the millions.

    Sums the smaller tail from its largest term on, which neither overflows nor cancels.
    """
    if 2 * k <= n:
        return 1 - _binomial_tail(n - k + 1, n)
    if k > n:
        return 0.0
    log_first = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
    above = np.arange(k + 1, n + 1)
    return math.exp(log_first) * float(1 + np.cumprod((n - above + 1) / above).sum())
