"""The type of ids of a primary key of several columns: what is refused when a class is defined, with the fix."""

from collections import namedtuple
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple, NewType

import pytest
from sqlalchemy import ARRAY, Column, Identity, PrimaryKeyConstraint, Text
from sqlalchemy.exc import SADeprecationWarning
from sqlmodel import Field, col

from backend.errors import DefinitionError
from tests.support.models.invalid import Hero, HeroCreate, HeroUpdate, Local, Pair, repository, schema

Course = NewType("Course", int)


class Line(Local, table=True):
    """A key whose parts differ in type, and a column after the key's."""

    code: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_args=[Identity()], default=None)
    text: str


class Turned(Local, table=True):
    """The constraint has another order than the fields."""

    __table_args__ = (PrimaryKeyConstraint("day", "code"),)

    code: str
    day: date


class Owned(Local, table=True):
    """The owner is the first column of the key."""

    tenant: int = Field(primary_key=True)
    number: int = Field(primary_key=True)


class Foreign(Local, table=True):
    """An owner that is no part of the key."""

    left: int = Field(primary_key=True)
    right: int = Field(primary_key=True)
    tenant: str


class Listed(Local, table=True):
    """A part of the key that is a list."""

    marks: list[str] = Field(sa_column=Column(ARRAY(Text), primary_key=True))
    number: int = Field(primary_key=True)


class ListedId(NamedTuple):
    marks: list  # type: ignore[type-arg]
    number: int


class Keyless(Local, table=True):
    """The mapper has a key, the table has none."""

    __mapper_args__ = {"primary_key": ["number"]}  # noqa: RUF012 - as SQLAlchemy reads it

    number: int
    text: str


class PairId(NamedTuple):
    right: int
    left: int


class CourseId(NamedTuple):
    left: Course
    right: int


class LineId(NamedTuple):
    code: str
    number: int


class OwnedId(NamedTuple):
    tenant: int
    number: int


class Longer(NamedTuple):
    left: int
    right: int
    more: int


class Other(NamedTuple):
    left: int
    wrong: int


class Typed(NamedTuple):
    left: int
    right: str


class Optional(NamedTuple):
    left: int
    right: int | None


class Undefined(NamedTuple):
    left: int
    right: "Nowhere"  # type: ignore[name-defined]  # noqa: F821 - what the test is about


Plain: Any = namedtuple("Plain", "left right")  # pyright: ignore[reportUntypedNamedTuple]  # no types

PAIR = schema("NewPair", left=int, right=int)
LINE = schema("NewLine", code=str, text=str)
NOTHING = schema("Changed")
NAME_PAIR_ID = (
    "declare class PairId(NamedTuple) with the fields left: int, right: int, and name it as the fourth type argument"
)
NAME_LINE_ID = (
    "declare class LineId(NamedTuple) with the fields code: str, number: int, and name it as the fourth type argument"
)


def pair(id_type: Any) -> Callable[[], object]:
    return lambda: repository(Pair, PAIR, NOTHING, id_type)


