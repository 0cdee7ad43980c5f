"""The chart of the README: round trips and time of five calls, beside the peers, on a card for dark and light pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.compare.results import Run, Table
from benchmarks.compare.tables import number

NAME: Final = "front-page.svg"
CALLS: Final = ("create", "get", "update", "delete", "list of 20")
CONTENDERS: Final = {
    "repository, new session": ("this repository", "#1f9d8a"),
    "async repository, new session": ("asynchronous", "#6cc5b5"),
    "SQLModel": ("SQLModel session", "#c2571a"),
    "Advanced Alchemy": ("Advanced Alchemy", "#e08a3c"),
    "FastCRUD": ("FastCRUD", "#f0b678"),
    "Django": ("Django", "#8b949e"),
}
"""What the chart shows, its name there and its colour."""
PANELS: Final = {"trips": "round trips", "calls": "µs, server on the same machine", "delay-5": "ms, server 5 ms away"}
"""By the key of the table."""
_TEXT, _CARD = "#1f2328", "#f6f8fa"
_STYLE: Final = """<style>
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 !important } #card path { fill: #161b22 !important } }
</style>
"""


def draw_front_page(run: Run, folder: Path) -> None:
    """Write the chart, if the run has measured all that it shows."""
    tables = {table.key: table for table in run.tables}
    if not all(_is_whole(tables.get(key)) for key in PANELS):
        return
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": NAME, "text.color": _TEXT, "font.size": 8})
    figure = Figure(figsize=(9.4, 5.4), layout="constrained", facecolor=_CARD)
    figure.patch.set_gid("card")
    figure.get_layout_engine().set(w_pad=0.12)
    places = figure.subplots(1, len(PANELS))
    for place, (key, title) in zip(places, PANELS.items(), strict=True):
        _panel(place, tables[key], title, named=place is places[0])
    handles, labels = places[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(CONTENDERS), frameon=False, columnspacing=1.2)
    facts = run.facts
    figure.supxlabel(
        f"medians, CPython {facts['CPython']}, PostgreSQL {facts['PostgreSQL']}, {facts['date'][:10]}", fontsize=7
    )
    path = folder / NAME
    figure.savefig(path, format="svg", metadata={"Date": None})
    head, tag, rest = path.read_text().partition("<defs>")
    path.write_text(f"{head}{_STYLE} {tag}{rest}")


def _is_whole(table: Table | None) -> bool:
    return table is not None and all(set(CONTENDERS) <= set(table.cells.get(call, ())) for call in CALLS)


def _panel(place: Axes, table: Table, title: str, *, named: bool) -> None:
    height = 0.86 / len(CONTENDERS)
    for index, (who, (label, colour)) in enumerate(CONTENDERS.items()):
        values = [table.cells[call][who].value for call in CALLS]
        at = [group + (index - (len(CONTENDERS) - 1) / 2) * height for group in range(len(CALLS))]
        place.barh(at, values, color=colour, height=height * 0.9, label=label)
        _label(place, values, at)
    place.set_title(title, loc="left", fontsize=9)
    place.set_yticks(range(len(CALLS)), CALLS if named else [""] * len(CALLS), color=_TEXT, fontsize=9)
    place.invert_yaxis()
    place.set_xticks([])
    place.margins(x=0.18, y=0.01)
    place.set_facecolor("none")
    for side in place.spines.values():
        side.set_visible(False)
    place.tick_params(length=0)


def _label(place: Axes, values: Sequence[float], at: Sequence[float]) -> None:
    for value, y in zip(values, at, strict=True):
        place.annotate(number(value), (value, y), (3, 0), textcoords="offset points", va="center", fontsize=6.5)
