"""Follows a run on a cluster to its end.

KFP's own `wait_for_run_completion` neither ends on a run that was cancelled nor tells a run that
failed from one that succeeded.
"""

import time
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
        node = driver
    if node is None or node.state in {None, "RUNTIME_STATE_UNSPECIFIED", "PENDING"}:
        return None
    state = _STATES.get(node.state, "running")
    if state == "succeeded" and _was_cached(node, details):
        state = "cached"
    return Step(name, state, _seconds(node))


def _was_cached(node: Any, details: list[Any]) -> bool:
    """Whether the step's pod was skipped, as it is when the cache has what it would make."""
    # A pod has two names, one of them here and one there, with the same hash at their ends.
    hashes = {_hash(child) for child in node.child_tasks or [] if child.pod_name}
    return any(each.state == "SKIPPED" and _hash(each) in hashes for each in _executors(details))


def _last_lines(connection: Connection, run_id: str, details: list[Any], failed: Step) -> list[str]:
    """What the pod that failed wrote, as far as the server can still tell."""
    drivers = [each for each in details if each.display_name == failed.name + _DRIVER]
    for node in (*reversed(_executors(details)), *drivers):
        if node.state == "FAILED" and node.pod_name:
            text = connection.log(run_id, node.pod_name)
            if text is not None:
                return [line for line in text.splitlines() if line.strip()][-LAST_LINES:]
    return []


def _executors(details: list[Any]) -> list[Any]:
    """The nodes of steps' own pods; a step has one for each attempt."""
    return [each for each in details if str(each.display_name).startswith(_EXECUTOR)]


def _hash(node: Any) -> str:
    return str(node.pod_name).rpartition("-")[2]


def _message(thing: Any) -> str:
    return str(thing.error.message or "").strip() if thing.error else ""


def _seconds(node: Any) -> float:
    if not node.start_time or not node.end_time:
        return 0.0
    # A node that has not ended has KFP's zero time.
    return max(0.0, (node.end_time - node.start_time).total_seconds())
