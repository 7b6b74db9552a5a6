"""Small models and datasets of known content: `from models import write_model, write_dataset`."""

import json
from pathlib import Path

import h5py
import numpy as np

from components.dataset import PreparedDataset, SplitInfo, write_manifest
from components.files import sha256_of_file


def write_weights(file: Path, layers):
    """Writes (kernel, bias) pairs as Keras' `save_weights` does for a stack of dense layers."""
    with h5py.File(file, "w") as weights:
        for index, (kernel, bias) in enumerate(layers):
            name = f"dense_{index}" if index else "dense"
            weights[f"layers/{name}/vars/0"] = kernel
            weights[f"layers/{name}/vars/1"] = bias


def write_model(folder: Path, layers, image_shape, class_names, **changes) -> Path:
    """Writes a model folder; `changes` replace entries of model.json."""
    folder.mkdir(parents=True)
    write_weights(folder / "model.weights.h5", layers)
    manifest = {
        "format": 1,
        "image_shape": image_shape,
        "class_names": class_names,
        "hidden_units": [bias.size for _, bias in layers[:-1]],
        "activation": "relu",
        "files": {"model.weights.h5": sha256_of_file(folder / "model.weights.h5")},
    }
    (folder / "model.json").write_text(json.dumps(manifest | changes))
    return folder


def write_dataset(folder: Path, images, labels, image_shape, class_names) -> PreparedDataset:
    """Writes a prepared dataset whose three splits hold the same images (uint8 [n, pixels])."""
    infos = {}
    for split in ("train", "validation", "test"):
        (folder / split).mkdir(parents=True)
        np.save(folder / split / "images.npy", images)
        np.save(folder / split / "labels.npy", labels)
        infos[split] = SplitInfo(
            count=len(labels),
            images_sha256=sha256_of_file(folder / split / "images.npy"),
            labels_sha256=sha256_of_file(folder / split / "labels.npy"),
            class_counts=tuple(np.bincount(labels, minlength=len(class_names)).tolist()),
            pixel_mean=float(images.mean() / 255),
            pixel_deviation=float(images.std() / 255),
        )
    shape, names = tuple(image_shape), tuple(class_names)
    dataset = PreparedDataset(folder, "digits", (), "f1" * 32, shape, names, infos)
    write_manifest(dataset)
    return dataset
