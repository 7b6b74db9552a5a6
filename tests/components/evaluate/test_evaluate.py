import json
import math
import shutil
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from models import write_dataset, write_model

from components.errors import UserError
from components.evaluate.evaluate import evaluate
from components.evaluate.evaluation import scalars
from components.files import sha256_of_file


@pytest.fixture
def run(dataset, tmp_path):
    def run(model, **champion):
        return evaluate(
            dataset, model, tmp_path / "evaluation.json", tmp_path / "page.html", **champion
        )

    return run


def test_figures_by_hand(run, make_model):
    result = run(make_model("model"))
    assert result.num_test_images == 10
    assert result.accuracy == 0.9
    assert result.accuracy_interval == (
        pytest.approx(0.5958, abs=5e-5),
        pytest.approx(0.9821, abs=5e-5),
    )
    assert result.confusion_matrix == [[5, 0, 0], [1, 3, 0], [0, 0, 1]]
    assert result.macro_precision == pytest.approx((5 / 6 + 1 + 1) / 3)
    assert result.macro_recall == pytest.approx((1 + 3 / 4 + 1) / 3)
    assert result.macro_f1 == pytest.approx((10 / 11 + 6 / 7 + 1) / 3)
    sure, unsure = math.exp(4) / (math.exp(4) + 2), 1 / (math.exp(4) + 2)
    assert result.loss == pytest.approx(-(9 * math.log(sure) + math.log(unsure)) / 10, rel=1e-6)
    assert result.expected_calibration_error == pytest.approx(sure - 0.9, rel=1e-5)


def test_figures_of_each_class(run, make_model):
    ant, bee, cat = run(make_model("model")).per_class
    assert (bee.name, bee.precision, bee.recall, bee.support) == ("bee", 1, 0.75, 4)
    assert (ant.support, cat.support) == (5, 1)
    # Ant: the five are tied with the mislabelled one, above the other four: (4 + 1/2) / 5.
    assert ant.auc == pytest.approx(0.9)
    assert cat.auc == 1


def test_a_class_without_test_images_is_left_out_of_the_macro_figures(make_model, tmp_path):
    names = ["ant", "bee", "cat"]
    images = np.eye(3, dtype=np.uint8)[[0, 0, 0, 1]] * 255
    labels = np.array([0, 0, 1, 1], np.uint8)
    dataset = write_dataset(tmp_path / "untested", images, labels, [1, 3], names)
    paths = (tmp_path / "evaluation.json", tmp_path / "page.html")
    result = evaluate(dataset, make_model("model"), *paths)
    assert result.macro_precision == pytest.approx((2 / 3 + 1) / 2)
    assert result.macro_recall == pytest.approx((1 + 1 / 2) / 2)
    assert result.macro_f1 == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert (result.per_class[2].name, result.per_class[2].support) == ("cat", 0)
    page = paths[1].read_text()
    assert "Classes without test images" in page
    assert page.count('<td class="number">\u2013</td>') == 4  # an en dash


def test_the_mistake_is_named(run, make_model):
    (mistake,) = run(make_model("model")).most_confident_mistakes
    assert (mistake.image, mistake.label, mistake.prediction) == (5, 1, 0)
    assert mistake.probability == pytest.approx(math.exp(4) / (math.exp(4) + 2), rel=1e-6)


def test_evaluation_json_holds_the_figures_and_says_of_what(run, make_model, dataset, tmp_path):
    model = make_model("model")
    result = run(model)
    document = json.loads((tmp_path / "evaluation.json").read_text())
    assert document == json.loads(json.dumps(asdict(result)))
    assert document["accuracy_interval"] == list(result.accuracy_interval)
    assert document["dataset_fingerprint"] == dataset.fingerprint
    assert document["model_digest"] == sha256_of_file(model / "model.json")
    assert document["champion"] is None


def test_what_kfp_gets_is_finite_and_plain(run, make_model):
    result = run(make_model("model", answers=(1, 2, 0)))  # always wrong but once
    figures = scalars(asdict(result))
    numbers = [*figures.values(), *result.roc.fpr, *result.roc.tpr, *result.roc.thresholds]
    assert all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
    assert all(type(count) is int for row in result.confusion_matrix for count in row)
    assert figures["num_test_images"] == 10
    assert figures["accuracy"] == 0.1


def test_only_the_test_split_is_read(run, make_model, dataset):
    for split in ("train", "validation"):
        shutil.rmtree(dataset.path / split)
    assert run(make_model("model")).accuracy == 0.9


def test_champion_is_compared_on_the_same_images(run, make_model):
    # It takes bees for cats and cats for bees: right on the five ants alone.
    champion = make_model("champion", answers=(0, 2, 1))
    result = run(make_model("model"), champion_dir=champion, champion_version=7).champion
    assert result.version == 7
    assert result.model_digest == sha256_of_file(champion / "model.json")
    assert result.accuracy == 0.5
    assert result.difference == pytest.approx(0.4)
    low, high = result.difference_interval
    assert low < 0.4 < high
    assert (result.mcnemar.b, result.mcnemar.c) == (0, 4)
    assert result.mcnemar.p_two_sided == pytest.approx(2 / 16)
    assert result.mcnemar.p_one_sided == 1
    assert result.disagreements == 4
    images = {each.image: each for each in result.most_confident_disagreements}
    assert images.keys() == {6, 7, 8, 9}
    assert (images[9].label, images[9].champion, images[9].challenger) == (2, 1, 2)


def test_a_champion_for_other_classes_is_left_out_with_the_reason(run, make_model, tmp_path):
    champion = make_model("champion", names=["x", "y", "z"])
    result = run(make_model("model"), champion_dir=champion, champion_version=3)
    assert result.accuracy == 0.9
    assert result.champion.version == 3
    assert "x, y, z" in result.champion.skipped
    document = json.loads((tmp_path / "evaluation.json").read_text())
    assert document["champion"]["skipped"] == result.champion.skipped


def test_a_damaged_champion_is_an_error(run, make_model):
    champion = make_model("champion")
    (champion / "model.weights.h5").write_bytes(b"")
    with pytest.raises(UserError, match="champion"):
        run(make_model("model"), champion_dir=champion, champion_version=3)


def test_a_model_for_other_classes_is_refused_and_nothing_is_written(run, make_model, tmp_path):
    with pytest.raises(UserError, match="classes"):
        run(make_model("model", names=["x", "y", "z"]))
    assert not (tmp_path / "evaluation.json").exists()
    assert not (tmp_path / "page.html").exists()


def test_a_model_for_images_of_another_shape_is_refused(run, tmp_path):
    layers = [(np.eye(3, dtype=np.float32), np.zeros(3, np.float32))]
    model = write_model(tmp_path / "model", layers, [3, 1], ["ant", "bee", "cat"])
    with pytest.raises(UserError, match="3x1"):
        run(model)


def test_evaluation_starts_without_the_heavy_libraries():
    code = (
        "import sys, components.evaluate.evaluate as _;"
        "print(sys.modules.keys() & {'tensorflow', 'keras', 'kfp', 'matplotlib'})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout.strip() == b"set()"
