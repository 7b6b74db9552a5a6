"""Where training runs, in words."""

import logging
import os

from components.train.loop import backend_loop

log = logging.getLogger(__name__)


def describe_device(wants_gpu: bool) -> str:
    """Names the device, says so in the log, and warns if a GPU was expected in vain."""
    gpus = backend_loop().gpu_names()
    device = f"GPU {gpus[0]}" if gpus else f"CPU, {len(os.sched_getaffinity(0))} cores"
    log.info("Training on %s", device)
    if wants_gpu and not gpus:
        log.warning("The recipe is meant for a GPU and there is none: this will take long")
    return device
