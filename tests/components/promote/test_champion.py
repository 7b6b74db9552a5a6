import json

import pytest

from components.errors import UserError
from components.promote import champion


@pytest.fixture
def three(run, store):
    """A store with three versions that served one after the other."""
    run(1)
    run(2, champion=1)
    run(3, champion=2)
    return store


def test_rollback_goes_to_the_champion_before(three):
    assert champion.rollback(three).version == 2
    assert champion.current(three).version == 2
    assert "rolled back from version 3" in champion.current(three).reason


def test_rollback_to_a_version(three):
    assert champion.rollback(three, 1).version == 1
    assert champion.rollback(three).version == 3


def test_rollback_to_the_champion_itself_changes_nothing(three):
    before = champion.current(three)
    assert champion.rollback(three, 3) == before


def test_rollback_to_a_version_that_is_not_there_is_refused(three):
    with pytest.raises(UserError, match="no version 9"):
        champion.rollback(three, 9)
    assert champion.current(three).version == 3


def test_rollback_to_a_damaged_version_is_refused(three):
    folder = three.folder.folder("2")
    generation = folder.read("model.weights.h5").generation
    folder.write_if_generation("model.weights.h5", b"damaged", generation)
    with pytest.raises(UserError, match=r"model\.weights\.h5"):
        champion.rollback(three, 2)
    assert champion.current(three).version == 3


def test_rollback_without_a_past(store, run):
    with pytest.raises(UserError, match="no champion yet"):
        champion.rollback(store)
    run(1)
    with pytest.raises(UserError, match="no champion before"):
        champion.rollback(store)


def test_a_move_from_another_version_than_expected_is_refused(three):
    with pytest.raises(champion.StaleChampionError):
        champion.move(three, 1, expected=2, reason="", attempt="ab")
    assert champion.current(three).version == 3


NO_ZONE = {"version": 3, "since": "2026-11-25T03:00:00", "reason": "", "attempt": "ab"}


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b'{"version": "3"}', b"\xff", json.dumps(NO_ZONE).encode()]
)
def test_a_damaged_pointer_is_named(three, damage):
    generation = three.folder.read("champion.json").generation
    three.folder.write_if_generation("champion.json", damage, generation)
    with pytest.raises(UserError, match=r"champion\.json is damaged.*models rollback VERSION"):
        champion.current(three)


def test_a_pointer_that_was_moved_away_is_made_anew_by_naming_a_version(three):
    three.folder.remove("champion.json")
    with pytest.raises(UserError, match="name a version"):
        champion.rollback(three)
    assert champion.rollback(three, 2).version == champion.current(three).version == 2


def test_the_time_never_goes_back(three, monkeypatch):
    since = [champion.current(three).since]
    since.append(champion.rollback(three).since)
    since.append(champion.rollback(three).since)
    assert since == sorted(set(since))
