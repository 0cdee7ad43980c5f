"""Run ty and pyrefly on the typing files: `python -m tools.checkers`.

Each line of `tests/typing/accepted.py` must check, and each marked line of `refused.py` must not, but for `MISSED`.
mypy and pyright read the same files, and fail where a comment silences nothing.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TYPING = ROOT / "tests" / "typing"
MARK = re.compile(r" *# (?:type: ignore|pyright: ignore).*")

COMMANDS = {
    "ty": ["ty", "check", "--python", sys.executable, "--output-format", "concise"],
    "pyrefly": ["pyrefly", "check", "--python-interpreter-path", sys.executable, "--output-format", "min-text"],
}

MISSED = {
    "TaskUpdate(title=None)": "pydantic's MISSING, a sentinel of PEP 661, is Any to them: astral-sh/ty#3752, "
    "facebook/pyrefly#3207",
    "TaskUpdate(completed=None)": "as above",
}
"""The lines of `refused.py` that neither sees, and why."""


def reported(checker: str, file: Path) -> set[int]:
    """Return the lines of the file that the checker reports."""
    command = [*COMMANDS[checker], str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    lines = {int(line) for line in re.findall(rf"{re.escape(file.name)}:(\d+):", ran.stdout)}
    if bool(ran.returncode) != bool(lines):
        raise SystemExit(f"{checker} did not run: {ran.stdout}{ran.stderr}")
    return lines


def problems(checker: str) -> list[str]:
    """Return each accepted line that is reported, and each refused one that differs from what is written down."""
    found = [f"{checker}: accepted.py:{line} is refused" for line in sorted(reported(checker, TYPING / "accepted.py"))]
    lines = (TYPING / "refused.py").read_text().splitlines()
    plain = TYPING / "refused_without_comments.py"
    try:
        plain.write_text("".join(f"{MARK.sub('', line)}\n" for line in lines))
        refused = reported(checker, plain)
    finally:
        plain.unlink(missing_ok=True)
    for number, line in enumerate(lines, 1):
        text = MARK.sub("", line).strip()
        if MARK.search(line) and (number in refused) == (text in MISSED):
            found.append(f"{checker}: refused.py:{number} is {'seen now' if text in MISSED else 'missed'}: {text}")
    return found


def main() -> int:
    """Return the exit code: 1 if a checker sees less or more than is written down."""
    found = [problem for checker in COMMANDS for problem in problems(checker)]
    print("\n".join(found) or f"both see all but {len(MISSED)} lines of refused.py")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