def line(id_type: Any, create: Any = LINE, update: Any = NOTHING) -> Callable[[], object]:
    return lambda: repository(Line, create, update, id_type)


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "one class": (pair(int), f"Pair has the primary key (left, right), Wrong has int as its id type: {NAME_PAIR_ID}"),
    "no class": (
        pair(int | str),
        f"Pair has the primary key (left, right), Wrong has int | str as its id type: {NAME_PAIR_ID}",
    ),
    "a tuple without parts": (
        pair(tuple),
        f"Pair has the primary key (left, right), Wrong has tuple as its id type: {NAME_PAIR_ID}",
    ),
    "a field too many": (
        pair(Longer),
        "Longer has the fields (left, right, more), the primary key of Pair is (left, right): "
        "declare the fields left: int, right: int",
    ),
    "a field of another name": (
        pair(Other),
        "Other has the fields (left, wrong), the primary key of Pair is (left, right): "
        "declare the fields left: int, right: int",
    ),
    "a field of another type": (pair(Typed), "Typed.right is str, Pair.right holds int: declare it int"),
    "a field that may be None": (
        pair(Optional),
        "Optional.right is int | None, Pair.right holds int: declare it int",
    ),
    "a field without a type": (pair(Plain), "Plain.left has no type, Pair.left holds int: declare it int"),
    "a field of a type that does not exist": (
        pair(Undefined),
        "Undefined names Nowhere, which is not defined: define it before the class",
    ),
    "a tuple of equal types": (
        pair(tuple[int, int]),
        "Wrong has tuple[int, int] as its id type, in which left and right of Pair could be swapped unnoticed: "
        + NAME_PAIR_ID,
    ),
    "a tuple of types that differ by name alone": (
        pair(tuple[Course, int]),
        "Wrong has tuple[Course, int] as its id type, in which left and right of Pair could be swapped unnoticed: "
        + NAME_PAIR_ID,
    ),
    "a tuple of any length": (
        pair(tuple[int, ...]),
        "Wrong has tuple[int, ...] as its id type, the primary key of Pair is (left: int, right: int): " + NAME_PAIR_ID,
    ),
    "a tuple that is too short": (
        line(tuple[str]),
        "Wrong has tuple[str] as its id type, the primary key of Line is (code: str, number: int): " + NAME_LINE_ID,
    ),
    "a tuple in another order": (
        line(tuple[int, str]),
        "Wrong has tuple[int, str] as its id type, the primary key of Line is (code: str, number: int): "
        + NAME_LINE_ID,
    ),
    "a part that the database generates": (
        line(LineId, schema("New", code=str, number=int, text=str)),
        "New.number is generated by the database: remove it",
    ),
    "a part that nobody gives": (
        line(LineId, schema("New", text=str)),
        "Line.code is required and neither New nor the database gives it: add it to New, or a server_default to Line, "
        "or name it as the owner, owner=col(Line.code)",
    ),
    "a part that changes": (
        line(LineId, LINE, schema("Change", code=(str, ""))),
        "Change.code is the primary key, which never changes: remove it",
    ),
    "a part as the version": (
        lambda: repository(Line, LINE, NOTHING, LineId, version=col(Line.number)),
        "Line.number never changes and is no version: use another column",
    ),
    "the owner in the create schema": (
        lambda: repository(
            Owned, schema("New", tenant=int, number=int), NOTHING, OwnedId, int, owner=col(Owned.tenant)
        ),
        "New.tenant is the owner, which owned_by() stamps: remove it",
    ),
    "a client's parts that compare across owners": (
        lambda: repository(Foreign, PAIR, NOTHING, PairId, owner=col(Foreign.tenant)),
        "the key (left, right) of Foreign is shared by all owners, so one owner can find out which values another has: "
        "add tenant to it, or name it in shared_keys=(col(Foreign.left), col(Foreign.right)) of Wrong",
    ),
    "a table without a key": (
        lambda: repository(Keyless, schema("New", number=int, text=str), NOTHING),
        "the table of Keyless has no primary key: declare primary_key=True",
    ),
    "a part whose values have no hash": (
        lambda: repository(Listed, schema("New", marks=list[str], number=int), NOTHING, ListedId),
        "Listed.marks is the primary key and list, by which get_many() could return no dict: "
        "use a column whose values have a hash",
    ),
}

RIGHT: dict[str, Callable[[], object]] = {
    "fields in any order": pair(PairId),
    "a class with a name of its own": lambda: repository(Hero, HeroCreate, HeroUpdate, Course),
    "a field of a type with a name of its own": pair(CourseId),
    "a tuple of types that differ": line(tuple[str, int]),
    "a tuple in the order of the constraint": lambda: repository(
        Turned, schema("New", code=str, day=date), NOTHING, tuple[date, str]
    ),
    "the owner as a part": lambda: repository(
        Owned, schema("New", number=int), NOTHING, OwnedId, int, owner=col(Owned.tenant)
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_id_type_is_refused_with_the_fix(case: str) -> None:
    define, text = WRONG[case]
    with pytest.raises(DefinitionError) as raised:
        define()
    assert str(raised.value) == text


@pytest.mark.parametrize("case", RIGHT)
def test_a_right_id_type_is_accepted(case: str) -> None:
    RIGHT[case]()


def test_a_key_that_is_mapped_in_part_is_refused() -> None:
    with pytest.warns(SADeprecationWarning, match="is excluded from the mapping"):

        class Partial(Local, table=True):
            __mapper_args__ = {"primary_key": ["left"], "exclude_properties": ["right"]}  # noqa: RUF012 - as above

            left: int = Field(primary_key=True)
            right: int = Field(primary_key=True)

    with pytest.raises(DefinitionError) as raised:
        repository(Partial, schema("New", left=int), NOTHING)
    assert str(raised.value) == "the table of Partial has a primary key that is mapped in part: map it"
