"""The examples in the docstrings of public names, which are the reference, run."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import backend
from backend import testing
from tests.support.docs_examples import run, write_files

GIVEN = """
from uuid import UUID

from pydantic import MISSING, BaseModel
from sqlalchemy import func
from sqlmodel import SQLModel, col

from backend import Change, CRUDRepository, Database, generated_uuid_key, if_given, init_db, shows, typed
from backend.testing import RepositoryContract, round_trips
from backend.tasks import Task, TaskCreate, TaskUpdate
from library.models import Book
from library.repository import BookRepository


class Note(SQLModel, table=True):
    id: UUID = generated_uuid_key()
    text: str


class NoteCreate(BaseModel):
    text: str


class NoteUpdate(BaseModel):
    text: str | MISSING = MISSING


class NoteRepository(CRUDRepository[Note, NoteCreate, NoteUpdate, UUID]): ...


Ticket, title, pages = Book, None, 60
db = Database()
init_db(db)
session = db.session()
books, notes = BookRepository(session).owned_by("ada"), NoteRepository(session)
repository = notes
"""
_EXAMPLE = re.compile(r"\n\n((?:    .*\n|\n)+)")


def examples() -> Iterator[tuple[str, str]]:
    """Each public name with an example, and the example; of the twins, the synchronous one's."""
    for module, name in [
        *((backend, name) for name in backend.__all__),
        *((testing, name) for name in testing.__all__),
    ]:
        value: object = getattr(module, name)
        members = inspect.getmembers(value, inspect.isfunction) if inspect.isclass(value) else []
        for path, each in [(name, value), *((f"{name}.{member}", function) for member, function in members)]:
            text = inspect.getdoc(each) or ""
            if callable(each) and not name.startswith("Async") and (found := _EXAMPLE.search(f"{text}\n")):
                yield path, dedent(found[1]).replace("…", "")


def test_the_examples_run(own_tables: str, tmp_path: Path) -> None:
    found = dict(examples())
    assert found.keys() >= {"CRUDRepository", "CRUDRepository.stream", "Change", "if_given", "shows", "round_trips"}
    write_files("docs/entities.md", tmp_path)
    run(["-c", "\n".join([GIVEN, *found.values(), "session.close()", "db.close()"])], tmp_path, own_tables)
