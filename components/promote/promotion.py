"""Decides whether a model may serve, and acts, in one step that can be repeated."""

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

from components.dataset import open_dataset
from components.promote import champion
from components.promote.candidate import Candidate, open_candidate
from components.promote.champion import StaleChampionError
from components.promote.gate import Outcome, decide
from components.promote.model_store import ModelStore
from components.promote.policy import Policy

log = logging.getLogger(__name__)

_COMPARISONS = 10  # of ten that promote at once, each loses at most nine times


@dataclass(frozen=True)
class Promotion:
    """What was done, and why.

    Attributes:
        outcome: ``promoted`` or ``kept``.
        version: The model's version in the store; None if it was not published.
        champion: The version that serves now; None if there is none.
        reason: For people.
        repeated: Whether an earlier run has done it, so that nothing was left to do.
    """

    outcome: Outcome
    version: int | None
    champion: int | None
    reason: str
    repeated: bool = False


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
    if earlier := _earlier(store, candidate):
        return earlier
    decision = decide(candidate.evaluation, policy)
    if decision.outcome == "kept":
        return Promotion("kept", None, champion.serving(store) or None, decision.reason)
    try:
        version = _publish_and_move(store, candidate, decision.reason)
    except StaleChampionError:
        if earlier := _earlier(store, candidate):  # this very model, promoted by another run
            return earlier
        raise
    return Promotion("promoted", version, version, decision.reason)


def _earlier(store: ModelStore, candidate: Candidate) -> Promotion | None:
    """What a run before this one did with the same model, if it promoted it."""
    first = champion.first_time(store, candidate.attempt)
    if first is None:
        return None
    now = champion.serving(store) or None
    return Promotion("promoted", first.version, now, first.reason, repeated=True)


def _publish_and_move(store: ModelStore, candidate: Candidate, reason: str) -> int:
    compared = candidate.evaluation["champion"]
    expected = compared["version"] if compared else None
    champion.require(store, expected)  # before a version is published in vain
    version = store.publish(candidate)
    champion.move(store, version, expected, reason, candidate.attempt)
    return version


def promote_against_current(
    model: Path, evaluation: Path, dataset: Path, store: ModelStore | None, policy: Policy
) -> Promotion:
    """Promotes as `promote` does; where the comparison is out of date, compares again first.

    Args:
        model: The exported model.
        evaluation: What evaluating it wrote.
        dataset: The prepared dataset whose test images it was evaluated on.
        store: Where models are published; without one, nothing happens.
        policy: What is asked of the model.

    Raises:
        StaleChampionError: If the champion changes faster than models can be compared.
        UserError: If a file is missing or damaged, or the store can't be used.
    """
    if store is None:
        return Promotion("kept", None, None, "no model store was named")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, _COMPARISONS):
            try:
                return promote(model, evaluation, store, policy)
            except StaleChampionError as error:
                log.info("%s", error)
                evaluation = Path(folder) / f"evaluation-{number}.json"
                _compare(model, evaluation, dataset, store)
        return promote(model, evaluation, store, policy)


def _compare(model: Path, evaluation: Path, dataset: Path, store: ModelStore) -> None:
    """Evaluates a model beside the version that serves now."""
    from components.evaluate.evaluate import evaluate

    version = champion.serving(store)
    with champion.at_hand(store, version) as champion_dir:
        evaluate(
            open_dataset(dataset),
            model,
            evaluation,
            evaluation.with_suffix(".html"),
            champion_dir,
            version,
        )
