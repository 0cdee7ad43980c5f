"""The pages: plain words, working links, every package and decision. The tests: every file and support once."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import backend

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PACKAGE = sorted(ROOT.glob("backend/**/*.py"))
BANNED = re.compile(
    r"\bmend(s|ed|ing)?\b|without a word|\bis told\b|what is no\b|\bheld to\b|in the place of|above all|\bstands?\b",
    re.IGNORECASE,
)
"""Words that the glossary replaces: fix, silently, is reported, invalid, restricted to, instead of, especially, is."""


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The docstrings, messages and comments of a module, or the lines of a page, each with its line."""
    source = path.read_text()
    if path.suffix != ".py":
        yield from enumerate(source.splitlines(), 1)
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    for number, line in enumerate(source.splitlines(), 1):
        _, mark, comment = line.partition("# ")
        if mark:
            yield number, comment


@pytest.mark.parametrize("path", [*PACKAGE, *PAGES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_texts_use_plain_words(path: Path) -> None:
    found = [f"{line}: {one.group()}" for line, text in texts(path) for one in BANNED.finditer(text)]
    assert found == []


@pytest.mark.parametrize("text", ["mend it", "he is told", "what is no owner", "held to one owner", "it stands in X"])
def test_a_banned_word_is_found(text: str) -> None:
    assert BANNED.search(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(
        r"\]\((?!https?:)([^)#\s]+)", re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
    )
    assert [target for target in targets if not (page.parent / target).exists()] == []


def anchors(page: Path) -> set[str]:
    """The anchors of the page's headings, as site and repository make them, and those that it sets itself."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    plain = (re.sub(r"\[(.*?)\]\(.*?\)|[^\w\s-]", r"\1", heading).strip().lower() for heading in headings)
    return {re.sub(r"[-\s]+", "-", heading) for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_anchor_is_a_heading(page: Path) -> None:
    links = re.findall(r"\]\(([^):\s]*)#([^)\s]+)\)", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))
    pages = [(page.parent / target if target else page, anchor) for target, anchor in links]
    assert [anchor for target, anchor in pages if target.suffix == ".md" and anchor not in anchors(target)] == []


SITE = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
_DECISION = re.compile(r"maintainers/decisions/\d")


def test_every_page_is_in_the_sites_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    listed = Counter(re.findall(r"(\S+\.md)$", navigation, re.MULTILINE))
    assert listed == Counter(page for page in SITE if not _DECISION.match(page))


def test_every_page_is_in_llms_txt() -> None:
    listed = Counter(re.findall(r"\]\((\S+)\.html\)", (ROOT / "docs/llms.txt").read_text()))
    assert listed == Counter(page.removesuffix(".md") for page in SITE if not _DECISION.match(page))


def test_every_public_name_is_in_the_reference() -> None:
    reference = "\n".join(page.read_text() for page in (ROOT / "docs/reference").glob("*.md"))
    listed = set(re.findall(r"^::: backend\.(\w+)$", reference, re.MULTILINE))
    assert set(backend.__all__) - listed == set()


def test_every_package_is_in_the_diagram_of_the_floors() -> None:
    floors = (ROOT / "docs/maintainers/architecture.md").read_text().partition("```mermaid")[2].partition("```")[0]
    packages = {
        one.stem for one in (ROOT / "backend").iterdir() if not one.name.startswith("_") and one.suffix != ".typed"
    }
    assert {name for name in packages if f'{name}["{name}:' not in floors} == set()


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs/maintainers/decisions"
    index = (folder / "README.md").read_text()
    decisions = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [name for name in decisions if f"]({name})" not in index] == []
    assert [int(name[:3]) for name in decisions] == list(range(1, len(decisions) + 1))


def test_each_file_name_of_a_test_occurs_once() -> None:
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py") if path.parent.name != "_sync")
    assert {name for name, times in names.items() if times > 1} == set()


def test_every_support_is_in_the_index() -> None:
    folder = ROOT / "tests" / "support"
    index = (folder / "__init__.py").read_text()
    modules = [
        path.relative_to(folder).with_suffix("").as_posix()
        for path in [*folder.glob("*.py"), *folder.glob("models/*.py")]
    ]
    assert [name for name in modules if name != "__init__" and f"\n{name} " not in index] == []
