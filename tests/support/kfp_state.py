"""What a Kubeflow Pipelines API server knows: strict about bodies, and told what goes wrong.

Bodies are those of KFP's published API as `kfp_server_api` carries it; one with a field that is
not in it, or of another type, is refused.
"""

import itertools
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from kfp_server_api import models

START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ZERO = "1970-01-01T00:00:00Z"  # what KFP writes for a time that is not there


class Refusal(Exception):  # noqa: N818
    """An answer with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Fault:
    """What goes wrong with requests whose line, such as ``POST /runs``, matches."""

    kind: Literal["status", "cut", "lost", "page"]
    line: str
    times: int = 1
    status: int = 503


@dataclass
class Frame:
    """A run as one look at it shows it; steps not named have not started."""

    state: str
    steps: dict[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass
class KfpServer:
    """The server's state. Tests set it, and look at it.

    Attributes:
        tokens: Tokens that are let in; None lets everybody in.
        story: Frames that looks at a run show, one after the other; the last one stays.
        logs: What pods wrote, by their names.
        page_size: Most items on a page of a list, whatever is asked for.
        on_run: Called with every run that is created.
        most_enabled: How many schedules have been enabled at the same moment.
    """

    url: str = ""
    tokens: set[str] | None = None
    story: list[Frame] = field(default_factory=lambda: [Frame("SUCCEEDED")])
    logs: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    page_size: int = 2
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    experiments: dict[str, dict] = field(default_factory=dict)
    pipelines: dict[str, dict] = field(default_factory=dict)
    versions: dict[str, dict] = field(default_factory=dict)
    runs: dict[str, dict] = field(default_factory=dict)
    recurring: dict[str, dict] = field(default_factory=dict)
    most_enabled: int = 0
    on_run: Callable[[dict], object] = lambda run: None

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._looks: dict[str, int] = {}
        self.lock = threading.RLock()

    def fail(self, kind: str, line: str, times: int = 1, status: int = 503) -> None:
        """Lets something go wrong from now on."""
        self.faults.append(Fault(kind, line, times, status))

    def strike(self, line: str) -> Fault | None:
        """Returns the fault that hits a request, and counts it."""
        for fault in self.faults:
            if fault.times > 0 and re.search(fault.line, line):
                fault.times -= 1
                return fault
        return None

    def new(self, table: dict[str, dict], key: str, body: dict) -> dict:
        """Keeps a thing under a new id, created a second after the one before it."""
        number = next(self._numbers)
        created = START + timedelta(seconds=number)
        thing = {**body, key: f"{key.removesuffix('_id')}-{number}", "created_at": _time(created)}
        table[thing[key]] = thing
        return thing

    def count_enabled(self) -> None:
        """Notes how many schedules are enabled now."""
        now = sum(run["mode"] == "ENABLE" for run in self.recurring.values())
        self.most_enabled = max(self.most_enabled, now)

    def show(self, run: dict) -> dict:
        """Returns a run as the next look sees it."""
        look = self._looks.get(run["run_id"], 0)
        self._looks[run["run_id"]] = look + 1
        frame = self.story[min(look, len(self.story) - 1)]
        ended = frame.state in {"SUCCEEDED", "FAILED", "CANCELED"}
        shown = run | {"state": frame.state, "finished_at": _time(START) if ended else ZERO}
        if frame.error:
            shown["error"] = {"code": 2, "message": frame.error}
        nodes = itertools.chain.from_iterable(
            _nodes(run["run_id"], name, state, number)
            for number, (name, state) in enumerate(frame.steps.items(), start=100)
        )
        return shown | {"run_details": {"task_details": list(nodes)}}


def _nodes(run_id: str, name: str, state: str, number: int) -> Iterator[dict]:
    """The nodes of a step, as Argo's workflow has them: driver, step, and executor below it."""
    cached = state == "CACHED"
    own = "SUCCEEDED" if cached else state
    times = {"start_time": _time(START), "end_time": ZERO}
    if own not in {"RUNNING", "PENDING"}:
        times["end_time"] = _time(START + timedelta(seconds=number))
    workflow = f"mnist-training-{run_id}"
    if state == "UNPREPARED":  # the driver failed, and no more came of it
        pod = f"{workflow}-system-container-driver-{number}"
        driver = {"run_id": run_id, "display_name": f"{name}-driver", "pod_name": pod}
        yield {**driver, "state": "FAILED", **times}
        return
    yield {"run_id": run_id, "display_name": f"{name}-driver", "state": "SUCCEEDED", **times}
    children = [{"pod_name": f"{workflow}-{number}"}]
    yield {"run_id": run_id, "display_name": name, "state": own, "child_tasks": children, **times}
    pod = f"{workflow}-system-container-impl-{number}"
    executor = {"run_id": run_id, "display_name": "executor", "pod_name": pod}
    yield {**executor, "state": "SKIPPED" if cached else own, **times}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def checked(body: Any, kind: str) -> Any:
    """Returns a body that fits a type of the published API; raises Refusal if it does not."""
    if match := re.fullmatch(r"list\[(.*)\]", kind):
        require(isinstance(body, list), f"{body!r} is no list")
        return [checked(item, match[1]) for item in body]
    if match := re.fullmatch(r"dict\(str, (.*)\)", kind):
        require(isinstance(body, dict), f"{body!r} is no object")
        return {key: checked(value, match[1]) for key, value in body.items()}
    model = getattr(models, kind, None)
    if model is None:
        plain = {"str": str, "bool": bool, "int": int, "object": object, "datetime": str}
        require(isinstance(body, plain[kind]), f"{body!r} is no {kind}")
    elif hasattr(model, "allowable_values"):
        require(body in model.allowable_values, f"{body!r} is not in {model.allowable_values}")
    else:
        require(isinstance(body, dict), f"{body!r} is no {kind}")
        types = {model.attribute_map[name]: kind for name, kind in model.openapi_types.items()}
        for key, value in body.items():
            require(key in types, f"unknown field {key!r} in {kind}")
            checked(value, types[key])
    return body


def require(condition: bool, message: str) -> None:
    if not condition:
        raise Refusal(400, message)


def found(table: dict[str, dict], identity: str) -> dict:
    if identity not in table:
        raise Refusal(404, f"{identity} is not found")
    return table[identity]
