import json
from dataclasses import replace

import pytest
from candidates import write_candidate
from models import write_dataset
from synthetic import shipped

from components.dense_model import load_model
from components.errors import UserError
from components.promote import champion, promotion
from components.promote.champion import StaleChampionError
from components.promote.model_store import ModelStore, open_store
from components.promote.policy import Policy
from components.promote.promotion import promote, promote_against_current


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
    again = replace(first, repeated=True)
    assert run(1) == again
    assert run(1, champion=1, right=0, wrong=0) == again  # the next night, on unchanged data
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


def test_two_runs_that_promote_the_same_model_at_once_agree(run, store, monkeypatch):
    publish = ModelStore.publish

    def publish_while_the_other_run_does_all(self, candidate):
        monkeypatch.undo()
        assert run(1).version == 1
        return publish(self, candidate)

    monkeypatch.setattr(ModelStore, "publish", publish_while_the_other_run_does_all)
    assert run(1).repeated
    assert [version.version for version in store.versions()] == [1]


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


@pytest.fixture
def digits(tmp_path):
    images, labels = shipped("t10k", 200)
    flat = images.reshape(-1, 784)
    write_dataset(tmp_path / "digits", flat, labels, (28, 28), list("0123456789"))
    return tmp_path / "digits", flat, labels


def test_an_outdated_comparison_is_made_again_before_the_pointer_moves(
    run, store, digits, tmp_path
):
    dataset, images, labels = digits
    run(1)
    outdated = write_candidate(tmp_path / "second", 2, accuracy=0.05)
    result = promote_against_current(*outdated, dataset, store, Policy(min_accuracy=0))
    right = [
        load_model(folder).logits(images).argmax(axis=1) == labels
        for folder in (tmp_path / "candidate-1-None" / "model", outdated[0])
    ]
    alone = [int((one & ~other).sum()) for one, other in (right, right[::-1])]
    assert f"right alone on {alone[1]} test images, wrong alone on {alone[0]}" in result.reason
    assert result.champion == serving(store) == (2 if result.outcome == "promoted" else 1)


def test_a_champion_that_never_holds_still_is_given_up_on(
    run, store, digits, tmp_path, monkeypatch
):
    run(1)
    outdated = write_candidate(tmp_path / "second", 2, champion=9)
    monkeypatch.setattr(
        promotion,
        "_compare",
        lambda model, evaluation, *_: evaluation.write_bytes(outdated[1].read_bytes()),
    )
    with pytest.raises(StaleChampionError):
        promote_against_current(*outdated, digits[0], store, Policy())
    assert serving(store) == 1


def test_without_a_store_nothing_is_promoted(digits, tmp_path):
    result = promote_against_current(
        *write_candidate(tmp_path, 1), digits[0], open_store("", "digits"), Policy()
    )
    assert (result.outcome, result.version, result.champion) == ("kept", None, None)
