"""Run mypy, pyright, basedpyright, ty and pyrefly on one contract: `python -m tools.checkers`.

Each line of `tests/typing/accepted.py` must check, and so must the code of the pages and of some tests; each marked
line of `refused.py` must not, but for those of `MISSED`. Of the mistakes of `tests/mistakes` each reports those that
docs/mistakes.md says. mypy, pyright and basedpyright are strict, ty and pyrefly are as they come.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.docs_examples import blocks, script, write_files
from tools.mistakes.page import recorded
from tools.mistakes.sources import FOLDER, THEMES, every_mistake

ROOT = Path(__file__).parent.parent
TYPING = ROOT / "tests" / "typing"
MARK = re.compile(r" *# (?:type: ignore|pyright: ignore).*")
CHECKERS = ("mypy", "pyright", "basedpyright", "ty", "pyrefly")

_PYDANTIC = "pydantic's MISSING, a sentinel of PEP 661, is Any to them: astral-sh/ty#3752, facebook/pyrefly#3207"
MISSED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "TaskUpdate(title=None)": (_PYDANTIC, ("ty", "pyrefly")),
    "TaskUpdate(completed=None)": (_PYDANTIC, ("ty", "pyrefly")),
}
"""The lines of `refused.py` that some do not see: why, and who."""

_ON_PURPOSE = "wrong on purpose"
_CONSTRUCTED = "model_construct takes any values, and pyrefly checks them"
_CONFIG = "SQLModel declares model_config as a type of its own, which pydantic's ConfigDict is not"
REPORTED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    'for wrong in (lambda: LONG and typed(Book.title) == "Notes", lambda: typed(Book.pages) == "66"):': (
        f"{_ON_PURPOSE}; the others do not see `and`", ("ty", "pyrefly"),
    ),
    "mine.update(id, data, expected=seen)": ("the README does not say what the names are", CHECKERS),
    'model_config = {"extra": "forbid"}': (_CONFIG, ("ty",)),
    'yield BookCreate.model_construct(None, **line | {"pages": line["pages"] or None})  # create_many validates it': (
        _CONSTRUCTED, ("pyrefly",),
    ),
    'books.create_many([BookCreate(isbn="0-5", title="Five"), BookCreate.model_construct(isbn="0-6", title=6)])': (
        _CONSTRUCTED, ("pyrefly",),
    ),
}  # fmt: skip
"""The lines of pages that run and that some report: why, and who. Beside them, lines with a comment that silences."""

TESTS = (
    "tests/tasks/test_functions.py",
    "tests/behaviour/_sync/test_calls.py",
    "tests/behaviour/_sync/test_pages_by_number.py",
    "tests/behaviour/_sync/test_transactions.py",
    "tests/behaviour/_async/test_typed_conditions.py",
    "tests/behaviour/_async/test_views.py",
)
"""Tests whose code is like an application's."""

_LINE = re.compile(r"\s*(?:ERROR )?(\S+\.py):(\d+):(?:\d+)?(.*)")


def reported(checker: str, folder: Path) -> dict[str, dict[int, str]]:
    """Return what the checker reports of a folder's files: by the file's name and the line."""
    command = _command(checker, folder)
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=_ENVIRONMENT)
    found: dict[str, dict[int, str]] = {}
    for line in ran.stdout.splitlines():
        if (match := _LINE.match(line)) and not re.match(r"\s*-?:? ?(?:note|warning)\b", match[3]):
            file = match[1].removeprefix(f"{folder}/")
            found.setdefault(file, {}).setdefault(int(match[2]), match[3].strip(" :-"))
    if bool(ran.returncode) != bool(found):
        raise SystemExit(f"{checker} did not run: {ran.stdout}{ran.stderr}")
    return found


_OF_STYLE = (
    "reportUnusedImport", "reportDeprecated", "reportMissingTypeStubs", "reportUnnecessaryIsInstance",
    "reportUnnecessaryComparison", "reportUnusedVariable", "reportUnusedClass", "reportUnusedFunction",
    "reportPrivateUsage", "reportDuplicateImport",
)  # fmt: skip
"""Rules of pyright that say nothing about types, or nothing about the package."""

_OF_STYLE_IN_MYPY = ("explicit-override", "possibly-undefined", "redundant-expr", "mutable-override")

_ENVIRONMENT = {**os.environ, "MYPYPATH": os.pathsep.join([str(ROOT), str(ROOT / "typings")])}


