"""Where PostgreSQL's programs are looked for, each place tried with programs that only name their version."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.embedded import binaries
from backend.embedded.binaries import find_binaries, major_version
from backend.errors import EmbeddedServerError


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder; no wheel, `pg_config` or package of the system is found."""
    monkeypatch.delenv("POSTGRES_BIN", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(binaries, "_SYSTEM", tmp_path / "system")
    monkeypatch.setattr(binaries, "_WHEELS", ("first-wheel", "second-wheel"))
    monkeypatch.setattr(binaries, "version", "{}-1.0".format)
    monkeypatch.setattr(binaries, "ROOT_FOLDER", tmp_path / "root")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    return tmp_path


@pytest.fixture
def wheels(nowhere: Path) -> Iterator[Path]:
    """The folder of the packages; they are forgotten afterwards."""
    yield nowhere / "site"
    for name in ("first_wheel", "second_wheel"):
        sys.modules.pop(name, None)


def programs(folder: Path, version: str = "18.1") -> Path:
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres", "pg_ctl"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


def wheel(site: Path, name: str, *installs: str) -> list[Path]:
    made = [programs(site / name / install / "bin") for install in installs]
    (site / name / "__init__.py").write_text("raise RuntimeError('its Python is not used')")
    importlib.invalidate_caches()
    return made


def test_every_place_is_named_where_there_is_none(nowhere: Path) -> None:
    with pytest.raises(EmbeddedServerError) as raised:
        find_binaries(None)
    assert str(raised.value) == (
        "no PostgreSQL is installed here, looked for POSTGRES_BIN, the wheels first-wheel, second-wheel, `pg_config` "
        f"and {nowhere / 'system'}: install the extra `embedded`, or set DATABASE_URL"
    )


def test_the_places_are_tried_in_their_order(wheels: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(nowhere / "system" / "9" / "bin")
    programs(nowhere / "system" / "common")
    newest = programs(nowhere / "system" / "16" / "bin")
    assert find_binaries(None) == newest
    configured = programs(nowhere / "configured")
    tool = nowhere / "path" / "pg_config"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\necho '{configured}'\n")
    tool.chmod(0o755)
    assert find_binaries(None) == configured
    _, second = wheel(wheels, "second_wheel", "pginstall", "pginstall18")
    assert find_binaries(None) == second
    (first,) = wheel(wheels, "first_wheel", "pginstall")
    assert find_binaries(None) == first
    named = programs(nowhere / "named")
    monkeypatch.setenv("POSTGRES_BIN", str(named))
    assert find_binaries(None) == named
    assert not {"first_wheel", "second_wheel"} & sys.modules.keys()


def test_a_variable_without_programs_is_refused(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_BIN", str(nowhere))
    with pytest.raises(EmbeddedServerError, match=f"POSTGRES_BIN is '{nowhere}', where there is no initdb: name the"):
        find_binaries(None)


def test_a_folder_without_every_program_is_passed_over(wheels: Path, nowhere: Path) -> None:
    (broken,) = wheel(wheels, "first_wheel", "pginstall")
    (broken / "pg_ctl").unlink()
    (whole,) = wheel(wheels, "second_wheel", "pginstall")
    assert find_binaries(None) == whole


def test_the_wheel_that_the_servers_account_may_not_enter_is_copied(wheels: Path, nowhere: Path) -> None:
    (found,) = wheel(wheels, "second_wheel", "pginstall")
    (wheels / "second_wheel.libs").mkdir()
    (wheels / "second_wheel.libs" / "libpq.so").touch()
    nowhere.chmod(0o700)
    copied = find_binaries((1, 1))
    assert copied == nowhere / "root" / "second-wheel-second-wheel-1.0" / found.relative_to(wheels)
    assert (nowhere / "root" / "second-wheel-second-wheel-1.0" / "second_wheel.libs" / "libpq.so").exists()
    assert major_version(copied) == 18
    assert find_binaries((1, 1)) == copied


def test_other_programs_that_the_servers_account_may_not_enter_are_refused(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = nowhere / "closed"
    nowhere.chmod(0o755)
    monkeypatch.setenv("POSTGRES_BIN", str(programs(closed / "bin")))
    closed.chmod(0o700)
    with pytest.raises(
        EmbeddedServerError, match=r"runs as nobody, which may not enter '.*': name another folder in P"
    ):
        find_binaries((1, 1))


@pytest.mark.parametrize("program", ["echo no version", "echo cannot >&2; exit 1"])
def test_programs_that_do_not_run_are_named(nowhere: Path, program: str) -> None:
    folder = programs(nowhere / "broken")
    (folder / "postgres").write_text(f"#!/bin/sh\n{program}\n")
    with pytest.raises(EmbeddedServerError, match=f"the PostgreSQL in '{folder}' does not run: "):
        major_version(folder)
    (folder / "postgres").write_text("#!/no/such/shell\n")
    with pytest.raises(EmbeddedServerError, match=f"the PostgreSQL in '{folder}' does not run: No such file"):
        major_version(folder)
