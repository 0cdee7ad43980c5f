"""The pages: a diagram with every package, an index with every decision."""

from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_package_is_in_the_diagram_of_the_floors() -> None:
    floors = (ROOT / "docs/architecture.md").read_text().partition("```mermaid")[2].partition("```")[0]
    packages = {
        one.stem for one in (ROOT / "backend").iterdir() if not one.name.startswith("_") and one.suffix != ".typed"
    }
    assert {name for name in packages if f'{name}["{name}:' not in floors} == set()


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text()
    decisions = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [name for name in decisions if f"]({name})" not in index] == []
    assert [int(name[:3]) for name in decisions] == list(range(1, len(decisions) + 1))
