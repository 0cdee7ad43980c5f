"""Data becomes column values: what was set, validated again, and only what PostgreSQL can store."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING
from sqlmodel import SQLModel, col

from backend.entity.checks import ClassOptions, define
from backend.entity.column_types import is_storable
from backend.errors import InvalidDataError, UsageError
from backend.input.reader import SchemaReader
from backend.tasks import Task, TaskCreate, TaskUpdate
from tests.support.models.suite import Note, NoteCreate, NoteUpdate

TASK = define(
    "TaskRepository",
    (Task, TaskCreate, TaskUpdate, int, str),
    ClassOptions(owner=col(Task.user_id), version=col(Task.updated_at)),
)
NOTE = define("NoteRepository", (Note, NoteCreate, NoteUpdate, UUID, str), ClassOptions(version=col(Note.revision)))
CREATED, CHANGED = SchemaReader(TASK, TaskCreate, "create"), SchemaReader(TASK, TaskUpdate, "update")
Nested: TypeAlias = "str | list[Nested] | dict[str, Nested]"
NOTE_CHANGED = SchemaReader(NOTE, NoteUpdate, "update")


def test_for_insert_includes_defaults() -> None:
    assert CREATED.insert_values(TaskCreate(title="x")) == {"title": "x", "description": None, "completed": False}


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (TaskUpdate(), {}),
        (TaskUpdate(title="x"), {"title": "x"}),
        (TaskUpdate(description=None), {"description": None}),
        (TaskUpdate(completed=False, title="x"), {"title": "x", "completed": False}),
        (TaskUpdate(title=MISSING, completed=True), {"completed": True}),
    ],
)
def test_for_update_has_the_fields_that_were_set(data: TaskUpdate, values: Mapping[str, object]) -> None:
    assert CHANGED.update_values(data) == values


def test_for_update_has_none_only_if_it_was_given() -> None:
    assert NOTE_CHANGED.update_values(NoteUpdate(rank=None)) == {"rank": None}
    assert NOTE_CHANGED.update_values(NoteUpdate()) == {}


def test_none_for_a_column_that_forbids_it_is_refused() -> None:
    with pytest.raises(InvalidDataError, match=r"^invalid NoteUpdate: text: None is not allowed here$") as raised:
        NOTE_CHANGED.update_values(NoteUpdate(text=None))
    assert raised.value.fields == ("text",)


def test_what_was_assigned_after_validation_is_validated() -> None:
    data = TaskUpdate(title="x")
    data.title = " "
    with pytest.raises(InvalidDataError, match="title"):
        CHANGED.update_values(data)


def test_what_was_constructed_past_validation_is_validated() -> None:
    with pytest.raises(InvalidDataError) as raised:
        CREATED.insert_values(TaskCreate.model_construct(title="s3cret" * 50))
    assert "s3cret" not in f"{raised.value}{raised.value.problems}"


@pytest.mark.parametrize("data", [TaskUpdate(title="x"), Task(title="x", user_id="a"), {"title": "x"}, None])
def test_another_class_is_refused_with_what_to_pass(data: SQLModel) -> None:
    with pytest.raises(UsageError, match=r"^create takes a TaskCreate, got (None|a \w+): pass TaskCreate\(…\)$"):
        CREATED.insert_values(data)


@given(st.text())
def test_text_is_storable_if_it_is_utf_8_without_nul(text: str) -> None:
    encodes = not any(0xD800 <= ord(character) <= 0xDFFF for character in text)
    assert is_storable(text) == (encodes and "\0" not in text)


TEXTS = st.text(alphabet="aé\0\udfff", max_size=2)


@given(st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)))
def test_what_holds_text_is_storable_if_all_of_it_is(value: Nested) -> None:
    assert is_storable(value) == all(map(is_storable, texts_in(value)))


def texts_in(value: Nested) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    else:
        parts = value if isinstance(value, list) else [*value, *value.values()]
        for part in parts:
            yield from texts_in(part)


STORABLE = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200)


@given(STORABLE.filter(str.strip))
def test_a_storable_title_that_is_not_blank_is_taken_as_it_is(title: str) -> None:
    assert CREATED.insert_values(TaskCreate(title=title))["title"] == title


@given(st.text(max_size=20), st.sampled_from(["\0", "\ud800", "\udfff"]), st.text(max_size=20))
def test_text_that_cannot_be_stored_is_refused_before_sql(before: str, bad: str, after: str) -> None:
    with pytest.raises(InvalidDataError) as raised:
        CREATED.insert_values(TaskCreate.model_construct(title="x", description=before + bad + after))
    assert raised.value.fields == ("description",)
