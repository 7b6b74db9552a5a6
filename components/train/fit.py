"""The training loop as Python sees it: one turn per epoch."""

import logging
import math
import time

import numpy as np

from components import progress
from components.dataset import Split
from components.errors import UserError
from components.train.checkpoint import Checkpoint, History
from components.train.feed import Feed
from components.train.loop import RunSteps, backend_loop
from components.train.model import Network
from components.train.recipe import Recipe
from components.train.schedule import learning_rates, shuffled_order

log = logging.getLogger(__name__)


def fit(
    network: Network,
    recipe: Recipe,
    feed: Feed,
    validation: Split,
    seed: int,
    checkpoint: Checkpoint | None = None,
) -> History:
    """Trains the network, from its checkpoint on if it has one.

    Args:
        network: Freshly built; holds the weights of the last step afterwards.
        recipe: The one that the network was built for.
        feed: The training images.
        validation: Images that are only looked at.
        seed: Decides the order of the images.
        checkpoint: Where to keep the state of each epoch.

    Returns:
        One entry per epoch: epoch (from 1), loss, accuracy, val_loss, val_accuracy,
        learning_rate (the highest of the epoch), seconds.

    Raises:
        UserError: The loss is no longer finite, or the checkpoint is of another training.
    """
    history = checkpoint.restore(network) if checkpoint else []
    if history:
        log.info("Continuing after epoch %d of %d", len(history), recipe.epochs)
    run_steps = backend_loop().compile_steps(network, recipe.jit_compile)
    for epoch in range(len(history), recipe.epochs):
        history.append(_run_epoch(network, recipe, feed, validation, seed, epoch, run_steps))
        progress.report(epoch + 1, recipe.epochs, _line(history[-1]))
        if checkpoint:
            checkpoint.save(network, history)
    return history


def _run_epoch(
    network: Network,
    recipe: Recipe,
    feed: Feed,
    validation: Split,
    seed: int,
    epoch: int,
    run_steps: RunSteps,
) -> dict[str, float]:
    start = time.perf_counter()
    order = shuffled_order(feed.count, recipe.batch_size, seed, epoch)
    rates = learning_rates(recipe, len(order), epoch)
    loss, accuracy = _train_epoch(run_steps, feed, order, rates)
    val_loss, val_accuracy = network.evaluate(validation.images, validation.labels)
    # Both, because relu of NaN is 0 in some of TensorFlow's kernels.
    _require_finite(loss + val_loss, epoch, float(rates.max()))
    return {
        "epoch": epoch + 1,
        "loss": loss,
        "accuracy": accuracy,
        "val_loss": val_loss,
        "val_accuracy": val_accuracy,
        "learning_rate": float(rates.max()),
        "seconds": time.perf_counter() - start,
    }


def _train_epoch(
    run_steps: RunSteps, feed: Feed, order: np.ndarray, rates: np.ndarray
) -> tuple[float, float]:
    """Returns mean loss and accuracy while training."""
    losses, hits, done = [], [], 0
    for images, labels, here in feed.blocks(order):
        loss, correct = run_steps(images, labels, here, rates[done : done + len(here)])
        losses.append(float(loss))
        hits.append(int(correct))
        done += len(here)
    return sum(losses) / len(order), sum(hits) / order.size


def _require_finite(loss: float, epoch: int, learning_rate: float) -> None:
    if not math.isfinite(loss):
        raise UserError(
            f"The loss became {loss} in epoch {epoch + 1} at a learning rate of "
            f"{learning_rate:g}; try a tenth of it, or batch_normalization=true."
        )


def _line(entry: dict[str, float]) -> str:
    return (
        f"epoch {entry['epoch']}  loss {entry['loss']:.4f}  accuracy {entry['accuracy']:.2%}  "
        f"val_loss {entry['val_loss']:.4f}  val_accuracy {entry['val_accuracy']:.2%}"
    )
