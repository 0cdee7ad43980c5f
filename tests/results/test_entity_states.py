"""When an entity's key is assigned, and when SQLAlchemy's public function makes it detached."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import event, inspect

from backend.results.entities import keeps_state
from tests.support.models.suite import Note

ROW = (1,)


def fill(rows: Sequence[Sequence[object]], is_keyed: bool) -> list[Note]:
    """Make notes that have an id alone, as keys need."""
    inspect(Note).registry.configure()
    notes: list[Note] = [inspect(Note).class_manager.new_instance() for _ in rows]
    for note, row in zip(notes, rows, strict=True):
        vars(note).update(dict.fromkeys(Note.model_fields, row[0]))
        if is_keyed:
            inspect(note).key = inspect(Note).identity_key_from_primary_key(tuple(row))
    return notes


def test_a_key_is_assigned_where_that_leaves_the_state_of_the_public_way() -> None:
    assert keeps_state(fill, ROW)


def test_a_state_that_holds_more_is_left_to_the_public_way() -> None:
    def hold_more(target: Note, _names: object) -> None:
        state: Any = inspect(target)
        state.more = True

    event.listen(Note, "expire", hold_more)  # fired by the public way alone
    try:
        assert not keeps_state(fill, ROW)
    finally:
        event.remove(Note, "expire", hold_more)


def test_another_key_is_left_to_the_public_way() -> None:
    def keyed_otherwise(rows: Sequence[Sequence[object]], is_keyed: bool) -> list[Note]:
        notes = fill(rows, is_keyed)
        for note in notes if is_keyed else ():
            inspect(note).key = inspect(Note).identity_key_from_primary_key((2,))
        return notes

    assert not keeps_state(keyed_otherwise, ROW)


def test_a_key_that_cannot_be_assigned_is_left_to_the_public_way() -> None:
    def read_only(rows: Sequence[Sequence[object]], is_keyed: bool) -> list[Note]:
        if is_keyed:
            raise AttributeError("key")
        return fill(rows, is_keyed)

    assert not keeps_state(read_only, ROW)
