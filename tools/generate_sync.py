"""Write the synchronous twin of every asynchronous source: `python -m tools.generate_sync [--check]`.

Sources: each `_async.py` below `backend/`, whose twin is the `_sync.py` beside it, and each file of a folder `_async`
below `backend/` or `tests/`, whose twin lies in the folder `_sync` beside it. With `--check` nothing is written, and a
twin that is stale, missing or without a source, or a rule that no source needs, is an error.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMMAND = "python -m tools.generate_sync"


@dataclass(frozen=True, slots=True)
class Rule:
    """One substitution, as a regular expression over the whole text."""

    pattern: str
    replacement: str


RULES = (
    Rule(r"\basync (def|with|for) ", r"\1 "),
    Rule(r"\bawait ", ""),
    Rule(r"\bAwaitable\[((?:[^\[\]]|\[(?:[^\[\]]|\[[^\[\]]*\])*\])*)\]", r"\1"),
    Rule(r"\basynccontextmanager\b", "contextmanager"),
    Rule(r"\baclosing\b", "closing"),
    Rule(r"^@pytest\.mark\.asyncio\n", ""),
    Rule(r"__a(enter|exit)__", r"__\1__"),
    Rule(r"from sqlmodel\.ext\.asyncio\.session import", "from sqlmodel import"),
    Rule(r"from sqlalchemy\.ext\.asyncio import AsyncSession", "from sqlalchemy.orm import Session"),
    Rule(r"from sqlalchemy\.ext\.asyncio import", "from sqlalchemy import"),
    Rule(r"\b(SQLModel|psycopg\.)Async(?=Session|Connection)", r"\1"),
    Rule(r"\ban Async(?=[BCDFGHJ-NP-TV-Z])", "a "),
    Rule(r"\b(an )?Async(?=[A-Z])", r"\1"),
    Rule(r"\b(create_)?async_(?=call_work|engine|open_session|run_|session|sleep|sync_side|wait_for_socket)", r"\1"),
    Rule(r"\basync_(?=db\b|rolled_back)", ""),
    Rule(r"\bAbstractAsync(?=[A-Z])", "Abstract"),
    Rule(r"\b_async\b", "_sync"),
)


def to_sync(text: str, used: set[Rule]) -> str:
    """Return the synchronous text, and add the rules that it needed to `used`."""
    for rule in RULES:
        text, count = re.subn(rule.pattern, rule.replacement, text, flags=re.MULTILINE)
        if count:
            used.add(rule)
    return text


def twins(root: Path) -> dict[Path, Path]:
    """Return the twin of each source."""
    modules = {path: path.with_name("_sync.py") for path in root.glob("backend/**/_async.py")}
    folders = {
        path: path.parent.with_name("_sync") / path.name
        for place in ("backend", "tests")
        for path in root.glob(f"{place}/**/_async/*.py")
    }
    return dict(sorted((modules | folders).items()))


def generated(source: Path, root: Path, used: set[Rule]) -> str:
    """Return the whole text of the twin, formatted by ruff."""
    origin = source.relative_to(root).as_posix()
    text = f"# Generated from {origin} by `{COMMAND}`: edit that one.\n{to_sync(source.read_text(), used)}"
    for arguments in (["check", "--select", "I,F401", "--fix", "--quiet"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(source), "-"]
        text = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=root).stdout
    return text


def problems(root: Path, *, write: bool) -> list[str]:
    """Write the twins or compare them, and return a line for each problem of a twin or a rule."""
    found: list[str] = []
    used: set[Rule] = set()
    pairs = twins(root)
    for source, twin in pairs.items():
        text = generated(source, root, used)
        if write:
            twin.parent.mkdir(exist_ok=True)
            twin.write_text(text)
        elif not twin.exists() or twin.read_text() != text:
            kind = "stale" if twin.exists() else "missing"
            found.append(f"{kind}: {twin.relative_to(root)}, run {COMMAND}")
    existing = {
        *root.glob("backend/**/_sync.py"),
        *root.glob("backend/**/_sync/*.py"),
        *root.glob("tests/**/_sync/*.py"),
    }
    found += [f"without a source: {twin.relative_to(root)}" for twin in sorted(existing - {*pairs.values()})]
    found += [f"a rule that no source needs: {rule.pattern}" for rule in RULES if rule not in used]
    return found


if __name__ == "__main__":
    wrong = problems(ROOT, write="--check" not in sys.argv[1:])
    print("\n".join(wrong or ["every twin is fresh"]))
    sys.exit(bool(wrong))
