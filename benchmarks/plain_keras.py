"""The Keras tutorial as a plain script: what the pipeline is measured against.

.venv/bin/python benchmarks/plain_keras.py
"""

import gzip
from pathlib import Path

import keras
import numpy as np

MNIST = Path(__file__).parents[1] / "components" / "data_prep" / "mnist"


def load(prefix: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads "train" or "t10k": images as float32 [n, 784] from 0 to 1, labels uint8 [n]."""
    images = gzip.decompress((MNIST / f"{prefix}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((MNIST / f"{prefix}-labels-idx1-ubyte.gz").read_bytes())
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784)
    return pixels.astype("float32") / 255, np.frombuffer(labels, np.uint8, offset=8)


def fit(train: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray]) -> object:
    """Trains the tutorial's network as the tutorial does: 5 epochs, batches of 32."""
    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*train, epochs=5, validation_data=validation, verbose=0)
    return model


if __name__ == "__main__":
    test = load("t10k")
    loss, accuracy = fit(load("train"), test).evaluate(*test, verbose=0)
    print(f"accuracy {accuracy:.4f}")
