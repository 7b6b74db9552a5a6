"""The decision whether a model may serve: a pure function of its evaluation and a policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.evaluate.comparison import mcnemar
from components.promote.policy import Policy

Outcome = Literal["promoted", "kept"]


@dataclass(frozen=True)
class Decision:
    """What to do, and why, in words for people."""

    outcome: Outcome
    reason: str


def decide(evaluation: Mapping[str, Any], policy: Policy) -> Decision:
    """Decides whether a model becomes champion.

    The champion stays if the model is significantly worse by McNemar's exact test (one-sided)
    on the images that exactly one of the two gets right. Other things being equal the new
    model wins: it has seen newer data.

    Args:
        evaluation: The content of ``evaluation.json``.
        policy: What is asked of the model.
    """
    accuracy = evaluation["accuracy"]
    if accuracy < policy.min_accuracy:
        return Decision(
            "kept", f"accuracy {accuracy:.4f} is below the floor of {policy.min_accuracy:.4f}"
        )
    champion = evaluation["champion"]
    if champion is None:
        return Decision("promoted", f"the first champion, with accuracy {accuracy:.4f}")
    if "skipped" in champion:
        return Decision(
            "kept",
            f"champion {champion['version']} can't be compared: {champion['skipped']}; give models "
            "of other data a --name of their own",
        )
    return _against(champion, policy)


def _against(champion: Mapping[str, Any], policy: Policy) -> Decision:
    b, c = champion["mcnemar"]["b"], champion["mcnemar"]["c"]
    worse, better = mcnemar(b, c).p_one_sided, mcnemar(c, b).p_one_sided
    compared = (
        f"than champion {champion['version']} (right alone on {c} test images, wrong alone on {b}"
    )
    if worse < policy.significance:
        return Decision("kept", f"significantly worse {compared}; p = {worse:.2g})")
    if better < policy.significance:
        return Decision("promoted", f"significantly better {compared}; p = {better:.2g})")
    if policy.require_improvement:
        return Decision("kept", f"not significantly better {compared}; p = {better:.2g})")
    return Decision("promoted", f"not significantly worse {compared}; p = {worse:.2g})")
