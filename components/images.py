"""The image of each component: the one place that names them."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from components.errors import UserError

DATA_PREP = "mnist-pipeline/data-prep"
TRAIN = "mnist-pipeline/train"
EVALUATE = "mnist-pipeline/evaluate"

_NAMES = ("data-prep", "train", "evaluate")
_MOVING = {"", "latest", "main", "master", "stable", "edge", "dev", "nightly"}
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class References(NamedTuple):
    """What a cluster pulls each image by."""

    data_prep: str
    train: str
    evaluate: str


def references(
    registry: str, tag: str = "", digests: Mapping[str, str] | None = None
) -> References:
    """Returns references that mean the same bytes for ever.

    Args:
        registry: What stands before an image's name, such as ``registry.example/team``.
        tag: The tag of every image without a digest.
        digests: Digest (``sha256:…``) by image name: data-prep, train, evaluate.

    Raises:
        UserError: If a tag moves or is missing, or a tag, digest or image name is malformed.
    """
    pins = digests or {}
    if unknown := pins.keys() - set(_NAMES):
        raise UserError(
            f"There is no image {', '.join(sorted(unknown))}; there are {', '.join(_NAMES)}."
        )
    return References(*(_reference(f"{registry}/{name}", tag, pins.get(name)) for name in _NAMES))


def _reference(image: str, tag: str, digest: str | None) -> str:
    if digest is not None:
        if not _DIGEST.fullmatch(digest):
            raise UserError(f"{digest!r} is no digest of {image}: sha256: and 64 hex digits.")
        return f"{image}@{digest}"
    if tag in _MOVING:
        raise UserError(
            f"{image} has {f'the tag {tag!r}, which moves' if tag else 'no tag'}: Kubeflow caches "
            "steps by the name of their image, and would reuse results of older code; name a "
            "release's tag or the image's digest."
        )
    if not _TAG.fullmatch(tag):
        raise UserError(f"{tag!r} is no image tag: letters, digits, '.', '_' and '-' make one.")
    return f"{image}:{tag}"
