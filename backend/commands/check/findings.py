"""What the check has found: for each thing its value, and what to change if it is not as it should be."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["ok", "advice", "problem"]
"""As it should be; usable, but to be changed; not usable."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    name: str
    text: str
    values: Mapping[str, str | int | float | bool | None] = field(default_factory=dict[str, str])
    """The text's figures, for programs."""
    fix: str | None = None
    """What to change; `None` if nothing."""
    is_problem: bool = False
    """The database cannot be used as it is."""

    @property
    def level(self) -> Level:
        """Return how serious it is."""
        return "problem" if self.is_problem else "advice" if self.fix else "ok"


def as_text(findings: Sequence[Finding]) -> str:
    """Return the report for a terminal: columns, and below a finding what to change."""
    width = max(len(one.name) for one in findings) + 2
    lines: list[str] = []
    for one in findings:
        lines.append(f"{one.level:8} {one.name:{width}}{one.text}\n")
        if one.fix:
            lines.append(f"{'':9}{'':{width}}-> {one.fix}\n")
    return "".join(lines)


def as_json(findings: Sequence[Finding], error: str | None = None) -> str:
    """Return the report for a program; `error` is why there are no findings."""
    report = {
        "usable": error is None and is_usable(findings),
        "error": error,
        "findings": [
            {"name": one.name, "level": one.level, "text": one.text, "fix": one.fix, "values": one.values}
            for one in findings
        ],
    }
    return json.dumps(report, indent=2) + "\n"


def is_usable(findings: Sequence[Finding]) -> bool:
    """Return whether nothing prevents the use of the database."""
    return not any(one.is_problem for one in findings)
