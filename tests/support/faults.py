"""How the tests of reliability are tried, named and checked."""

import os
from typing import Any

import pytest

from components.dense_model import load_model
from components.promote import champion
from components.promote.model_store import ModelStore

TRIES = int(os.environ.get("TRIES", "2"))


def fault(title: str, right: str) -> Any:
    """Names a fault, with ``{parameters}`` of the test, and what the right final state is."""
    return pytest.mark.fault(title, right)


def pick(items: list[Any], number: int) -> Any:
    """The item for this try, so that all tries together are spread over all items."""
    return items[(2 * number + 1) * len(items) // (2 * TRIES) % len(items)]


def serving(store: ModelStore) -> int:
    """The version that serves (0: none), after checking that it and all others are whole."""
    versions = [version.version for version in store.versions()]
    for version in versions:
        with store.at_hand(version) as folder:
            assert load_model(folder).digest == store.version(version).attempt
    now = champion.serving(store)
    assert now in {0, *versions}
    return now
