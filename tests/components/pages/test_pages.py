import base64
import io

import jinja2
import numpy as np
import pytest
from html_outline import assert_well_made, outline
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from components import pages

PAGE = """{% extends "page.html" %}
{% block title %}{{ name }}{% endblock %}
{% block content %}<h2>{{ name }}</h2>{{ chart }}{% endblock %}"""


@pytest.fixture
def render(monkeypatch, tmp_path):
    """Renders a template that the package does not have."""

    def render(template, **context):
        own = jinja2.DictLoader({"test.html": template})
        loader = jinja2.ChoiceLoader([own, pages._ENVIRONMENT.loader])
        monkeypatch.setattr(pages._ENVIRONMENT, "loader", loader)
        pages.render("test.html", tmp_path / "page.html", **context)
        return (tmp_path / "page.html").read_text()

    return render


def make_figure():
    with pages.chart_style():
        figure = Figure()
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=pages.BLUE, label="$x^2$")
        axes.fill_between([0, 1], [0, 1], color=pages.GREEN)
        axes.legend()
        return figure


def decode(uri):
    header, data = uri.split(",")
    assert header == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_page_is_well_made(render):
    charts = [pages.figure_svg(make_figure(), alt) for alt in ("one", "two")]
    html = render(PAGE, name="Digits", chart=Markup("").join(charts))
    assert_well_made(html)
    assert outline(html).tags.count("svg") == 2
    assert "<title>Digits</title>" in html


def test_page_forbids_scripts_and_requests(render):
    assert "default-src 'none'; img-src data:;" in render(PAGE, name="x", chart="")


def test_text_is_escaped(render):
    html = render(PAGE, name="</title><script>alert(1)</script>", chart="<svg onload=alert(1)>")
    tags = outline(html).tags
    assert "script" not in tags
    assert "svg" not in tags


def test_a_name_that_is_missing_is_an_error_and_leaves_the_old_page(render, tmp_path):
    before = render(PAGE, name="x", chart="")
    with pytest.raises(jinja2.UndefinedError):
        pages.render("test.html", tmp_path / "page.html", name="x")
    assert (tmp_path / "page.html").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_filters(render):
    template = '{% extends "page.html" %}{% block title %}{% endblock %}{% block content %}'
    template += (
        "{{ 0.97656 | percent }}|{{ 0.5 | percent(0) }}|{{ 60000 | thousands }}{% endblock %}"
    )
    assert "97.66\N{NO-BREAK SPACE}%|50\N{NO-BREAK SPACE}%|60,000" in render(template)


def test_digit_image_keeps_every_pixel():
    image = np.random.default_rng(0).integers(0, 256, (28, 20), np.uint8)
    np.testing.assert_array_equal(decode(pages.digit_image(image)), image)


def test_digit_image_of_a_view():
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 8), np.uint8)
    np.testing.assert_array_equal(decode(pages.digit_image(images[2, :, ::2])), images[2, :, ::2])


def test_large_image_is_made_smaller_in_proportion():
    assert decode(pages.digit_image(np.zeros((224, 112), np.uint8))).shape == (48, 24)


def test_figure_is_the_same_each_time_and_small():
    first, second = (pages.figure_svg(make_figure(), "a line") for _ in range(2))
    assert first == second
    assert len(first) < 20_000
    assert "<dc:date>" not in first


def test_figure_takes_its_colours_from_the_page():
    svg = pages.figure_svg(make_figure(), "a line")
    assert "var(--first)" in svg
    assert "var(--third)" in svg
    assert "currentColor" in svg
    assert not {"#000000", "#ffffff", pages.BLUE, pages.GREEN} & set(svg.replace(";", " ").split())


def test_figure_shows_names_as_they_are():
    assert ">$x^2$</text>" in pages.figure_svg(make_figure(), "a line")


def test_description_of_a_figure_is_escaped():
    svg = pages.figure_svg(make_figure(), '"><script>alert(1)</script>')
    assert "<script" not in svg
    assert 'aria-label="&#34;&gt;&lt;script&gt;' in svg
