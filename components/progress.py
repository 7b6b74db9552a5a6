"""Progress of long work, as lines that read well in a log and that the command line can draw."""

import re
from typing import NamedTuple

_LINE = re.compile(r"^\s*\[(\d+)/(\d+)\] (.*?)\s*$")


class Progress(NamedTuple):
    """One step of long work: how much is done of how much, and what to say about it."""

    done: int
    total: int
    message: str


def report(done: int, total: int, message: str) -> None:
    """Prints a line such as ``[2/5] epoch 2  loss 0.0812`` to standard output."""
    print(f"[{done}/{total}] {message}", flush=True)


def parse(line: str) -> Progress | None:
    """Reads a line that `report` wrote; None if it is any other line."""
    match = _LINE.match(line)
    return Progress(int(match[1]), int(match[2]), match[3]) if match else None
