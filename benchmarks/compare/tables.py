"""The Markdown of a run."""

from collections.abc import Mapping, Sequence

from benchmarks.compare.results import Cell, Run, Table


def markdown(run: Run, name: str, charts: Mapping[str, str]) -> str:
    """Return the page of a run of this name; `charts` names the file of each table's chart."""
    parts = [f"# Benchmark {name}\n", "\n".join(f"- {name}: {value}" for name, value in run.facts.items()) + "\n"]
    for table in run.tables:
        parts.append(f"## {table.title}\n\n{table.note}\n")
        if table.key in charts:
            parts.append(f"![{table.title}]({charts[table.key]})\n")
        parts.append(text(table, run.contenders))
    if run.notes:
        parts.append("## Left out\n\n" + "\n".join(f"- {note}" for note in run.notes) + "\n")
    return "\n".join(parts)


def text(table: Table, contenders: Sequence[str]) -> str:
    """Return one table in Markdown."""
    who = [name for name in contenders if any(name in row for row in table.cells.values())]
    lines = ["| | " + " | ".join(who) + " |", "|---" * (len(who) + 1) + "|"]
    for name, row in table.cells.items():
        lines.append(f"| {name} | " + " | ".join(_shown(row.get(one), table.unit) for one in who) + " |")
    return "\n".join(lines) + "\n"


def _shown(cell: Cell | None, unit: str) -> str:
    if cell is None:
        return "-"
    value = f"{number(cell.value)} {unit}".strip()
    if cell.times is None or cell.low is None or cell.high is None:
        return value
    return f"{cell.times:.2f} ({cell.low:.2f} to {cell.high:.2f}), {value}"


def number(value: float) -> str:
    """Return a figure with about three digits."""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
