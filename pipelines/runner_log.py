"""Follows KFP's local runner by what it writes.

The runner has no callbacks: it prints. This stream takes everything it prints, keeps it
in a log file, and tells an observer when a step starts, progresses and ends.
"""

import io
import re
import time
from dataclasses import dataclass, field
from typing import Literal, Protocol, TextIO

from click import unstyle

from components.progress import Progress, parse

State = Literal["running", "succeeded", "cached", "failed", "skipped"]

_STARTED = re.compile(r"Executing task '([\w-]+)'")
_ENDED = re.compile(r"Task '([\w-]+)' finished with status (SUCCESS|FAILURE)")
_CACHED = re.compile(r"Task '?([\w-]+)'? cache hit(?: \(key=(\w+)\))?")
_LINES_KEPT = 50


@dataclass
class Step:
    """One step of a run.

    Attributes:
        name: The task's name in the graph.
        state: How far it is, or how it ended.
        seconds: How long it took; 0 for a step that did not run.
        lines: The last lines that it wrote.
        cache_key: How the key of what it was reused from begins.
    """

    name: str
    state: State = "skipped"
    seconds: float = 0.0
    lines: list[str] = field(default_factory=list, repr=False)
    cache_key: str = ""


class Observer(Protocol):
    """Whoever wants to see a run go by."""

    def step_started(self, step: Step) -> None:
        """A step's process starts."""

    def step_progressed(self, step: Step, progress: Progress) -> None:
        """A step reported how far it is."""

    def step_ended(self, step: Step) -> None:
        """A step ended; its state says how."""


class RunnerLog(io.TextIOBase):
    """A stream to stand in for standard output while KFP's local runner works."""

    def __init__(self, names: tuple[str, ...], observer: Observer, *outputs: TextIO) -> None:
        """Args: the steps' names in order, who is told, and where the text goes."""
        self.steps = {name: Step(name) for name in names}
        self._observer = observer
        self._outputs = outputs
        self._line = ""
        self._running: Step | None = None
        self._started = 0.0

    def write(self, text: str) -> int:
        """Takes text as it comes; acts on whole lines."""
        for output in self._outputs:
            output.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._read(unstyle(line))
        return len(text)

    def flush(self) -> None:
        """Flushes the outputs."""
        for output in self._outputs:
            output.flush()

    def interrupt(self) -> None:
        """Ends the step that runs, if one does."""
        if self._running is not None:
            self._end(self._running, "failed")

    def _read(self, line: str) -> None:
        if match := _STARTED.search(line):
            self._start(self.steps[match[1]])
        elif match := _CACHED.search(line):
            self.steps[match[1]].cache_key = match[2] or ""
            self._end(self.steps[match[1]], "cached", 0.0)
        elif match := _ENDED.search(line):
            state: State = "succeeded" if match[2] == "SUCCESS" else "failed"
            self._end(self.steps[match[1]], state)
        elif self._running is not None:
            self._hear(self._running, line)

    def _start(self, step: Step) -> None:
        self._started = time.monotonic()
        self._running = step
        step.state = "running"
        step.lines.clear()
        self._observer.step_started(step)

    def _end(self, step: Step, state: State, seconds: float | None = None) -> None:
        self._running = None
        step.state = state
        step.seconds = time.monotonic() - self._started if seconds is None else seconds
        self._observer.step_ended(step)

    def _hear(self, step: Step, line: str) -> None:
        if progress := parse(line):
            self._observer.step_progressed(step, progress)
        if line.strip():
            step.lines.append(line.strip())
            del step.lines[:-_LINES_KEPT]
