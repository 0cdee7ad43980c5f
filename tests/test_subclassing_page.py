"""The code of docs/subclassing.md does what the page says, for two owners."""

from pathlib import Path

from tests.support.docs_examples import run, write_files

CALLS = """
from datetime import date

from backend import Database, init_db
from backend.errors import NotFoundError
from library.loans import LoanRepository
from library.models import BookCreate, LoanCreate
from library.repository import BookRepository

ids = {}
with Database() as db, db.session() as session:
    init_db(db)
    for owner in ("a", "b"):
        book = BookRepository(session).owned_by(owner).create(BookCreate(isbn="1", title=f"book of {owner}"))
        loans = LoanRepository(session).owned_by(owner)
        ids[owner] = loans.create(LoanCreate(book_id=book.id, borrower=f"friend of {owner}")).id
    mine = LoanRepository(session).owned_by("a")
    assert [tuple(row) for row in mine.report()] == [("friend of a", None)]
    assert [row[1] for row in mine.open_count_by_day()] == [1]
    assert tuple(mine.with_book(ids["a"])) == ("friend of a", "book of a")
    assert mine.with_book(ids["b"]) is None
    today = date(2026, 1, 2)

    def refused(id):
        try:
            mine.give_back(id, today)
        except NotFoundError:
            return True
        return False

    assert refused(ids["b"])
    assert mine.give_back(ids["a"], today).returned_on == today
    assert refused(ids["a"])
"""


def test_the_pages_repository_keeps_to_its_owner(own_tables: str, tmp_path: Path) -> None:
    write_files("docs/entities.md", tmp_path)
    write_files("docs/subclassing.md", tmp_path)
    run(["-c", CALLS], tmp_path, own_tables)
