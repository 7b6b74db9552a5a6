"""Decides whether a model may serve, and acts, in one step that can be repeated."""

from dataclasses import dataclass
from pathlib import Path

from components.promote import champion
from components.promote.candidate import open_candidate
from components.promote.gate import Outcome, Policy, decide
from components.promote.model_store import ModelStore


@dataclass(frozen=True)
class Promotion:
    """What was done, and why.

    Attributes:
        outcome: ``promoted`` or ``kept``.
        version: The model's version in the store; None if it was not published.
        champion: The version that serves now; None if there is none.
        reason: For people.
    """

    outcome: Outcome
    version: int | None
    champion: int | None
    reason: str


def promote(model: Path, evaluation: Path, store: ModelStore, policy: Policy) -> Promotion:
    """Publishes a model and makes it champion, or keeps the champion.

    A kill at any moment leaves the old champion or the new one, whole. Doing it again with a
    model that was promoted changes nothing and reports what was done the first time, also
    after a rollback.

    Args:
        model: The exported model.
        evaluation: What evaluating it wrote, with the comparison with the champion.
        store: Where models are published.
        policy: What is asked of the model.

    Raises:
        StaleChampionError: If the champion is not the one compared with: evaluate again.
        UserError: If a file is missing or damaged, or the store can't be used.
    """
    candidate = open_candidate(model, evaluation)
    serving = champion.current(store)
    if first := champion.first_time(store, candidate.attempt):
        return Promotion(
            "promoted", first.version, serving.version if serving else None, first.reason
        )
    decision = decide(candidate.evaluation, policy)
    if decision.outcome == "kept":
        return Promotion("kept", None, serving.version if serving else None, decision.reason)
    compared = candidate.evaluation["champion"]
    expected = compared["version"] if compared else None
    champion.require(store, expected)  # before a version is published in vain
    version = store.publish(candidate)
    champion.move(store, version, expected, decision.reason, candidate.attempt)
    return Promotion("promoted", version, version, decision.reason)
