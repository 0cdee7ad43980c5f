"""What reaches across owners without a schema: changes, computed columns, referential actions, loose owner columns."""

import re
from enum import StrEnum
from itertools import count
from typing import Any

import pytest
from sqlalchemy import (
    CHAR,
    JSON,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    column,
    func,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import CITEXT, DOMAIN, INET, JSONB
from sqlalchemy.types import TypeDecorator, UserDefinedType
from sqlmodel import Field, col
from typing_extensions import override

from backend import Change, typed
from backend.errors import DefinitionError, UsageError
from tests.support.models.invalid import NAMED, RENAMED, owned, repository, schema

WITH_PARENT = schema("WithParent", name=str, parent_id=int)


def own(model: Any, create: Any = NAMED, update: Any = RENAMED, **keywords: Any) -> Any:
    """A class of an owned model."""
    return repository(model, create, update, owner=col(model.owner_id), **keywords)


def changing(cls: Any, **values: Any) -> Any:
    """The statement of a change that sets these columns."""
    definition: Any = cls._class_metadata
    columns = definition.entity.model
    change = Change(*(typed(getattr(columns, name)).to(value) for name, value in values.items()))
    return definition.scoped.change(change, {})


# Changes

UNSEEN = {
    "a unique constraint": lambda: owned("SetOne", UniqueConstraint("code"), code=(str | None, None)),
    "a key of two columns": lambda: owned("SetTwo", UniqueConstraint("code", "id"), code=(str | None, None)),
    "a unique index": lambda: owned("SetThree", Index("set_three", "code", unique=True), code=(str | None, None)),
}


@pytest.mark.parametrize("case", UNSEEN)
def test_a_change_sets_no_key_that_compares_across_owners_and_that_no_schema_sets(case: str) -> None:
    model = UNSEEN[case]()
    with pytest.raises(UsageError, match=r"a Change of \w+ sets a part of the key \(code.*\), which is shared"):
        changing(own(model), code="x")
    columns = [f"col({model.__name__}.{name})" for name in ("code", "id")[: 2 if "two" in case else 1]]
    sharing = re.escape(f"shared_keys=({', '.join(columns)}{',' * (len(columns) == 1)})")
    with pytest.raises(UsageError, match=f"add the owner to the key, or name it in {sharing}$"):
        changing(own(model), name="y", code="x")
    assert changing(own(model), name="x") is not None
    shared = (col(model.code), col(model.id)) if "two" in case else (col(model.code),)
    assert changing(own(model, shared_keys=shared), code="x") is not None


def test_a_change_sets_a_key_of_each_owner() -> None:
    model = owned("SetOwn", UniqueConstraint("owner_id", "code"), code=(str | None, None))
    assert changing(own(model), code="x") is not None


def test_a_change_sets_no_foreign_key_that_crosses_owners_whichever_class_is_defined_first() -> None:
    parent = owned("SetParent", UniqueConstraint("id", "owner_id"))
    reference = ForeignKeyConstraint(["parent_id"], ["setparent.id"])
    child = owned("SetChild", reference, parent_id=(int | None, None))
    cls = own(child)
    assert changing(cls, parent_id=1) is not None
    own(parent)
    with pytest.raises(UsageError, match=r"a Change of SetChild sets a part of the key \(parent_id\)"):
        changing(cls, parent_id=1)
    assert changing(own(child, shared_keys=(col(child.parent_id),)), parent_id=1) is not None
    paired = ForeignKeyConstraint(["parent_id", "owner_id"], ["setparent.id", "setparent.owner_id"])
    assert changing(own(owned("SetPaired", paired, parent_id=(int | None, None))), parent_id=1) is not None


def test_a_change_of_a_model_without_an_owner_sets_its_keys_and_no_foreign_key_to_an_owned_model() -> None:
    own(owned("SetOther", UniqueConstraint("id", "owner_id")))
    reference = ForeignKeyConstraint(["parent_id"], ["setother.id"])
    model = owned("SetFree", UniqueConstraint("code"), reference, code=(str | None, None), parent_id=(int | None, None))
    cls = repository(model, schema("New", name=str, owner_id=str), RENAMED)
    assert changing(cls, code="x") is not None
    with pytest.raises(UsageError, match=r"sets a part of the key \(parent_id\)"):
        changing(cls, parent_id=1)


# Computed columns


def test_a_key_of_a_column_that_is_computed_from_others_is_chosen_with_them() -> None:
    model = owned(
        "Computing",
        UniqueConstraint("lowered"),
        lowered=(str, Field(default=None, sa_type=Text, sa_column_args=[Computed("lower(name)")])),
    )
    with pytest.raises(DefinitionError, match=r"^the key \(lowered\) of Computing is shared by all owners"):
        own(model)
    own(model, shared_keys=(col(model.lowered),))


# Referential actions

ACTIONS = ["CASCADE", "set null", "SET DEFAULT", "SET  NULL (parent_id)"]


def _family(name: str, *, paired: bool = False, **actions: Any) -> tuple[Any, Any]:
    parent = owned(f"{name}Parent", UniqueConstraint("id", "owner_id"))
    table = f"{name}Parent".lower()
    own_columns, targets = ["parent_id"], [f"{table}.id"]
    if paired:
        own_columns, targets = [*own_columns, "owner_id"], [*targets, f"{table}.owner_id"]
    return parent, owned(name, ForeignKeyConstraint(own_columns, targets, **actions), parent_id=(int | None, None))


@pytest.mark.parametrize("event", ["ondelete", "onupdate"])
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("parent_first", [True, False])
def test_a_shared_foreign_key_that_changes_other_owners_rows_is_refused(
    event: str, action: str, parent_first: bool
) -> None:
    acting: dict[str, Any] = {event: action}
    parent, child = _family(f"Acting{event}{ACTIONS.index(action)}{parent_first}", **acting)
    shared = {"shared_keys": (col(child.parent_id),)}
    classes: list[Any] = [lambda: own(parent), lambda: own(child, WITH_PARENT, **shared)]
    first, second = classes if parent_first else reversed(classes)
    first()
    said = rf"the foreign key \(parent_id\) of \w+, which Wrong shares, has ON {event[2:].upper()} {action.upper()[:3]}"
    with pytest.raises(DefinitionError, match=said) as raised:
        second()
    assert ": remove it, or make it ForeignKeyConstraint(['parent_id', 'owner_id'], " in str(raised.value)


@pytest.mark.parametrize("action", ["no action", "RESTRICT"])
def test_a_shared_foreign_key_that_changes_nothing_is_accepted(action: str) -> None:
    parent, child = _family(f"Still{action[:2]}", ondelete=action, onupdate=action)
    own(parent)
    own(child, WITH_PARENT, shared_keys=(col(child.parent_id),))


def test_a_foreign_key_of_each_owner_may_cascade() -> None:
    parent, child = _family("Cascading", paired=True, ondelete="CASCADE", onupdate="CASCADE")
    own(parent)
    own(child, WITH_PARENT)


def test_rows_without_an_owner_may_go_with_what_they_refer_to() -> None:
    parent, child = _family("Following", ondelete="CASCADE")
    own(parent)
    keywords: dict[str, Any] = {"shared_keys": (col(child.parent_id),)}
    repository(child, schema("New", name=str, owner_id=str, parent_id=int), RENAMED, **keywords)


# Owners that compare loosely


class Spelt(UserDefinedType[str]):
    """A type whose SQL is what it is given."""

    cache_ok: Any = True

    def __init__(self, spec: str) -> None:
        self.spec = spec

    @override
    def get_col_spec(self, **_: object) -> str:
        return self.spec


class Decorated(TypeDecorator[str]):
    """A type of the application over one that compares loosely."""

    impl: Any = CITEXT
    cache_ok: Any = True


LOOSE: list[tuple[Any, str]] = [
    (CHAR(8), r"CHAR\(8\)"),
    (CITEXT(), "CITEXT"),
    (Decorated(), "CITEXT"),
    (Spelt("character(9)"), r"character\(9\)"),
    (Spelt("bpchar"), "bpchar"),
    (DOMAIN("name", CITEXT()), "CITEXT"),
]
COLLATED: list[Any] = [String(collation="C_"), Text(collation="de-x-icu"), DOMAIN("name", Text(), collation="loose")]
EXACT: list[Any] = [String(8), Text(), String(collation="C"), Spelt("character varying(9)"), Uuid(native_uuid=False)]


_NUMBERS = count()


def _owned_by(kind: Any) -> Any:
    return owned(f"OwnedBy{next(_NUMBERS)}", owner_id=(str, Field(sa_type=kind)))


@pytest.mark.parametrize(("kind", "said"), LOOSE, ids=repr)
def test_an_owner_of_a_type_that_compares_loosely_is_refused(kind: Any, said: str) -> None:
    model = _owned_by(kind)
    with pytest.raises(DefinitionError, match=rf"owner_id is the owner and {said}, which takes .*: give it sa_"):
        repository(model, NAMED, RENAMED, owner=col(model.owner_id))


@pytest.mark.parametrize("kind", COLLATED, ids=repr)
def test_an_owner_of_a_collation_that_may_compare_loosely_is_refused(kind: Any) -> None:
    model = _owned_by(kind)
    with pytest.raises(DefinitionError, match=r"has the collation .*, which may take .*: remove it, or make it 'C'"):
        repository(model, NAMED, RENAMED, owner=col(model.owner_id))


@pytest.mark.parametrize("kind", EXACT, ids=repr)
def test_an_owner_of_a_type_that_tells_texts_apart_is_accepted(kind: Any) -> None:
    model = _owned_by(kind)
    python: Any = kind.python_type if not isinstance(kind, Spelt) else str
    repository(model, NAMED, RENAMED, int, python, owner=col(model.owner_id))


class Team(StrEnum):
    RED = "red"


UNUSABLE: list[tuple[Any, type, str]] = [
    (
        Field(sa_type=JSONB),
        str,
        r"is the owner and JSON, in which different owners may be equal, .*: give it sa_type=S",
    ),
    (Field(sa_type=JSON), dict, r"is the owner and JSON, .* no owner is if it is not JSONB: give it sa_type=String or"),
    (
        Field(default=None, sa_column_args=[Computed(func.lower(column("name")))], nullable=False),
        str,
        "is the owner, which never changes, and computed: make it a plain column",
    ),
    (
        Field(sa_type=INET),
        str,
        r"holds IPv4Address, Wrong has str as its owner type \(the default\): name its .*, Id, IPv4Address\]$",
    ),
    (
        Field(sa_type=String),
        Team,
        r"holds str, Wrong has Team as its owner type: name its .*, Id, str\]$",
    ),
]


@pytest.mark.parametrize(("field", "declared", "said"), UNUSABLE, ids=["JSONB", "JSON", "computed", "INET", "StrEnum"])
def test_an_owner_whose_column_takes_no_such_owner_is_refused(field: Any, declared: type, said: str) -> None:
    model = owned(f"OwnedBy{next(_NUMBERS)}", owner_id=(str, field))
    with pytest.raises(DefinitionError, match=rf"\.owner_id {said}"):
        repository(model, NAMED, RENAMED, int, declared, owner=col(model.owner_id))


# Defaults


@pytest.mark.parametrize("role", ["default", "onupdate"])
def test_a_default_that_reads_an_owned_table_is_refused_whichever_class_is_defined_first(role: str) -> None:
    number = next(_NUMBERS)
    read = owned(f"Read{number}")
    largest = select(func.max(read.id)).scalar_subquery()
    reading = owned(
        f"Reading{number}", rank=(int, Field(default=None, sa_column_kwargs={role: largest}, nullable=True))
    )
    message = rf"^the {role} of Reading{number}\.rank reads read{number}, which has owners, for all of them: set it by"
    if role == "default":
        own(read)
        with pytest.raises(DefinitionError, match=message):
            own(reading)
    else:
        own(reading)
        with pytest.raises(DefinitionError, match=message):
            own(read)


def test_a_default_that_reads_its_own_table_is_refused() -> None:
    number = next(_NUMBERS)
    largest = select(func.max(column("rank", Integer()))).select_from(table(f"counting{number}")).scalar_subquery()
    counting = owned(f"Counting{number}", rank=(int, Field(default=None, sa_column_kwargs={"default": largest})))
    with pytest.raises(DefinitionError, match=rf"^the default of Counting{number}\.rank reads counting{number}, which"):
        own(counting)


def test_a_default_that_reads_a_table_without_owners_is_accepted() -> None:
    number = next(_NUMBERS)
    largest = select(func.max(owned(f"Free{number}").id)).scalar_subquery()
    assert own(owned(f"Asking{number}", rank=(int, Field(default=None, sa_column_kwargs={"default": largest}))))
