"""The documentation site: draws its diagrams, and checks what was built: `python -m tools.site build/site`.

Each link leads to a page and an anchor that exist, and no page loads anything from elsewhere: the site works offline.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from urllib.parse import unquote, urlsplit

from typing_extensions import override

_LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}
_NUMBERS = count(1)
_WIDTH = re.compile(r"max-width:([\d.]+)px")


def draw(source: str, *_: object, **__: object) -> str:
    """Return the Mermaid diagram as two SVGs, for light and for dark pages: a fence of pymdownx.superfences."""
    import mmdr  # noqa: PLC0415 - of the group `docs`

    number = next(_NUMBERS)
    drawn: list[str] = []
    for theme in ("neutral", "dark"):
        svg = mmdr.render(f"%%{{init: {{'theme': '{theme}'}}}}%%\n{source}").svg()
        svg = svg.replace("merman", f"diagram-{number}-{theme}")  # what its styles and arrows are found by
        svg = _WIDTH.sub(lambda width: f"{width[0]};min-width:{float(width[1]) * 0.6:.0f}px", svg, count=1)
        drawn.append(f'<div class="diagram {theme}">{svg}</div>')
    return "".join(drawn)


@dataclass
class Page(HTMLParser):
    """What a page links to, what it loads, and its anchors."""

    links: list[str] = field(default_factory=list[str])
    loads: list[str] = field(default_factory=list[str])
    anchors: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        super().__init__()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif (name := _LOADED.get(tag)) and name in given:
            self.loads.append(given[name])


def read(page: Path) -> Page:
    """Return what the page has."""
    parsed = Page()
    parsed.feed(page.read_text())
    return parsed


def problems(site: Path) -> Iterator[str]:
    """Yield each link to nothing, and each thing that a page loads from elsewhere or that is missing."""
    pages = {path.resolve(): read(path) for path in site.rglob("*.html") if path.name != "404.html"}
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        for target in [*page.links, *page.loads]:
            url = urlsplit(target)
            if url.scheme or url.netloc:
                if target in page.loads and url.scheme != "data":
                    yield f"{name}: loads {target}"
                continue
            file = (path.parent / unquote(url.path)).resolve() if url.path else path
            if not file.is_file():
                yield f"{name}: no file {target}"
            elif url.fragment and file in pages and unquote(url.fragment) not in pages[file].anchors:
                yield f"{name}: no anchor {target}"


if __name__ == "__main__":
    found = sorted(set(problems(Path(sys.argv[1]))))
    print(*found, sep="\n")
    sys.exit(bool(found))
