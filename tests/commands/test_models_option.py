"""`--models` of `check` and `init`: which modules it imports, what it finds in them, and how it refuses others."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.__main__ import main
from backend.commands.models import import_application
from backend.errors import UsageError
from tests.support.cli import CommandLine

MODELS = """
from sqlalchemy import Index, MetaData
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

print("imported")

class Base(SQLModel, registry=registry(metadata=MetaData())):
    owner: str

class Pot(Base, table=True):
    __table_args__ = (Index("ix_pot_owner_id", "owner", "id"),)
    id: int = Field(default=None, primary_key=True)
"""
REPOSITORIES = """
from typing import Generic, TypeVar
from backend import CRUDRepository
from pydantic import BaseModel
from sqlmodel import col
from .models import Pot

class Empty(BaseModel): ...

Model = TypeVar("Model", bound=Pot)

class Repository(CRUDRepository[Model, Empty, Empty], Generic[Model], owner=col(Pot.owner)): ...

class PotRepository(Repository[Pot]):
    class Inner: ...
"""


@pytest.fixture(scope="module")
def folder(cli: CommandLine) -> Path:
    """The folder of the command line, with a package of an application."""
    package = cli.folder / "shop"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("raise SystemExit('a program')")
    (package / "deep" / "__init__.py").write_text("")
    (package / "deep" / "models.py").write_text(MODELS)
    (package / "deep" / "repositories.py").write_text(REPOSITORIES)
    return cli.folder


@pytest.fixture
def run(
    folder: Path, new_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs a command in this process: its exit code and its output."""
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    monkeypatch.setenv("DATABASE_URL", new_url)

    def run(*arguments: str) -> tuple[int, str]:
        return main(arguments), capsys.readouterr().out

    return run


def test_init_and_check_take_the_models_of_an_application(cli: CommandLine, folder: Path, new_url: str) -> None:
    made = cli.run("init", "--models", "shop", DATABASE_URL=new_url)
    checked = cli.run("check", "--models", "shop", "--json", DATABASE_URL=new_url)
    assert (made.returncode, made.stdout, made.stderr) == (0, "the tables exist: pot\n", "imported\n")
    assert (checked.returncode, checked.stderr) == (0, "imported\n")
    found = [one for one in json.loads(checked.stdout)["findings"] if one["name"] in ("tables", "indexes")]
    assert [(one["name"], one["level"], one["text"], one["values"]) for one in found] == [
        ("tables", "ok", "pot is as its model declares it, for PotRepository", VALUES),
        (
            "indexes",
            "ok",
            "pot serves get, update and delete by owner and id; "
            "list, page, cursor_page and stream of one owner in the order of the key",
            VALUES,
        ),
    ]


def test_a_database_without_its_tables_fails_the_check_of_an_application(run: Callable[..., tuple[int, str]]) -> None:
    code, text = run("check", "--models", "shop")
    fix = "run python -m backend init with the same --models, which creates missing tables"
    assert code == 1
    assert text.endswith(f"problem  tables   pot is missing\n                  -> {fix}\n")
    code, text = run("check", "--models", "shop", "--json")
    assert code == 1
    assert json.loads(text)["findings"][-1] == {
        "name": "tables", "level": "problem", "text": "pot is missing", "fix": fix, "values": VALUES,
    }  # fmt: skip


def test_several_modules_are_one_application(run: Callable[..., tuple[int, str]]) -> None:
    made = run("init", "--models", "shop.deep.repositories", "backend.tasks")
    assert made == (0, "the tables exist: pot, task\n")
    code, text = run("check", "--models", "backend.tasks", "--models", "shop")
    assert code == 0
    assert "\nok       tables   pot is as its model declares it, for PotRepository\n" in text
    assert "\nok       tables   task is as its model declares it, for TaskRepository and AsyncTaskRepository\n" in text
    assert "advice   indexes" not in text


VALUES = {"table": "pot", "repositories": "PotRepository"}
HIDDEN = "canary"
ALONE = """
from sqlmodel import Field, SQLModel
from sqlalchemy import MetaData
from sqlalchemy.orm import registry
class Base(SQLModel, registry=registry(metadata=MetaData())): ...
"""
REFUSED: dict[str, tuple[str, str]] = {
    "raises": (
        f"raise ValueError('{HIDDEN}')",
        "the module {name} cannot be imported: ValueError, which python -c 'import {name}' shows: name the "
        "modules that hold models and repositories",
    ),
    "ends_the_process": (
        f"raise SystemExit('{HIDDEN}')",
        "the module {name} cannot be imported: SystemExit, which python -c 'import {name}' shows: name the "
        "modules that hold models and repositories",
    ),
    "imports_what_is_missing": (
        "import nowhere.to_be_found",
        "the module {name} cannot be imported: it imports nowhere, which does not exist",
    ),
    "is_no_definition": (
        "from backend import CRUDRepository\nclass Empty(CRUDRepository[int, int, int]): ...",
        "the module {name} cannot be imported: Empty is bound to int, expected a SQLModel class with table=True",
    ),
    "has_no_models": ("x = 1", "no model is in {name}: name the modules that hold models and repositories"),
    "refers_to_another": (
        ALONE + "class Left(Base, table=True):\n"
        "    id: int = Field(default=None, primary_key=True)\n"
        "    right_id: int = Field(foreign_key='right.id')\n",
        "left refers to right, whose model was not imported: name its module as well",
    ),
    "relates_to_nothing": (
        ALONE + "from sqlmodel import Relationship\n"
        "class Lonely(Base, table=True):\n"
        "    id: int = Field(default=None, primary_key=True)\n"
        "    nobody: 'Nobody' = Relationship()\n",
        "the models' relationships cannot be resolved: ",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_module_that_is_no_application_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, message = REFUSED[name]
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(UsageError) as refused:
        import_application([name])
    assert str(refused.value).startswith(message.format(name=name))
    assert HIDDEN not in str(refused.value)


def test_a_module_that_does_not_exist_is_refused() -> None:
    for name in ("nowhere", "nowhere.models", "backend.nowhere"):
        with pytest.raises(UsageError, match=f"^the module {name} does not exist: name one that can be imported"):
            import_application([name])


NOWHERE = "the module nowhere does not exist: name one that can be imported from here"


@pytest.mark.parametrize("command", ["check", "init"])
def test_a_refused_module_is_one_line(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://canary@127.0.0.1:1/canary")
    assert main([command, "--models", "nowhere"]) == 1
    assert (
        capsys.readouterr().err == "error: the module nowhere does not exist: name one that can be imported from here\n"
    )


def test_a_refused_module_is_reported_to_a_program(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://canary@127.0.0.1:1/canary")
    assert main(["check", "--models", "nowhere", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["usable"], report["findings"]) == (False, [])
    assert report["error"] == NOWHERE
