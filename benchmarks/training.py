"""Training alone, and the arithmetic in it."""

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import plain_keras
import tensorflow as tf
from results import ROUNDS, accuracy, median, ratio, table

from components import progress
from components.data_prep.prepare import prepare
from components.data_prep.sources import fingerprint
from components.dataset import PreparedDataset, Split
from components.train.device import adapt, find_device
from components.train.feed import Feed
from components.train.fit import fit
from components.train.loop import backend_loop
from components.train.model import Network, build_network
from components.train.recipe import Recipe, resolve
from components.train.schedule import learning_rates, shuffled_order

Times = dict[str, list[float]]


def dataset(folder: str) -> PreparedDataset:
    """Prepares MNIST, 5,000 images of it for validation."""
    path = Path(folder)
    return prepare("mnist", fingerprint("mnist"), 5000, 0, path / "data")


def train(data: PreparedDataset, recipe: Recipe, seed: int) -> tuple[Network, float]:
    """Trains as the train step does; returns the network and the seconds, files already read."""
    images, validation = data.read("train"), data.read("validation")
    start = time.perf_counter()
    network = build_network(recipe, data.image_shape, data.num_classes, seed)
    fit(network, recipe, Feed(images), validation, seed)
    return network, time.perf_counter() - start


def recipe_named(name: str) -> Recipe:
    """A recipe as this device can do it."""
    return adapt(resolve(name, {}), find_device())


def training_alone() -> str:
    """A plain `fit` against the recipes, on the same images, compilation included."""
    seconds: Times = defaultdict(list)
    correct: Times = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        data = dataset(folder)
        splits = {name: _as_floats(data.read(name)) for name in data.splits}
        test = data.read("test")
        for seed in range(ROUNDS):
            print(f"training alone: round {seed + 1} of {ROUNDS}", file=sys.stderr)
            keras.utils.set_random_seed(seed)
            start = time.perf_counter()
            plain = plain_keras.fit(splits["train"], splits["validation"])
            seconds["plain"].append(time.perf_counter() - start)
            correct["plain"].append(plain.evaluate(*splits["test"], verbose=0)[1])
            for name in ("tutorial", "fast"):
                network, took = train(data, recipe_named(name), seed)
                seconds[name].append(took)
                correct[name].append(network.evaluate(test.images, test.labels)[1])
    titles = {"plain": "plain `fit` of the tutorial", "tutorial": "`tutorial`", "fast": "`fast`"}
    rows = [
        (
            title,
            median(seconds[name]),
            ratio(seconds["plain"], seconds[name]),
            accuracy(correct[name]),
        )
        for name, title in titles.items()
    ]
    heading = ("training alone", "time", "times faster", f"test accuracy, {ROUNDS} seeds")
    return table(heading, rows)


def arithmetic() -> str:
    """The loop's rate of floating-point operations against that of its matrix products alone."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        data = dataset(folder)
        for name in ("fast", "strong"):
            recipe = recipe_named(name)
            loop, products = _loop(data, recipe), _products(data, recipe)
            rates: Times = defaultdict(list)
            for number in range(ROUNDS):
                print(f"arithmetic of {name}: round {number + 1}", file=sys.stderr)
                rates["loop"].append(loop())
                rates["products"].append(products())
            best = [f"{max(rates[key]) / 1e9:.0f} GFLOP/s" for key in ("loop", "products")]
            rows.append((f"`{name}`", *best, ratio(rates["loop"], rates["products"])))
    heading = ("arithmetic", "loop, best", "matrix products alone, best", "loop / products")
    return table(heading, rows)


def _as_floats(split: Split) -> tuple[np.ndarray, np.ndarray]:
    return split.images.astype("float32") / 255, split.labels


def _sizes(data: PreparedDataset, recipe: Recipe) -> list[int]:
    return [data.num_pixels, *recipe.hidden_units, data.num_classes]


def _operations(sizes: list[int], images: int) -> float:
    """Of all products: forward, for the kernels, and for all inputs but the images."""
    products = [one * other for one, other in pairwise(sizes)]
    return 2.0 * images * (3 * sum(products) - products[0])


def _loop(data: PreparedDataset, recipe: Recipe) -> Callable[[], float]:
    """Returns what measures the rate of an epoch of the compiled loop."""
    network = build_network(recipe, data.image_shape, data.num_classes, 0)
    run_steps = backend_loop().compile_steps(network, recipe.jit_compile)
    split = data.read("train")
    (images, labels, order), *_ = Feed(split).blocks(
        shuffled_order(len(split.labels), recipe.batch_size, 0, 0)
    )
    rates = learning_rates(recipe, len(order), 0)
    work = _operations(_sizes(data, recipe), order.size)
    return _rate(lambda: float(run_steps(images, labels, order, rates)[0]), work)


def _products(data: PreparedDataset, recipe: Recipe) -> Callable[[], float]:
    """Returns what measures the rate of the same products with nothing between them."""
    sizes, batch, steps = _sizes(data, recipe), recipe.batch_size, 100
    dtype = tf.bfloat16 if recipe.dtype == "mixed_bfloat16" else tf.float32
    inputs = [tf.cast(tf.random.normal((batch, size)), dtype) for size in sizes[:-1]]
    kernels = [tf.cast(tf.random.normal(pair), dtype) for pair in pairwise(sizes)]

    # Each product goes into the next round of the loop, or it would be optimised away.
    @tf.function(jit_compile=recipe.jit_compile)
    def run() -> Any:
        def step(i: Any, inputs: Any, kernels: Any) -> Any:
            outputs = [x @ kernel for x, kernel in zip(inputs, kernels, strict=True)]
            for_kernels = [
                tf.matmul(x, y, transpose_a=True) for x, y in zip(inputs, outputs, strict=True)
            ]
            for_inputs = [
                tf.matmul(y, kernel, transpose_b=True)
                for y, kernel in zip(outputs[1:], kernels[1:], strict=True)
            ]
            return i + 1, [inputs[0], *for_inputs], for_kernels

        state = tf.constant(0), inputs, kernels
        return tf.while_loop(lambda i, *_: i < steps, step, state, parallel_iterations=1)

    return _rate(lambda: float(run()[2][0][0, 0]), _operations(sizes, batch * steps))


def _rate(work: Callable[[], float], operations: float) -> Callable[[], float]:
    work()  # traces and compiles

    def measure() -> float:
        start = time.perf_counter()
        work()
        return operations / (time.perf_counter() - start)

    return measure


progress.report = lambda done, total, message: None
