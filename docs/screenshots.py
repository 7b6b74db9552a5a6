"""Makes the pictures of README.md: runs two recipes on MNIST, and opens the second's pages.

``make screenshots``; needs Chromium.
"""

import tempfile
from pathlib import Path

from chromium import browser  # from tests/support
from PIL import Image

from pipelines import local
from pipelines.local import RunRequest

# Pages, and how many pixels of each from the top.
PICTURES = {"index": 850, "evaluation": 952}
HERE = Path(__file__).parent


class Silent:
    """Watches a run without a word."""

    step_started = step_progressed = step_ended = lambda self, *_: None


def main() -> None:
    """Writes docs/<page>.png."""
    with tempfile.TemporaryDirectory() as folder, browser() as tab:
        for recipe in ("tutorial", "fast"):
            output = Path(folder) / "runs" / recipe
            request = RunRequest("mnist", recipe, (), 0, output, store=f"{folder}/models")
            local.run(request, Silent())
        for name, height in PICTURES.items():
            tab.open(output / f"{name}.html", 1200, "light")
            picture = HERE / f"{name}.png"
            tab.screenshot(picture)
            with Image.open(picture) as whole:
                top = whole.convert("RGB").crop((0, 0, whole.width, height))
            top.quantize(128).save(picture, optimize=True)


main()
