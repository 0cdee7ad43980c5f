"""Peak memory of one call, in a process of its own: `python -m benchmarks.compare.memory` with what `peak` gives it."""

import asyncio
import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.compare.calls import Target
from benchmarks.compare.contenders import opener
from benchmarks.compare.data import Data
from benchmarks.compare.rounds import run


def peak(who: str, name: str, url: str, data: Data) -> float | None:
    """Return the MiB by which a call raises the memory of a process; `None` if it fails or lacks the call."""
    arguments = json.dumps([who, name, url, data.rows, data.bulk, *data.place])
    command = [sys.executable, "-m", __spec__.name, arguments]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(child.stdout) if child.returncode == 0 and child.stdout.strip() else None


def main(who: str, name: str, url: str, rows: int, bulk: int, *place: int) -> None:
    """Print the MiB."""
    with Data(url, rows, bulk).find(place) as data, asyncio.Runner() as runner, ExitStack() as stack:
        contender = stack.enter_context(opener(who)(Target(url, None, runner, data.deep_id, data.deep)))
        if name not in contender.calls:
            return
        run(contender, "get", data.batch("get", 2), runner)
        ids = data.batch(name, 1)
        Path("/proc/self/clear_refs").write_text("5")  # the peak is what it holds now
        before = _mib("VmRSS")
        run(contender, name, ids, runner)
        sys.stdout.write(f"{max(0.0, _mib('VmHWM') - before):.2f}\n")


def _mib(what: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
