"""What training runs on, and what a recipe has to give up there."""

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

from components.train.loop import backend_loop
from components.train.recipe import Recipe

log = logging.getLogger(__name__)

# NVIDIA's first generation with bfloat16 products: Ampere.
_BFLOAT16_CAPABILITY = (8, 0)


@dataclass(frozen=True)
class Device:
    """Where the arithmetic happens.

    Attributes:
        name: For people.
        is_gpu: Whether it is a GPU.
        multiplies_bfloat16: Whether its products of bfloat16 are faster than those of float32;
            where they are emulated they are many times slower.
    """

    name: str
    is_gpu: bool
    multiplies_bfloat16: bool


def find_device() -> Device:
    """Finds the first GPU that Keras' backend sees, or else the CPU."""
    for name, capability in backend_loop().gpus():
        return Device(f"GPU, {name}", True, capability >= _BFLOAT16_CAPABILITY)
    flags = _cpu_flags()
    has_bfloat16 = bool({"avx512_bf16", "amx_bf16"} & flags)
    return Device(f"CPU, {os.cpu_count()} cores", False, has_bfloat16)


def adapt(recipe: Recipe, device: Device) -> Recipe:
    """Says in the log what is used, and takes the recipe to float32 where bfloat16 is slow."""
    log.info("Training on %s", device.name)
    if recipe.gpu and not device.is_gpu:
        log.warning("The recipe is meant for a GPU and there is none: this will take long")
    if recipe.dtype == "mixed_bfloat16" and not device.multiplies_bfloat16:
        log.warning("This device has no fast bfloat16: training in float32")
        return replace(recipe, dtype="float32")
    return recipe


def _cpu_flags() -> set[str]:
    """Reads the instruction sets that Linux reports; none elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return {flag for line in lines if line.startswith("flags") for flag in line.split()}
