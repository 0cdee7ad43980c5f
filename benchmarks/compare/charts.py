"""The charts of a run as SVG, readable on a dark and on a light page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.compare.results import Cell, Run, Table
from benchmarks.compare.tables import number

_TEXT = "#7d8590"
_BY_HAND, _OURS, _PEERS = "#8b949e", "#1f9d8a", "#d9822b"
_COLUMNS = 4


def draw(run: Run, folder: Path, prefix: str) -> Mapping[str, str]:
    """Write a chart of each table. Return their file names by the key of the table."""
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": prefix, "font.size": 8, "text.color": _TEXT})
    names: dict[str, str] = {}
    for table in run.tables:
        names[table.key] = f"{prefix}-{table.key}.svg"
        figure = _figure(table, run.contenders)
        figure.savefig(folder / names[table.key], format="svg", transparent=True, metadata={"Date": None})
    return names


def _figure(table: Table, contenders: Sequence[str]) -> Figure:
    shown = {name: row for name, row in table.cells.items() if row}
    across = min(_COLUMNS, len(shown))
    down = -(-len(shown) // across)
    tallest = max(len(row) for row in shown.values())
    figure = Figure(figsize=(3.6 * across, (0.19 * tallest + 0.45) * down), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.15)  # a reader's font may be wider than the one that is measured here
    places = figure.subplots(down, across, squeeze=False)
    for at, place in enumerate(places.flat):
        if at >= len(shown):
            place.set_axis_off()
            continue
        name = list(shown)[at]
        _bars(place, [(who, shown[name][who]) for who in contenders if who in shown[name]])
        place.set_title(name, color=_TEXT, loc="left", fontsize=9)
    return figure


def _bars(place: Axes, rows: Sequence[tuple[str, Cell]]) -> None:
    """Draw the multiples of the baseline with their quartiles, or the values where there are none."""
    of_baseline = all(cell.times is not None for _, cell in rows)
    values = [cell.times if of_baseline and cell.times is not None else cell.value for _, cell in rows]
    at = range(len(rows))
    place.barh(at, values, color=[_colour(who) for who, _ in rows], height=0.7)
    for y, ((_, cell), value) in enumerate(zip(rows, values, strict=True)):
        end = value
        if of_baseline and cell.low is not None and cell.high is not None:
            place.plot([cell.low, cell.high], [y, y], color=_TEXT, linewidth=1)
            end = max(value, cell.high)
        label = f"{value:.2f}" if of_baseline else number(value)
        place.annotate(label, (end, y), (3, 0), textcoords="offset points", va="center", color=_TEXT, fontsize=7)
    place.set_yticks(at, [who for who, _ in rows], color=_TEXT, fontsize=7)
    place.invert_yaxis()
    place.set_xticks([])
    place.margins(x=0.25)
    for side in place.spines.values():
        side.set_visible(False)
    place.tick_params(length=0)


def _colour(who: str) -> str:
    if "repository" in who or who[0].isdigit():  # a size of the growth of our own calls: "1,000 rows"
        return _OURS
    return _BY_HAND if who.startswith(("psycopg", "Core")) else _PEERS
