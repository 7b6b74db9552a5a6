"""Trains a recipe with some seeds and says how many test images it gets wrong.

.venv/bin/python benchmarks/recipe.py strong 3          make bench-strong
.venv/bin/python benchmarks/recipe.py record 1          make bench-record, on a GPU
"""

import sys
import tempfile
from statistics import mean

from results import table, write
from training import dataset, recipe_named, train


def errors(name: str, seeds: int) -> str:
    """Errors of single passes with the last step's weights, and with their average apart."""
    rows = []
    recipe = recipe_named(name)
    with tempfile.TemporaryDirectory() as folder:
        data = dataset(folder)
        test = data.read("test")
        for seed in range(seeds):
            print(f"{name}: seed {seed + 1} of {seeds}", file=sys.stderr)
            network, seconds = train(data, recipe, seed)
            single = 1 - network.evaluate(test.images, test.labels)[1]
            if recipe.ema_momentum:
                network.optimizer.finalize_variable_values(network.model.trainable_variables)
            rows.append((seconds, single, 1 - network.evaluate(test.images, test.labels)[1]))
    means = tuple(map(mean, zip(*rows, strict=True)))
    shown = [*zip(map(str, range(seeds)), rows, strict=True), ("mean", means)]
    heading = (f"`{name}`, seed", "training", "test error", "test error, averaged weights")
    return table(heading, [(s, f"{t:.0f} s", f"{a:.2%}", f"{b:.2%}") for s, (t, a, b) in shown])


if __name__ == "__main__":
    write(sys.argv[1], [errors(sys.argv[1], int(sys.argv[2]))])
