"""The whole thing as a process: a plain script against the pipeline, steps, pages and all."""

import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from results import ROUNDS, median, ratio, table

_SCRIPT = (sys.executable, str(Path(__file__).with_name("plain_keras.py")))
_PIPELINE = (sys.executable, "-m", "pipelines.cli", "run")


def whole_run() -> str:
    """Import, load, fit and evaluate against snapshot, prepare, train, evaluate and promote."""
    seconds = defaultdict(list)
    with tempfile.TemporaryDirectory() as unchanged:
        for _ in range(2):  # the second run compares with the champion that the first one made
            _seconds(_PIPELINE, unchanged)
        for number in range(ROUNDS):
            print(f"whole run: round {number + 1} of {ROUNDS}", file=sys.stderr)
            with tempfile.TemporaryDirectory() as folder:
                seconds["script"].append(_seconds(_SCRIPT, folder))
                seconds["pipeline"].append(_seconds((*_PIPELINE, "--no-cache"), folder))
            seconds["again"].append(_seconds(_PIPELINE, unchanged))
    titles = {
        "script": "plain script: import, load, `fit`, evaluate",
        "pipeline": "`mnist-pipeline run --no-cache`, every step and page",
        "again": "`mnist-pipeline run` when nothing has changed",
    }
    rows = [
        (title, median(seconds[name]), ratio(seconds["script"], seconds[name]))
        for name, title in titles.items()
    ]
    return table(("the whole thing", "time", "times faster"), rows)


def _seconds(command: tuple[str, ...], folder: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start
