"""What matters in an HTML page, without a browser: `from html_outline import outline`."""

from html.parser import HTMLParser


class Outline(HTMLParser):
    """Collects tags, references to other resources, heading levels, ids and pictures."""

    def __init__(self):
        super().__init__()
        self.tags = []
        self.references = []
        self.headings = []
        self.ids = []
        self.pictures_without_text = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        self.references += [values[key] for key in ("src", "href", "xlink:href") if key in values]
        if tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append(int(tag[1]))
        if "id" in values:
            self.ids.append(values["id"])
        text = values.get("alt") if tag == "img" else values.get("aria-label")
        if tag in {"img", "svg"} and not text:
            self.pictures_without_text.append(values)


def outline(html):
    """Parses a page."""
    parser = Outline()
    parser.feed(html)
    return parser


def assert_well_made(html):
    """Asserts what holds for every page of ours."""
    page = outline(html)
    assert all(reference.startswith(("data:", "#")) for reference in page.references)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(page.tags)
    assert not page.pictures_without_text
    assert len(page.ids) == len(set(page.ids))
    assert page.headings[0] == page.headings.count(1) == 1
    pairs = zip(page.headings, page.headings[1:], strict=False)
    assert all(lower - upper <= 1 for upper, lower in pairs)
    assert len(html.encode()) < 1_500_000
