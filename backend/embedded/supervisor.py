"""Supervises the server, as a script in its own process that `server` runs: makes folders, runs initdb and postgres.

When its standard input becomes readable (the parent stops the server, or the parent and its forks have ended) it stops
the server and removes its temporary folders. It reports a failure on its standard output.

It imports only the standard library, and so starts in a few hundredths of a second.
"""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TypedDict

GRACE_S = 2.0
"""Seconds in which a supervisor stops the server of a parent that has ended, before another process does."""

_FAST_S, _IMMEDIATE_S = 8.0, 4.0
"""Longest wait for a fast shutdown, and then for an immediate one, before the server is killed."""


_ERROR = re.compile(
    rb"\b(?:FATAL: |PANIC: |ERROR: |error: |LOG: +could not )[^\n]*(?:\n[^\n]*\b(?:DETAIL|HINT): [^\n]*)*"
)
_PREFIX = re.compile(rb"^.*(?=\b(?:DETAIL|HINT): )")
"""The time and process before a line's level."""


class Plan(TypedDict):
    """What to run and where; paths are absolute."""

    account: tuple[int, int] | None
    """User and group of the server; `None`: those of the caller."""
    data: str
    folders: list[str]
    """Folders to make, which only the account may enter."""
    initdb: list[str]
    """The command that makes the cluster; the folder is appended."""
    lock: int | None
    """A descriptor that every process of the server holds open."""
    log: str
    postgres: list[str]
    removed: list[str]
    """Folders to remove when the server has stopped."""


class ParentGoneError(Exception):
    """The parent stops the server, or has ended."""


def main(plan: Plan) -> int:
    """Run the server until the parent has ended. Return the server's exit code, 0 after a requested stop."""
    log = Path(plan["log"])
    try:
        for folder in plan["folders"]:
            _private_folder(Path(folder), plan["account"])
        logged = log.stat().st_size if log.exists() else 0
        code = _make_cluster(plan) or _run(plan, plan["postgres"])
        if code != 0:
            _report(_cause_in(log.read_bytes()[logged:]))
    except ParentGoneError:
        return 0
    except OSError as error:
        _report(f"{error.strerror}: {error.filename!r}".encode())
        return 1
    finally:
        for folder in plan["removed"]:
            shutil.rmtree(folder, ignore_errors=True)
    return code


def _report(cause: bytes) -> None:
    with suppress(OSError):  # nobody reads it any more
        os.write(1, cause)


def _cause_in(logged: bytes) -> bytes:
    """The first error in what was logged, with its details; else the last line."""
    found = _ERROR.search(logged)
    lines = found.group().splitlines() if found else logged.strip().splitlines()[-1:]
    return b"; ".join(_PREFIX.sub(b"", line).strip() for line in lines)


def _make_cluster(plan: Plan) -> int:
    """Make the cluster, under another name first, so that an incomplete one is never used.

    Return the exit code of initdb, or 0 if the cluster exists.
    """
    data = Path(plan["data"])
    unfinished = data.with_name(f"{data.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    if data.exists():
        return 0
    _private_folder(unfinished, plan["account"])
    if (code := _run(plan, [*plan["initdb"], str(unfinished)])) == 0:
        unfinished.rename(data)
    return code


def _private_folder(folder: Path, account: tuple[int, int] | None) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account:
        os.chown(folder, *account)


def _run(plan: Plan, command: list[str]) -> int:
    """Return the exit code of the command. Raises `ParentGoneError` if the parent stops it or has ended."""
    wake, wakened = os.pipe()
    os.set_blocking(wakened, False)
    signal.set_wakeup_fd(wakened)
    signal.signal(signal.SIGCHLD, _only_wake)
    user, group = plan["account"] or (None, None)
    with Path(plan["log"]).open("ab") as log, subprocess.Popen(  # noqa: S603 - the commands of `embedded`
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
        pass_fds=[] if plan["lock"] is None else [plan["lock"]],
        user=user, group=group, extra_groups=None if user is None else [],
    ) as child:  # fmt: skip
        while child.poll() is None:
            if 0 in select.select([0, wake], [], [])[0]:
                _stop(child)
                raise ParentGoneError
            os.read(wake, 64)
        return child.returncode


def _only_wake(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing: the signal has written to the wake-up descriptor."""


def _stop(child: subprocess.Popen[bytes]) -> None:
    for how, seconds in ((signal.SIGINT, _FAST_S), (signal.SIGQUIT, _IMMEDIATE_S), (signal.SIGKILL, None)):
        child.send_signal(how)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    sys.exit(main(json.loads(sys.argv[1])))
