"""Definitions: a class is checked when it is defined, without a database."""

from datetime import datetime

from pydantic import MISSING, BaseModel
from sqlalchemy import JSON
from sqlmodel import Field, Session, SQLModel, col

from backend import CRUDRepository, generated_key, time_version
from backend.tasks import Task, TaskCreate, TaskUpdate


class Note(SQLModel, table=True):
    """What the mistakes below are about."""

    __tablename__ = "noted"

    id: int = generated_key()
    user_id: str = Field(index=True)
    text: str = Field(max_length=100)
    code: str | None = None
    updated_at: datetime = time_version()


class NoteCreate(BaseModel):
    text: str = Field(max_length=100)


class NoteUpdate(BaseModel):
    text: str | MISSING = Field(default=MISSING, max_length=100)


def no_type_arguments(session: Session) -> None:
    """A repository without its three classes."""

    class Notes(CRUDRepository, owner=col(Note.user_id)): ...

    Notes(session).owned_by("ada").list()


def schemas_swapped() -> None:
    """The schemas in the wrong order."""

    class Notes(CRUDRepository[Note, NoteUpdate, NoteCreate], owner=col(Note.user_id)): ...


def no_table() -> None:
    """A model without `table=True`."""

    class Draft(SQLModel):
        id: int = Field(primary_key=True)

    class Drafts(CRUDRepository[Draft, Draft, Draft]): ...


def owner_by_name() -> None:
    """The owner's column as a name."""

    class Notes(CRUDRepository[Note, NoteCreate, NoteUpdate], owner="user_id"): ...


def owner_of_another_table() -> None:
    """The owner's column of another table."""

    class Notes(CRUDRepository[Note, NoteCreate, NoteUpdate], owner=col(Task.user_id)): ...


def two_owners_of_one_table() -> None:
    """A second repository of a table, without its owner: its calls would reach everybody's rows."""

    class AnyTaskCreate(TaskCreate):
        user_id: str

    class Everything(CRUDRepository[Task, AnyTaskCreate, TaskUpdate]): ...


def version_that_does_not_move() -> None:
    """A version that nothing increases."""

    class Stamp(SQLModel, table=True):
        id: int = generated_key()
        changed_at: datetime

    class StampCreate(BaseModel):
        changed_at: datetime

    class Stamps(CRUDRepository[Stamp, StampCreate, StampCreate], version=col(Stamp.changed_at)): ...


def looser_than_the_table() -> None:
    """A schema that is looser than the table."""

    class LooseCreate(BaseModel):
        text: str

    class Notes(CRUDRepository[Note, LooseCreate, NoteUpdate], owner=col(Note.user_id)): ...


def owner_in_the_create_schema() -> None:
    """The owner in the create schema, which a client fills in."""

    class OwnedCreate(BaseModel):
        user_id: str
        text: str = Field(max_length=100)

    class Notes(CRUDRepository[Note, OwnedCreate, NoteUpdate], owner=col(Note.user_id)): ...


def version_in_the_update_schema() -> None:
    """The version in the update schema.

    Give it as `expected=`.
    """

    class VersionUpdate(BaseModel):
        text: str | MISSING = Field(default=MISSING, max_length=100)
        updated_at: datetime | MISSING = MISSING

    class Notes(
        CRUDRepository[Note, NoteCreate, VersionUpdate], owner=col(Note.user_id), version=col(Note.updated_at)
    ): ...


def key_in_the_update_schema() -> None:
    """The key in the update schema."""

    class KeyUpdate(BaseModel):
        id: int
        text: str = Field(max_length=100)

    class Notes(CRUDRepository[Note, NoteCreate, KeyUpdate], owner=col(Note.user_id)): ...


def missing_without_a_default() -> None:
    """`T | MISSING` without it as the default: the field would be required in every update."""

    class Change(BaseModel):
        text: str | MISSING = Field(max_length=100)

    class Notes(CRUDRepository[Note, NoteCreate, Change], owner=col(Note.user_id)): ...


def field_without_a_column() -> None:
    """A misspelt field in a schema."""

    class MisspeltCreate(BaseModel):
        txt: str = Field(max_length=100)

    class Notes(CRUDRepository[Note, MisspeltCreate, NoteUpdate], owner=col(Note.user_id)): ...


def column_that_nobody_fills() -> None:
    """A required column that the create schema lacks."""

    class CodeCreate(BaseModel):
        code: str

    class Notes(CRUDRepository[Note, CodeCreate, NoteUpdate], owner=col(Note.user_id)): ...


def field_of_another_type() -> None:
    """A field of another type than its column."""

    class NumberCreate(BaseModel):
        text: int

    class Notes(CRUDRepository[Note, NumberCreate, NoteUpdate], owner=col(Note.user_id)): ...


def unique_key_across_owners() -> None:
    """A unique key that a client chooses and that all owners share: it tells one that another has the value."""

    class Label(SQLModel, table=True):
        id: int = generated_key()
        user_id: str
        name: str = Field(unique=True)

    class LabelCreate(BaseModel):
        name: str

    class Labels(CRUDRepository[Label, LabelCreate, LabelCreate], owner=col(Label.user_id)): ...


def reference_across_owners() -> None:
    """A foreign key to another owner's row."""

    class Remark(SQLModel, table=True):
        id: int = generated_key()
        user_id: str
        task_id: int = Field(foreign_key="task.id")

    class RemarkCreate(BaseModel):
        task_id: int

    class RemarkUpdate(BaseModel): ...

    class Remarks(CRUDRepository[Remark, RemarkCreate, RemarkUpdate], owner=col(Remark.user_id)): ...


def text_for_a_time() -> None:
    """Text for a time."""

    class Moment(SQLModel, table=True):
        id: int = generated_key()
        at: datetime

    class MomentCreate(BaseModel):
        at: str

    class Moments(CRUDRepository[Moment, MomentCreate, MomentCreate]): ...


def mutable_default() -> None:
    """A mutable default: pydantic copies it for each row, so that it is no mistake here."""

    class Basket(SQLModel, table=True):
        id: int = generated_key()
        items: list[str] = Field(default=[], sa_type=JSON)

    first, second = Basket(), Basket()
    first.items.append("milk")
    assert second.items == []
