from dataclasses import replace

import numpy as np
import pytest
from html_outline import assert_well_made

from components.evaluate import report
from components.evaluate.comparison import mcnemar
from components.evaluate.evaluate import summarize
from components.evaluate.evaluation import Comparison, SkippedChampion


@pytest.fixture
def evaluation(dataset):
    test = dataset.read("test")
    logits = test.images / np.float32(255) * 4
    return summarize(logits, test.labels, dataset, "d" * 64)


@pytest.fixture
def page_of(tmp_path):
    def page_of(evaluation):
        images = np.zeros((evaluation.num_test_images, 1, 3), np.uint8)
        report.write(tmp_path / "page.html", evaluation, images)
        return (tmp_path / "page.html").read_text()

    return page_of


def compared(b, c):
    return Comparison(4, "d" * 64, 0.5, (c - b) / 1000, (-0.1, 0.1), mcnemar(b, c), b + c, [])


def test_heat_map_measures_right_answers_by_class_and_mistakes_by_the_most_frequent():
    assert report.heat_map_shares(np.array([[3, 1], [4, 4]])) == [[0.75, 0.5], [1, 0.5]]


def test_heat_map_of_a_perfect_model_and_an_empty_class():
    assert report.heat_map_shares(np.array([[3, 0], [0, 0]])) == [[1, 0], [0, 0]]


def test_most_frequent_confusions_leave_out_right_answers():
    confusion = np.array([[90, 2, 0], [7, 80, 3], [0, 1, 70]])
    pairs = report.most_frequent_confusions(confusion, limit=3)
    assert pairs == [(1, 0, 7), (1, 2, 3), (0, 1, 2)]


def test_the_most_confused_classes_are_those_of_the_most_mistakes_in_rows_and_columns():
    confusion = np.array([[9, 0, 0, 1], [0, 9, 2, 0], [0, 0, 9, 0], [3, 0, 0, 9]])
    assert report.most_confused_classes(confusion, limit=2) == [0, 3]
    assert report.most_confused_classes(confusion, limit=3) == [0, 1, 3]
    assert report.most_confused_classes(confusion) == [0, 1, 2, 3]


def test_page_shows_the_figures(page_of, evaluation):
    page = page_of(evaluation)
    assert_well_made(page)
    assert "90.00\N{NO-BREAK SPACE}%" in page
    assert "59.58\N{NO-BREAK SPACE}% to 98.21\N{NO-BREAK SPACE}%" in page
    assert page.count("<img ") == 1  # the one mistake
    assert "no champion yet" in page


def test_page_of_a_perfect_model(page_of, evaluation):
    perfect = replace(
        evaluation, most_confident_mistakes=[], confusion_matrix=[[5, 0, 0], [0, 4, 0], [0, 0, 1]]
    )
    assert "every test image" in page_of(perfect)


@pytest.mark.parametrize(
    ("b", "c", "verdict", "chance"),
    [
        (30, 5, "worse on these images", "this far behind in less than 0.1\u00a0% of cases"),
        (5, 30, "better on these images", "this far ahead in less than 0.1\u00a0% of cases"),
        (8, 3, "worse on these images", "this far behind in 11.3\u00a0% of cases"),
        (5, 6, "better on these images", "this far ahead in 50.0\u00a0% of cases"),
        (5, 5, "Both are right", "equally often"),
        (0, 0, "Both give", "the same answer to every image"),
    ],
)
def test_verdict_on_the_champion(page_of, evaluation, b, c, verdict, chance):
    page = page_of(replace(evaluation, champion=compared(b, c)))
    assert verdict in page
    assert chance in page


def test_the_chance_in_the_verdict_is_the_one_that_promotion_asks_for():
    assert mcnemar(8, 3).p_of_lead == pytest.approx(mcnemar(8, 3).p_one_sided)
    assert mcnemar(3, 8).p_of_lead == pytest.approx(mcnemar(8, 3).p_one_sided)


def test_powers_of_ten_are_labelled_without_ten_digits():
    rates = (9.999999999999999e-06, 0.1, 1, 10_000)
    assert [report._power_of_ten(rate, 0) for rate in rates] == ["10⁻⁵", "10⁻¹", "1", "10,000"]


def test_skipped_champion_is_named_with_the_reason(page_of, evaluation):
    page = page_of(replace(evaluation, champion=SkippedChampion(4, "it knows other classes")))
    assert "version 4, is not compared: it knows other classes." in page


def test_markup_from_outside_is_text(page_of, evaluation):
    markup = '<img src=x onerror="alert(1)">'
    page = page_of(
        replace(
            evaluation,
            class_names=[markup] * 3,
            per_class=[replace(each, name=markup) for each in evaluation.per_class],
            dataset_fingerprint=markup,
            model_digest=markup,
            champion=SkippedChampion(4, markup),
        )
    )
    assert markup not in page
    assert page.count("&lt;img src=x onerror=&#34;alert(1)&#34;&gt;") > 6
    assert page.count("<img ") == 1


def test_page_stays_small_for_256_classes_and_large_images(dataset, tmp_path):
    rng = np.random.default_rng(0)
    names = tuple(f"class {index}" for index in range(256))
    labels = rng.integers(0, 256, 10_000).astype(np.uint8)
    logits = rng.normal(size=(10_000, 256)).astype(np.float32)
    images = rng.integers(0, 256, (1, 128, 128), np.uint8).repeat(10_000, axis=0)
    evaluation = summarize(logits, labels, replace(dataset, class_names=names), "d" * 64)
    report.write(tmp_path / "page.html", evaluation, images)
    page = (tmp_path / "page.html").read_text()
    assert_well_made(page)
    assert "Of 256 classes, 20 are shown" in page
    assert page.count('class="heat') <= 400
