"""The check of the built site finds what leads nowhere, and what a page loads from elsewhere."""

from pathlib import Path

import pytest

from tools.site import problems


@pytest.mark.parametrize(
    ("element", "found"),
    [
        ('<a href="other.html#there">', []),
        ('<a href="#here">', []),
        ('<a href="https://example.com/">', []),
        ('<img src="data:image/png;base64,AA==">', []),
        ('<a href="gone.html">', ["index.html: no file gone.html"]),
        ('<img src="gone.svg">', ["index.html: no file gone.svg"]),
        ('<a href="other.html#gone">', ["index.html: no anchor other.html#gone"]),
        ('<a href="#gone">', ["index.html: no anchor #gone"]),
        ('<script src="https://example.com/x.js">', ["index.html: loads https://example.com/x.js"]),
        ('<link href="//example.com/x.css">', ["index.html: loads //example.com/x.css"]),
    ],
)
def test_what_a_page_needs(tmp_path: Path, element: str, found: list[str]) -> None:
    (tmp_path / "other.html").write_text('<h2 id="there">')
    (tmp_path / "index.html").write_text(f'<h2 id="here">{element}')
    assert list(problems(tmp_path)) == found
