"""A trained model through evaluation and the store to TensorFlow, as TF Serving loads it."""

import numpy as np
import pytest
import tensorflow as tf

from components.dataset import open_dataset
from components.dense_model import load_model
from components.evaluate.evaluate import evaluate
from components.promote.model_store import ModelStore
from components.promote.policy import Policy
from components.promote.promotion import promote
from components.train.trainer import train


def test_a_trained_model_is_published_as_tensorflow_serving_reads_it(dataset_dir, tmp_path):
    model, evaluation = tmp_path / "model", tmp_path / "evaluation.json"
    train(dataset_dir, "fast", {"epochs": 2, "batch_size": 32}, 3, model, tmp_path / "train.html")
    dataset = open_dataset(dataset_dir)
    accuracy = evaluate(dataset, model, evaluation, tmp_path / "evaluation.html").accuracy

    store = ModelStore(str(tmp_path / "models"), "digits")
    assert promote(model, evaluation, store, Policy(min_accuracy=accuracy)).version == 1

    images = dataset.read("test").images
    serve = tf.saved_model.load(tmp_path / "models" / "digits" / "1").signatures["serving_default"]
    served = np.asarray(serve(images=tf.constant(images))["probabilities"])
    assert served == pytest.approx(load_model(model).probabilities(images), abs=1e-5)
    assert (served.argmax(axis=1) == dataset.read("test").labels).mean() == accuracy
    assert f"Test accuracy {accuracy:.4f}" in store.read(1, "MODEL_CARD.md").decode()
