"""The files of a run, and the facts that they begin with: machine, versions, command."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from benchmarks.compare.results import Run
from benchmarks.compare.tables import markdown

PACKAGES = ("psycopg", "sqlalchemy", "sqlmodel", "pydantic")
PEERS = ("advanced-alchemy", "fastcrud", "django")


def facts(command: str, server: str, rows: str, packages: Sequence[str]) -> Mapping[str, str]:
    """Return date, command, machine, versions of server and packages, and the number of rows."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "command": command,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"load of {os.getloadavg()[0]:.1f} when it began",
        "CPython": platform.python_version(),
        "PostgreSQL": server,
        "rows": rows,
        **{name: _version(name) for name in packages},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def write(run: Run, folder: Path, prefix: str) -> None:
    """Write Markdown and JSON, and charts where matplotlib is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    charts: Mapping[str, str] = {}
    if find_spec("matplotlib") is not None:
        from benchmarks.compare.charts import draw  # noqa: PLC0415 - may not be installed
        from benchmarks.compare.front_page import draw_front_page  # noqa: PLC0415 - as above

        charts = draw(run, folder, prefix)
        draw_front_page(run, folder)
    (folder / f"{prefix}.json").write_text(run.to_json())
    (folder / f"{prefix}.md").write_text(markdown(run, prefix, charts))
