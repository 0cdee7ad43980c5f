"""What a run found, and its JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median, quantiles

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of one contender."""

    value: float
    """The median over the rounds."""
    times: float | None = None
    """The median over the rounds of its value by the baseline's in the same round."""
    low: float | None = None
    high: float | None = None
    """The quartiles of that."""


@dataclass(frozen=True, slots=True)
class Table:
    """Figures of one kind, by call and by contender."""

    key: str
    """Names its chart's file."""
    title: str
    unit: str
    note: str
    cells: Mapping[str, Mapping[str, Cell]]


@dataclass(frozen=True, slots=True)
class Run:
    """All that one run found."""

    facts: Mapping[str, str]
    """Versions, machine, options, command."""
    contenders: Sequence[str]
    tables: list[Table] = field(default_factory=list[Table])
    notes: list[str] = field(default_factory=list[str])
    """What was left out, and why."""

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


_RUN = TypeAdapter(Run)


def from_json(text: str) -> Run:
    """Return a run that was written as JSON."""
    return _RUN.validate_json(text)


def compared(values: Mapping[str, Sequence[float]], baseline: str) -> Mapping[str, Cell]:
    """Return each contender's values, one a round, beside the baseline's."""
    return {name: _cell(found, values.get(baseline)) for name, found in values.items()}


def _cell(values: Sequence[float], base: Sequence[float] | None) -> Cell:
    if not base or not all(base):
        return Cell(median(values))
    ratios = [mine / theirs for mine, theirs in zip(values, base, strict=True)]
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return Cell(median(values), median(ratios), low, high)
