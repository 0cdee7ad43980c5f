"""The table of tasks, and the schemas to create and to update one."""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import MISSING, AfterValidator, BaseModel, StringConstraints
from sqlalchemy import Constraint, Index, PrimaryKeyConstraint, String, Text, false
from sqlmodel import Field, SQLModel

from backend.columns import creation_time, generated_key, time_version

TITLE_LENGTH = 200
"""Characters of a title, at most."""


class Task(SQLModel, table=True):
    """A task of one owner. Read it; to change it call `TaskRepository.update`."""

    __table_args__: ClassVar[tuple[Constraint | Index, ...]] = (
        PrimaryKeyConstraint("id", name="pk_task"),
        Index("ix_task_user_id_id", "user_id", "id"),
    )

    id: int = generated_key()
    title: str = Field(max_length=TITLE_LENGTH, sa_type=String(TITLE_LENGTH))
    description: str | None = Field(default=None, sa_type=Text)
    completed: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    user_id: str = Field(sa_type=Text)
    created_at: datetime = creation_time()
    updated_at: datetime = time_version()


def _not_blank(title: str) -> str:
    if not title.strip():
        raise ValueError("a title is not blank")
    return title


Title = Annotated[str, StringConstraints(max_length=TITLE_LENGTH), AfterValidator(_not_blank)]
"""At most `TITLE_LENGTH` characters, and not only white space."""


class TaskCreate(BaseModel, extra="forbid"):
    """The fields of a new task. The repository sets the owner, the database the id and the times."""

    title: Title
    description: str | None = None
    completed: bool = False


class TaskUpdate(BaseModel, extra="forbid"):
    """The changes of a task: a field that is not set keeps its value."""

    title: Title | MISSING = MISSING
    description: str | MISSING | None = MISSING
    completed: bool | MISSING = MISSING
