import json

import pytest
from candidates import write_candidate

from components.promote import card


@pytest.fixture
def documents(tmp_path):
    model, evaluation = write_candidate(tmp_path, 1, champion=2, right=30, wrong=10)
    return json.loads((model / "model.json").read_text()), json.loads(evaluation.read_text())


def test_the_card_says_what_a_reader_wants_to_know(documents):
    text = card.render("digits", 7, *documents)
    assert text.startswith("# digits, version 7\n")
    for fact in ("f" * 64, "55000", "0.9800, 95 % interval 0.9770 to 0.9830", "Not for"):
        assert fact in text
    assert "| 3 | 0.9700 | 0.9800 | 0.9750 | 1000 |" in text
    assert "| epochs | 3 |" in text
    assert "| keras | 3.15.1 |" in text
    assert "version 2, 95 % interval | +0.0020" in text


def test_names_from_the_data_cannot_become_markup(documents):
    _, evaluation = documents
    evaluation["per_class"][0]["name"] = "<img src=x>|[a](http://b)\n# `c` www.d.e"
    row = next(line for line in card.render("digits", 7, *documents).splitlines() if "img" in line)
    assert row.startswith(r"| \<img src=x\>\|\[a\](http\://b) \# \`c\` www\.d.e | 0.9700 |")
