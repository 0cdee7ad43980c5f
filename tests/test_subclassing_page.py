"""The code of docs/subclassing.md does what the page says, for two owners."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend.errors import NotFoundError
from tests.support.entities import ProjectCreate, ProjectRepository, TicketCreate

PAGE = Path(__file__).parent.parent / "docs" / "subclassing.md"


def test_the_pages_repository_keeps_to_its_owner(clean: Engine) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    page: dict[str, Any] = {"__name__": __name__}
    exec(compile(code, str(PAGE), "exec"), page)  # noqa: S102 - the page's own code
    ids: dict[str, int] = {}
    with Session(clean) as session:
        for owner in ("a", "b"):
            project = ProjectRepository(session).owned_by(owner).create(ProjectCreate(name=f"home of {owner}"))
            tickets = page["TicketRepository"](session).owned_by(owner)
            ids[owner] = tickets.create(TicketCreate(project_id=project.id, title=f"ticket of {owner}")).id
        mine = page["TicketRepository"](session).owned_by("a")
        assert [tuple(row) for row in mine.report()] == [("ticket of a", None)]
        assert [row[1] for row in mine.open_count_by_day()] == [1]
        assert tuple(mine.with_project(ids["a"])) == ("ticket of a", "home of a")
        assert mine.with_project(ids["b"]) is None
        with pytest.raises(NotFoundError):
            mine.claim(ids["b"], "x")
        assert mine.claim(ids["a"], "x").assignee == "x"
        with pytest.raises(NotFoundError):
            mine.claim(ids["a"], "y")
