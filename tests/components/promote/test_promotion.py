import json

import pytest

from components.dense_model import load_model
from components.errors import UserError
from components.promote import champion
from components.promote.champion import StaleChampionError
from components.promote.gate import Policy
from components.promote.model_store import ModelStore
from components.promote.promotion import promote


def serving(store):
    pointer = champion.current(store)
    return pointer.version if pointer else None


def test_the_first_model_is_published_and_becomes_champion(run, store):
    result = run(1)
    assert (result.outcome, result.version, result.champion) == ("promoted", 1, 1)
    assert serving(store) == 1
    assert [version.version for version in store.versions()] == [1]


def test_the_pointer_says_which_since_when_why_and_who(run, store):
    run(1)
    document = json.loads(store.folder.read("champion.json").data)
    assert document.keys() == {"version", "since", "reason", "attempt"}
    assert document["version"] == 1
    assert document["attempt"] == store.version(1).attempt


def test_a_better_model_follows(run, store):
    run(1)
    assert run(2, champion=1, right=40, wrong=10).version == 2
    assert serving(store) == 2


def test_a_worse_model_is_kept_out(run, store):
    run(1)
    result = run(2, champion=1, right=10, wrong=40)
    assert (result.outcome, result.version, result.champion) == ("kept", None, 1)
    assert "significantly worse" in result.reason
    assert [version.version for version in store.versions()] == [1]


def test_a_model_below_the_floor_is_kept_out_also_when_it_is_the_first(run, store):
    result = run(1, accuracy=0.5)
    assert (result.outcome, result.version, result.champion) == ("kept", None, None)
    assert store.folder.children() == []


def test_again_is_a_no_op_that_reports_the_first_result(run, store):
    first = run(1)
    before = store.folder.entries()
    assert run(1) == first
    assert run(1, champion=1, right=0, wrong=0) == first  # the next night, on unchanged data
    assert store.folder.entries() == before


def test_again_after_a_rollback_does_not_undo_the_rollback(run, store):
    run(1)
    run(2, champion=1)
    champion.rollback(store)
    again = run(2, champion=1)
    assert (again.outcome, again.version, again.champion) == ("promoted", 2, 1)
    assert serving(store) == 1


@pytest.mark.parametrize("compared", [None, 1, 3])
def test_a_stale_champion_is_never_overwritten(run, store, compared):
    run(1)
    run(2, champion=1)
    with pytest.raises(StaleChampionError, match="evaluate again"):
        run(5, champion=compared)
    assert serving(store) == 2
    assert [version.version for version in store.versions()] == [1, 2]


def test_a_comparison_with_a_champion_that_is_gone_is_stale(run, store):
    with pytest.raises(StaleChampionError):
        run(1, champion=4)
    assert serving(store) is None


def test_the_loser_of_a_race_keeps_its_version_and_can_try_again(run, store, monkeypatch):
    run(1)
    publish = ModelStore.publish

    def publish_while_another_wins(self, candidate):
        monkeypatch.undo()
        run(3, champion=1)
        return publish(self, candidate)

    monkeypatch.setattr(ModelStore, "publish", publish_while_another_wins)
    with pytest.raises(StaleChampionError):
        run(2, champion=1)
    assert serving(store) == 2
    assert run(2, champion=2).version == 3
    assert serving(store) == 3


def test_an_evaluation_of_another_model_is_refused(run, store, tmp_path):
    run(1)
    other = tmp_path / "candidate-1-None" / "model"
    run(2, champion=1)
    evaluation = tmp_path / "candidate-2-1" / "evaluation.json"
    with pytest.raises(UserError, match="not about the model"):
        promote(other, evaluation, store, Policy())


def test_a_damaged_model_is_never_published(run, store, tmp_path):
    run(1, accuracy=0.5)
    folder = tmp_path / "candidate-1-None"
    (folder / "model" / "model.weights.h5").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"model\.weights\.h5"):
        promote(folder / "model", folder / "evaluation.json", store, Policy(min_accuracy=0))
    assert store.folder.children() == []


def test_what_was_published_can_be_fetched_and_loaded(run, store, tmp_path):
    run(1)
    store.fetch(1, tmp_path / "fetched")
    assert load_model(tmp_path / "fetched").digest == store.version(1).attempt
    assert (tmp_path / "fetched" / "MODEL_CARD.md").read_text().startswith("# digits, version 1")
    assert json.loads((tmp_path / "fetched" / "evaluation.json").read_text())["accuracy"] == 0.98
