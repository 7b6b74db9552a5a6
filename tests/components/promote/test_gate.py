from fractions import Fraction
from itertools import product
from math import comb

import pytest

from components.errors import UserError
from components.promote.gate import decide
from components.promote.policy import Policy


def evaluation(accuracy=0.98, b=None, c=None):
    champion = None if b is None else {"version": 3, "mcnemar": {"b": b, "c": c}}
    return {"accuracy": accuracy, "champion": champion}


def tail(b, c):
    """P(at least b heads in b + c throws of a fair coin), in exact fractions."""
    return sum(Fraction(comb(b + c, k), 2 ** (b + c)) for k in range(b, b + c + 1))


def test_the_first_model_above_the_floor_is_promoted():
    assert decide(evaluation(), Policy()).outcome == "promoted"


@pytest.mark.parametrize(("accuracy", "outcome"), [(0.9499, "kept"), (0.95, "promoted")])
def test_the_floor(accuracy, outcome):
    assert decide(evaluation(accuracy), Policy(min_accuracy=0.95)).outcome == outcome


def test_kept_exactly_when_significantly_worse():
    for b, c in product(range(12), repeat=2):
        outcome = decide(evaluation(b=b, c=c), Policy()).outcome
        assert outcome == ("kept" if tail(b, c) < Fraction(5, 100) else "promoted"), (b, c)


def test_improvement_means_significantly_better():
    policy = Policy(require_improvement=True)
    for b, c in product(range(12), repeat=2):
        outcome = decide(evaluation(b=b, c=c), policy).outcome
        assert outcome == ("promoted" if tail(c, b) < Fraction(5, 100) else "kept"), (b, c)


def test_a_stricter_level_keeps_less():
    # 8 against 1: p = 10 / 512, about 0.0195.
    assert decide(evaluation(b=8, c=1), Policy(significance=0.02)).outcome == "kept"
    assert decide(evaluation(b=8, c=1), Policy(significance=0.019)).outcome == "promoted"


def test_a_champion_that_cannot_be_compared_stays():
    skipped = {"accuracy": 0.99, "champion": {"version": 3, "skipped": "it knows 26 classes"}}
    decision = decide(skipped, Policy())
    assert decision.outcome == "kept"
    assert "26 classes" in decision.reason


@pytest.mark.parametrize("values", [{"min_accuracy": 1.1}, {"significance": 0.0}])
def test_a_policy_that_makes_no_sense_is_refused(values):
    with pytest.raises(UserError, match=next(iter(values))):
        Policy(**values)
