"""The pages in a real browser, at the width of a desk and of a phone, in light and dark.

Pictures of them are left in test-output/.
"""

import base64
import html
import itertools
import time
from pathlib import Path

import numpy as np
import pytest
from chromium import EXECUTABLE
from PIL import Image
from runs import write_comparison, write_run

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium here: apt-get install chromium"),
]

PAGES = ("index", "data", "training", "evaluation", "comparison")
WIDTHS = (1200, 390)
SCHEMES = ("light", "dark")
OUTPUT = Path(__file__).parents[2] / "test-output"
TABLES_WIDER_THAN_THE_PAGE = """[...document.querySelectorAll(".scroll")]
    .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.ariaLabel)"""
CHECKS = (Path(__file__).parent / "page_checks.js").read_text()


@pytest.fixture(
    scope="module",
    params=itertools.product(PAGES, WIDTHS, SCHEMES),
    ids=lambda view: "-".join(map(str, view)),
)
def view(request):
    return request.param


@pytest.fixture(scope="module")
def opened(view, tab, pages):
    name, width, scheme = view
    tab.open(pages / f"{name}.html", width, scheme)
    tab.screenshot(OUTPUT / f"{name}-{width}-{scheme}.png")
    return tab


def test_page_has_no_faults(opened):
    assert opened.evaluate(CHECKS) == {}


def test_page_asks_nothing_of_the_network_and_breaks_no_policy(opened):
    assert [url for url in requested(opened)[1:] if not url.startswith("data:")] == []
    assert opened.happened("Log.entryAdded") == []


def test_page_follows_the_scheme(opened, view):
    colour = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}[view[2]]


@pytest.mark.parametrize("name", PAGES)
def test_sandboxed_frame_shows_the_page_as_it_is(tab, pages, tmp_path, name):
    page = html.escape((pages / f"{name}.html").read_text())
    frame = f'<iframe sandbox srcdoc="{page}" width="1200" height="900" style="border: 0"></iframe>'
    (tmp_path / "frame.html").write_text(f'<meta charset="utf-8"><body style="margin: 0">{frame}')
    tab.open(pages / f"{name}.html", 1200, "light")
    alone = shot(tab, tmp_path)
    tab.open(tmp_path / "frame.html", 1200, "light")
    deadline = time.monotonic() + 10
    while not (same := np.array_equal(shot(tab, tmp_path), alone)) and time.monotonic() < deadline:
        time.sleep(0.1)  # a frame may be painted later than it is loaded
    assert same


def shot(tab, folder):
    """The first screen, uint8 [height, width, 3]."""
    tab.screenshot(folder / "shot.png")
    return np.asarray(Image.open(folder / "shot.png").convert("RGB"))[:900]


def test_the_checks_see_faults(tab, tmp_path):
    (tmp_path / "bad.html").write_text(
        """<!doctype html><meta charset="utf-8"><body style="background: #fff">
        <h2>no h1</h2><h4>h3 left out</h4><p style="width: 3000px">wide</p>
        <p style="color: #bbb">faint</p><img src="data:image/png;base64,AAAA">
        <svg width="90" height="90"><text x="9" y="50">one</text><text x="9" y="52">two</text></svg>
        <img alt="from elsewhere" src="http://127.0.0.1:9/x.png">"""
    )
    tab.open(tmp_path / "bad.html", 390, "light")
    faults = tab.evaluate(CHECKS)
    assert faults.pop("headingsOutOfOrder") == ['<H2 class=""> no h1', '<H4 class=""> h3 left out']
    assert faults.pop("faintText") == ['<P class=""> faint']
    assert faults.pop("overlappingLabels") == ["one / two"]
    assert faults.keys() == {"overflowing", "picturesWithoutText", "brokenPictures"}
    assert "http://127.0.0.1:9/x.png" in requested(tab)


@pytest.mark.parametrize("name", PAGES)
def test_markup_from_outside_is_text(tab, planted, markup, name):
    """Class names, source, store and the run's folder hold an image with a script."""
    tab.open(planted / f"{name}.html", 1200, "light")
    tab.screenshot(OUTPUT / f"planted-{name}.png")
    assert tab.evaluate("document.querySelectorAll('.planted, [onerror], script').length") == 0
    assert tab.happened("Page.javascriptDialogOpening") == []
    assert tab.happened("Log.entryAdded") == []  # where the policy would say what it stopped
    shown = tab.evaluate("document.body.innerText")
    assert markup in shown or name == "training"


@pytest.mark.parametrize("name", PAGES)
def test_page_can_be_printed(tab, pages, name):
    """On A4, nothing is cut off at the right, also where a screen would scroll."""
    assert_fits_paper(tab, pages / f"{name}.html")
    pdf = base64.b64decode(tab.call("Page.printToPDF", printBackground=True)["data"])
    assert pdf.startswith(b"%PDF")
    (OUTPUT / f"{name}.pdf").write_bytes(pdf)
    tab.call("Emulation.setEmulatedMedia", media="")


def test_ten_runs_fit_paper(tab, tmp_path):
    names = [f"2026-11-25-0646{number}" for number in range(10, 20)]
    folders = [write_run(tmp_path / name, {"seed": i}) for i, name in enumerate(names)]
    write_comparison(tmp_path / "ten.html", *folders)
    assert_fits_paper(tab, tmp_path / "ten.html")
    tab.screenshot(OUTPUT / "ten-printed.png")
    tab.call("Emulation.setEmulatedMedia", media="")


def assert_fits_paper(tab, page):
    tab.open(page, 718, "light")  # 190 mm at 96 pixels an inch
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.evaluate(CHECKS) == {}
    assert tab.evaluate(TABLES_WIDER_THAN_THE_PAGE) == []


def requested(tab):
    return [each["request"]["url"] for each in tab.happened("Network.requestWillBeSent")]
