"""Time and memory as the data grows: MNIST once, 4 and 16 times, each copy shifted by a pixel."""

import gzip
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

import numpy as np
from plain_keras import MNIST
from results import ROUNDS, ratio, table

_TIMES = (1, 4, 16)

# Each in a process of its own, for its own peak of memory; what is imported is not timed.
_MEASURE = """
import json, re, sys, time
from pathlib import Path
from components.data_prep.prepare import prepare
from components.data_prep.sources import fingerprint
step, source, output = sys.argv[1], sys.argv[2], Path(sys.argv[3])
if step == "train":
    from components.train.trainer import train
start = time.perf_counter()
if step == "prepare":
    prepare(source, fingerprint(source), 5000, 0, output / "data")
else:
    train(output / "data", "fast", {}, 0, output / "model", output / "page.html")
seconds = time.perf_counter() - start
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps([seconds, peak]))
"""


def growth() -> str:
    """Prepare and train on 60,000, 240,000 and 960,000 images."""
    seconds, peaks = defaultdict(list), defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        sources = {times: _source(Path(folder) / f"raw-{times}", times) for times in _TIMES}
        for number in range(ROUNDS):
            print(f"growth: round {number + 1} of {ROUNDS}", file=sys.stderr)
            for times, source in sources.items():
                for step in ("prepare", "train"):
                    took, peak = _measure(step, source, Path(folder) / f"out-{times}")
                    seconds[step, times].append(took)
                    peaks[step, times].append(peak)
    rows = [
        (
            f"{step}, {60_000 * times:,} images",
            f"{median(seconds[step, times]):.2f} s",
            ratio(seconds[step, times], [times * each for each in seconds[step, 1]]),
            f"{median(peaks[step, times]):.0f} MB",
        )
        for step in ("prepare", "train")
        for times in _TIMES
    ]
    return table(("growth", "time", "time per image, against 60,000", "peak memory"), rows)


def _measure(step: str, source: Path, output: Path) -> list[float]:
    command = [sys.executable, "-c", _MEASURE, step, str(source), str(output)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _source(folder: Path, times: int) -> Path:
    """Writes unpacked IDX files: the training images so many times, the test images once."""
    folder.mkdir()
    for path in MNIST.glob("t10k-*.gz"):
        (folder / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    images, labels = (
        gzip.decompress((MNIST / f"train-{kind}-ubyte.gz").read_bytes())
        for kind in ("images-idx3", "labels-idx1")
    )
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28)
    for number in range(times):
        shift = (number % 4 - 2, number // 4 - 2) if number else (0, 0)
        shifted = np.roll(pixels, shift, axis=(1, 2)).tobytes()
        (folder / f"batch{number:02d}-images-idx3-ubyte").write_bytes(images[:16] + shifted)
        (folder / f"batch{number:02d}-labels-idx1-ubyte").write_bytes(labels)
    return folder