def _command(checker: str, folder: Path) -> Sequence[str]:
    if checker == "mypy":
        strict = (ROOT / "mypy.ini").read_text().replace("mypy_path", "# mypy_path").replace("files =", "# files =")
        for code in _OF_STYLE_IN_MYPY:
            strict = strict.replace(f" {code},", "")
        (folder / "mypy.ini").write_text(f"{strict}\nallow_redefinition = True\n")
        return ("mypy", "--no-error-summary", "--cache-dir", str(ROOT / ".mypy_cache" / "checkers"), ".")
    if checker == "ty":
        settings = ("--python", sys.executable, "--extra-search-path", str(ROOT))
        return ("ty", "check", *settings, "--output-format", "concise", ".")
    if checker == "pyrefly":
        paths = json.dumps([str(folder), str(ROOT)])
        (folder / "pyrefly.toml").write_text(f"search-path = {paths}\npreset = 'default'\n")
        return ("pyrefly", "check", "--python-interpreter-path", sys.executable, "--output-format", "min-text")
    rules = {
        "include": ["."], "typeCheckingMode": "strict", "pythonVersion": "3.11", "extraPaths": [str(ROOT)],
        "stubPath": str(ROOT / "typings"), "reportMissingModuleSource": False, **dict.fromkeys(_OF_STYLE, False),
    }  # fmt: skip
    (folder / "pyrightconfig.json").write_text(json.dumps(rules))
    return (checker, "--pythonpath", sys.executable, "-p", str(folder / "pyrightconfig.json"))


@contextmanager
def copies() -> Generator[Path]:
    """Copy the files to check to a folder, without the comments that silence a checker in `refused.py`."""
    with tempfile.TemporaryDirectory(prefix="checked-") as named:
        folder = Path(named)
        shutil.copy(TYPING / "accepted.py", folder)
        refused = (TYPING / "refused.py").read_text().splitlines()
        (folder / "refused.py").write_text("".join(f"{MARK.sub('', line)}\n" for line in refused))
        for theme in THEMES:
            shutil.copy(FOLDER / f"{theme}.py", folder / f"mistake_{theme}.py")
        for test in TESTS:
            shutil.copy(ROOT / test, folder)
        for page in sorted((ROOT / "docs").glob("*.md")):
            if page.stem != "mistakes" and blocks(f"docs/{page.name}"):
                _copy_page(f"docs/{page.name}", f"page_{page.stem.replace('-', '_')}", folder)
        for number, block in enumerate(blocks("README.md")):
            if "import" in block:  # else it is a part of an example
                (folder / f"readme_{number}.py").write_text(block)
        yield folder


def _copy_page(page: str, name: str, folder: Path) -> None:
    """Write the code of a page below the folder: its files, and the rest as one program."""
    with tempfile.TemporaryDirectory() as own:
        write_files(page, Path(own))
        for file in Path(own).rglob("*.py"):
            copied = folder / file.relative_to(own)
            if copied.exists():  # another page has a file of this name
                copied = copied.with_name(f"{name}_{copied.name}")
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copied)
    (folder / f"{name}.py").write_text(script(page))


def reported_mistakes(by_file: Mapping[str, Mapping[int, str]]) -> dict[str, str]:
    """Return what a checker reports of each mistake that it reports, by its name."""
    found: dict[str, str] = {}
    for one in every_mistake():
        lines = by_file.get(f"mistake_{one.theme}.py", {})
        if texts := [text for line, text in sorted(lines.items()) if line in one.lines]:
            found[one.name] = texts[0]
    return found


def problems(checker: str, folder: Path) -> list[str]:
    """Return each accepted line that is reported, and each refused one that differs from what is written down."""
    by_file = reported(checker, folder)
    refused = by_file.pop("refused.py", {})
    mistaken, expected = reported_mistakes(by_file), {name for name, who in recorded().items() if checker in who}
    found = [f"docs/mistakes.md is out of date: {name}" for name in sorted(expected ^ mistaken.keys())]
    for theme in THEMES:
        by_file.pop(f"mistake_{theme}.py", None)
    found += [*_accepted_problems(checker, folder, by_file), *_refused_problems(checker, refused)]
    return [f"{checker}: {one}" for one in found]


def _accepted_problems(checker: str, folder: Path, by_file: Mapping[str, Mapping[int, str]]) -> Iterator[str]:
    expected, seen = {line for line, (_, who) in REPORTED.items() if checker in who}, set[str]()
    for file, lines in sorted(by_file.items()):
        code = (folder / file).read_text().splitlines()
        for number, text in sorted(lines.items()):
            line = code[number - 1].strip()
            seen.add(line)
            if not MARK.search(line) and line not in expected:
                yield f"{file}:{number} is refused: {line}: {text}"
    yield from (f"REPORTED is out of date: {line}" for line in sorted(expected - seen))


def _refused_problems(checker: str, refused: Mapping[int, str]) -> Iterator[str]:
    for number, line in enumerate((TYPING / "refused.py").read_text().splitlines(), 1):
        text = MARK.sub("", line).strip()
        is_missed = checker in MISSED.get(text, ("", ()))[1]
        if MARK.search(line) and (number in refused) == is_missed:
            yield f"refused.py:{number} is {'seen now' if is_missed else 'missed'}: {text}"


def main() -> int:
    """Return the exit code: 1 if a checker sees less or more than is written down."""
    found: list[str] = []
    with copies() as folder:
        for checker in CHECKERS:
            begun = time.monotonic()
            its = problems(checker, folder)
            found += its
            print(f"{checker}: {len(its)} differ, {time.monotonic() - begun:.0f} s", flush=True)
    print("\n".join(found) or f"each sees the same, but for {len(MISSED)} lines of refused.py")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
