"""Follows a run on a cluster to its end.

KFP's own `wait_for_run_completion` neither ends on a run that was cancelled nor tells a run that
failed from one that succeeded.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Any

from pipelines.config import STEPS
from pipelines.connection import Connection
from pipelines.runner_log import Observer, State, Step

INTERVAL = 5.0  # seconds between two looks
PATIENCE = 600.0  # a cluster may be upgraded while a run goes on
LAST_LINES = 20

_ENDED = {"SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"}
_STATES: dict[str, State] = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "CANCELED": "skipped",
    "SKIPPED": "skipped",
}
_DRIVER = "-driver"  # KFP's own pod, which prepares a step's
_EXECUTOR = "executor"  # the pod of a step is a node below the step's


@dataclass
class RemoteRun:
    """A run as it was last seen.

    Attributes:
        state: As KFP names it; "PENDING" before it is known.
        steps: The steps that have started, in the graph's order.
        error: What the server says of a failure; empty if it says nothing.
        log: The last lines that the failed step wrote, if the server still has them.
    """

    state: str = "PENDING"
    steps: list[Step] = field(default_factory=list)
    error: str = ""
    log: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether nothing can change any more."""
        return self.state in _ENDED

    @property
    def failed_step(self) -> Step | None:
        """The step that failed, if one did."""
        return next((step for step in self.steps if step.state == "failed"), None)


def follow(connection: Connection, run_id: str, observer: Observer, timeout: float) -> RemoteRun:
    """Waits until a run has ended or the time, in seconds, is over; the run goes on in any case.

    Raises:
        UserError: If the server refuses, or has not answered for its connection's patience.
    """
    deadline = time.monotonic() + timeout
    seen: dict[str, str] = {}
    while True:
        connection.patience = min(PATIENCE, max(0.0, deadline - time.monotonic()))
        answer = connection.call(methodcaller("get_run", run_id))
        run = _read(answer)
        for step in run.steps:
            _tell(observer, step, seen)
        if run.ended or time.monotonic() >= deadline:
            break
        time.sleep(min(INTERVAL, max(0.0, deadline - time.monotonic())))
    if run.failed_step is not None:
        run.log = _last_lines(connection, run_id, _details(answer), run.failed_step)
    return run


def _tell(observer: Observer, step: Step, seen: dict[str, str]) -> None:
    """Tells what is new since the last look, in which a short step may both start and end."""
    before = seen.get(step.name)
    if before is None and step.state != "cached":
        observer.step_started(step)
    if step.state not in {before, "running"}:
        observer.step_ended(step)
    seen[step.name] = step.state


def _read(answer: Any) -> RemoteRun:
    details = _details(answer)
    return RemoteRun(
        state=str(answer.state or "PENDING"),
        steps=[step for name in STEPS if (step := _step(name, details)) is not None],
        error=next(filter(None, map(_message, (answer, *details))), ""),
    )


def _details(answer: Any) -> list[Any]:
    return (answer.run_details and answer.run_details.task_details) or []


def _step(name: str, details: list[Any]) -> Step | None:
    """A step's state, from the nodes by which KFP shows it: the step's, and its driver's."""
    nodes = {detail.display_name: detail for detail in details}
    node, driver = nodes.get(name), nodes.get(name + _DRIVER)
    if driver is not None and driver.state == "FAILED":
        return Step(name, "failed", _seconds(driver))
    if node is None or node.state in {None, "RUNTIME_STATE_UNSPECIFIED", "PENDING"}:
        return None
    state = _STATES.get(node.state, "running")
    if state == "succeeded" and _was_cached(node, details):
        state = "cached"
    return Step(name, state, _seconds(node))


def _was_cached(node: Any, details: list[Any]) -> bool:
    """Whether the step's pod was skipped, as it is when the cache has what it would make."""
    children = {_hash(child) for child in _children(node)}
    return any(
        detail.state == "SKIPPED" and detail.pod_name and _hash(detail.pod_name) in children
        for detail in details
        if str(detail.display_name).startswith(_EXECUTOR)
    )


def _last_lines(connection: Connection, run_id: str, details: list[Any], failed: Step) -> list[str]:
    """What the failed step's pod wrote, as far as the server can still tell."""
    for pod in _pods(details, failed):
        text = connection.try_once(methodcaller("log", run_id, pod))
        if text is not None:
            return [line for line in text.splitlines() if line.strip()][-LAST_LINES:]
    return []


def _pods(details: list[Any], failed: Step) -> Iterable[str]:
    """Names that the failed pod may have; a run ends with its first failure."""
    for detail in reversed(details):
        if detail.state == "FAILED":
            name = str(detail.display_name)
            if name.startswith(_EXECUTOR) and detail.pod_name:
                yield detail.pod_name
            elif name in {failed.name, failed.name + _DRIVER}:
                yield from filter(None, (*_children(detail), detail.pod_name))


def _children(node: Any) -> list[str]:
    return [child.pod_name for child in node.child_tasks or [] if child.pod_name]


def _hash(pod: str) -> str:
    """The part by which names of a node and of its pod are the same."""
    return pod.rsplit("-", 1)[-1]


def _message(thing: Any) -> str:
    return str(thing.error.message or "").strip() if thing.error else ""


def _seconds(node: Any) -> float:
    if not node.start_time or not node.end_time:
        return 0.0
    # A node that has not ended has KFP's zero time.
    return max(0.0, (node.end_time - node.start_time).total_seconds())
