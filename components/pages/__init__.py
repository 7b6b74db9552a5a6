"""HTML pages with one look: a base template, one style sheet, pictures inlined.

A page is a template of this folder that extends ``page.html``. It is one file that asks nothing
of the network and runs no script: it can be opened from disk, sent by mail, or shown in the
sandboxed frame of Kubeflow's UI.
"""

import base64
import hashlib
import io
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from PIL import Image

from components.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colours of the palette of Okabe and Ito (2008), which people with any colour vision can tell
# apart. Charts use them in this order; style.css has a lighter version for the dark scheme.
BLUE, VERMILLION, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
_PAGE_COLOURS = {
    "#000000": "currentColor",
    BLUE: "var(--first)",
    VERMILLION: "var(--second)",
    GREEN: "var(--third)",
    PURPLE: "var(--fourth)",
}

# Of a small picture, in pixels.
LARGEST_SIDE = 48

_CHART_STYLE: Any = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "figure.figsize": (5.2, 3.6),
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "grid.alpha": 0.35,
    "grid.color": "#808080",
    "legend.frameon": False,
    "lines.linewidth": 2,
    # Text stays text: a tenth of the size, in the font of the page, and screen readers read it.
    "svg.fonttype": "none",
    # Names from outside are no formulas.
    "text.parse_math": False,
}


def render(template_name: str, path: Path, **context: object) -> None:
    """Writes a page, whole or not at all.

    Args:
        template_name: A template of this folder, such as ``evaluation.html``.
        path: Where the page goes; a page that is there is replaced.
        **context: What the template shows. Everything is escaped but `Markup`. A name that the
            template uses and that is missing here is an error.
    """
    write_bytes(path, _ENVIRONMENT.get_template(template_name).render(context).encode())


def digit_image(image: np.ndarray) -> str:
    """Encodes one grey-scale image as a PNG.

    Args:
        image: uint8 [height, width], 0 is black.

    Returns:
        A data URI for the ``src`` of an ``img``; some 400 bytes for a digit. Large images are
        made smaller, so that hundreds fit on a page.
    """
    picture = Image.fromarray(np.ascontiguousarray(image))
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def chart_style() -> AbstractContextManager[None]:
    """Gives matplotlib figures that are made inside the ``with`` the look of the pages."""
    import matplotlib

    return matplotlib.rc_context(_CHART_STYLE)


def figure_svg(figure: "Figure", alt: str) -> Markup:
    """Turns a figure into an inline SVG that takes its colours from the page.

    Black becomes the page's text colour, the colours named above those of the style sheet, and
    the background stays transparent, so that a figure reads well in the light and in the dark
    scheme. The same figure gives the same bytes.

    Args:
        figure: Made under `chart_style`, from `matplotlib.figure.Figure` rather than pyplot,
            which would keep it alive.
        alt: What the picture shows, for those who can't see it. Part of what makes the ids of
            the SVG unique, so no two figures of a page share it.
    """
    import matplotlib

    buffer = io.StringIO()
    salt = hashlib.sha256(alt.encode()).hexdigest()[:8]
    with matplotlib.rc_context(_CHART_STYLE | {"svg.hashsalt": salt}):
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, of_page in _PAGE_COLOURS.items():
        svg = svg.replace(colour, of_page)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>f{salt}-", svg)
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1))


def _percent(share: float, digits: int = 2) -> str:
    """Writes 0.97656 as ``97.66 %``; the space does not break."""
    return f"{share:.{digits}%}".replace("%", "\N{NO-BREAK SPACE}%")


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(percent=_percent, picture=digit_image, thousands="{:,}".format)
