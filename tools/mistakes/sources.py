"""The mistakes of tests/mistakes, read as text."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[2] / "tests" / "mistakes"
THEMES: Final = ("conditions", "rows", "sessions", "definitions", "asynchronous")
"""The files, in the order of the page."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One function."""

    theme: str
    name: str
    title: str
    advice: str
    code: str
    lines: range
    """Those of the whole function in its file."""


def mistakes(theme: str) -> list[Mistake]:
    """Return the mistakes of a file, in its order."""
    text = (FOLDER / f"{theme}.py").read_text()
    return [
        _read(theme, node, text.splitlines())
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def title(theme: str) -> str:
    """Return what the mistakes of a file are about."""
    docstring = ast.get_docstring(ast.parse((FOLDER / f"{theme}.py").read_text())) or ""
    return docstring.splitlines()[0].removesuffix(".")


def every_mistake() -> list[Mistake]:
    """Return the mistakes of all files, in the order of the page."""
    return [one for theme in THEMES for one in mistakes(theme)]


def _read(theme: str, node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> Mistake:
    summary, _, advice = (ast.get_docstring(node) or "").partition("\n")
    end = node.end_lineno or node.lineno
    body = [line.removeprefix("    ") for line in lines[node.body[0].end_lineno or 0 : end]]
    code = "\n".join(body).strip("\n")
    return Mistake(theme, node.name, summary.removesuffix("."), advice.strip(), code, range(node.lineno, end + 1))
