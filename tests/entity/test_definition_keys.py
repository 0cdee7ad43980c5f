"""Keys that compare across owners, and classes that must agree, in either order of definition."""

from collections.abc import Callable
from types import new_class
from typing import Any

import pytest
from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, UniqueConstraint, column, distinct, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col

from backend import AsyncCRUDRepository, CRUDRepository
from backend.errors import DefinitionError
from tests.support.models.invalid import NAMED, RENAMED, owned, repository, schema

WITH_PARENT = schema("WithParent", name=str, parent_id=int)


def own(model: Any, create: Any = NAMED, update: Any = RENAMED, **keywords: Any) -> Any:
    """A class of an owned model."""
    named: dict[str, Any] = {"owner": col(model.owner_id), **keywords}
    return repository(model, create, update, **named)


def named(name: str) -> Any:
    """A column by its name, of no table yet."""
    of_any_type: Any = column
    return of_any_type(name)


def lower_name() -> Any:
    return func.lower(named("name"))


ACROSS: dict[str, Callable[[], Any]] = {
    "a unique constraint": lambda: owned("AcrossOne", UniqueConstraint("name")),
    "a unique column": lambda: owned("AcrossTwo", name=(str, Field(unique=True))),
    "a unique index": lambda: owned("AcrossThree", Index("three", "name", unique=True)),
    "a unique column with an index": lambda: owned("AcrossFour", name=(str, Field(unique=True, index=True))),
    "a unique index of an expression": lambda: _with_index("AcrossFive", lambda c: [func.lower(c.name)]),
    "a partial unique index": lambda: _with_index("AcrossSix", lambda c: [c.name], where=True),
    "an index of an expression of the owner": lambda: _with_index(
        "AcrossSeven", lambda c: [func.lower(c.owner_id), c.name]
    ),
    "an index of an operator on the owner": lambda: _with_index("AcrossTen", lambda c: [distinct(c.owner_id), c.name]),
    "a unique index of a column by its name": lambda: owned(
        "AcrossEleven", Index("eleven", func.lower(named("name")), unique=True)
    ),
    "an index of an expression of the owner by its name": lambda: owned(
        "AcrossTwelve", Index("twelve", func.left(named("owner_id"), 1), named("name"), unique=True)
    ),
    "an exclusion": lambda: owned("AcrossEight", ExcludeConstraint(("name", "="))),
    "an exclusion of a column by its name": lambda: owned("AcrossThirteen", ExcludeConstraint((named("name"), "="))),
    "an exclusion of unequal owners": lambda: owned("AcrossNine", ExcludeConstraint(("owner_id", "<>"), ("name", "="))),
}

BY_OWNER: dict[str, Callable[[], Any]] = {
    "a unique constraint": lambda: owned("ByOne", UniqueConstraint("owner_id", "name")),
    "a unique index": lambda: _with_index("ByTwo", lambda c: [func.lower(c.name), c.owner_id.desc()]),
    "a unique index of columns by their names": lambda: owned(
        "ByTen", Index("ten", named("owner_id"), func.lower(named("name")), unique=True)
    ),
    "an index in ascending order": lambda: _with_index("BySeven", lambda c: [c.owner_id.asc(), c.name]),
    "an index that says where NULLs are": lambda: _with_index("ByEight", lambda c: [c.owner_id.nulls_last(), c.name]),
    "an index with two words": lambda: _with_index("ByNine", lambda c: [c.owner_id.desc().nulls_first(), c.name]),
    "a partial unique index": lambda: _with_index("ByThree", lambda c: [c.owner_id, c.name], where=True),
    "an exclusion": lambda: owned("ByFour", ExcludeConstraint(("owner_id", "="), ("name", "="))),
    "an index that is not unique": lambda: _with_index("ByFive", lambda c: [c.name], unique=False),
    "a key that no client chooses": lambda: owned(
        "BySix", UniqueConstraint("token"), token=(str | None, Field(default=None))
    ),
}


def _with_index(name: str, of: Callable[[Any], list[Any]], *, where: bool = False, unique: bool = True) -> Any:
    model = owned(name)
    columns = model.__table__.c
    condition = columns.name != "" if where else None
    Index(f"{name}_index", *of(columns), unique=unique, postgresql_where=condition)
    return model


@pytest.mark.parametrize("case", ACROSS)
def test_a_key_without_the_owner_is_refused_and_named(case: str) -> None:
    model = ACROSS[case]()
    with pytest.raises(DefinitionError) as raised:
        own(model)
    columns, shared, fix = "name", f"(col({model.__name__}.name),)", "add owner_id to it"
    if "unique column" in case:
        fix = 'replace unique=True by UniqueConstraint("owner_id", "name")'
    if "owner" in case:
        columns, shared = "name, owner_id", f"(col({model.__name__}.name), col({model.__name__}.owner_id))"
    assert str(raised.value) == (
        f"the key ({columns}) of {model.__name__} is shared by all owners, so one owner can find out which values "
        f"another has: {fix}, or name it in shared_keys={shared} of Wrong"
    )
    own(model, shared_keys=tuple(col(getattr(model, name)) for name in columns.split(", ")))


@pytest.mark.parametrize("case", BY_OWNER)
def test_a_key_of_each_owner_is_accepted(case: str) -> None:
    own(BY_OWNER[case]())


def test_a_unique_key_in_a_string_is_refused() -> None:
    with pytest.raises(
        DefinitionError,
        match=r"a unique key of Textual is SQL in a string, so that its columns cannot be seen: write it with columns",
    ):
        own(owned("Textual", Index("textual", text("lower(name)"), unique=True)))
    half = owned("HalfTextual", Index("half_textual", text("lower(name)"), "name", unique=True))
    with pytest.raises(DefinitionError, match="a unique key of HalfTextual is SQL in a string"):
        own(half, shared_keys=(col(half.name),))


def test_an_exclusion_constraint_of_a_model_without_an_owner_is_accepted() -> None:
    model = owned("Excluding", ExcludeConstraint(("owner_id", "="), ("name", "=")))
    repository(model, schema("New", name=str, owner_id=str), RENAMED)


def test_a_reference_that_no_client_chooses_needs_no_owner() -> None:
    parent, _ = _family("Unchosen")
    child = owned("Unchosen", ForeignKeyConstraint(["parent_id"], ["unchosenparent.id"]), parent_id=(int | None, None))
    own(parent)
    own(child)


def test_a_reference_to_a_table_that_does_not_exist_yet_is_accepted() -> None:
    own(owned("Known"))
    own(owned("Orphan", ForeignKeyConstraint(["parent_id"], ["nowhere.id"]), parent_id=(int, ...)), WITH_PARENT)


def test_a_later_class_that_shares_a_reference_does_not_share_it_for_the_first() -> None:
    parent, child = _family("Twice")
    own(child, WITH_PARENT, name="First")
    own(child, WITH_PARENT, name="Second", shared_keys=(col(child.parent_id),))
    with pytest.raises(DefinitionError, match=r"name it in shared_keys=\(col\(TwiceChild.parent_id\),\) of First$"):
        own(parent)


def test_a_key_in_the_update_schema_alone_is_checked() -> None:
    model = owned("Renaming", UniqueConstraint("code"), code=(str | None, Field(default=None)))
    with pytest.raises(DefinitionError, match=r"^the key \(code\) of Renaming is shared by all owners"):
        own(model, update=schema("Changed", code=(str | None, None)))


def test_a_key_that_a_client_chooses_is_refused_on_an_owned_model() -> None:
    model = owned("Chosen", PrimaryKeyConstraint("id"), id=(str, Field()))
    new = schema("New", id=str, name=str)
    with pytest.raises(DefinitionError, match=r"^the key \(id\) of Chosen is shared by all owners"):
        repository(model, new, RENAMED, str, owner=col(model.owner_id))
    repository(model, new, RENAMED, str, owner=col(model.owner_id), shared_keys=(col(model.id),))


def test_a_part_of_a_key_in_shared_keys_does_not_share_the_key() -> None:
    model = owned("Partly", UniqueConstraint("name", "code"), code=(str, ...))
    new = schema("New", name=str, code=str)
    with pytest.raises(DefinitionError, match=r"^the key \(code, name\) of Partly is shared by all owners"):
        own(model, new, shared_keys=(col(model.name),))
    own(model, new, shared_keys=(col(model.name), col(model.code)))


def test_a_model_without_an_owner_shares_no_key() -> None:
    model = owned("Unowned", UniqueConstraint("name"))
    with pytest.raises(
        DefinitionError, match=r"names Unowned.name in shared_keys, which is in no key that all owners share"
    ):
        repository(model, schema("New", name=str, owner_id=str), RENAMED, shared_keys=(col(model.name),))


def test_a_foreign_key_that_is_shared_needs_no_owner_yet() -> None:
    model = owned("Early", ForeignKeyConstraint(["parent_id"], ["late.id"]), parent_id=(int, ...))
    own(model, WITH_PARENT, shared_keys=(col(model.parent_id),))


def _family(prefix: str, *, by_owner: bool = False, child_has_owner: bool = True) -> tuple[Any, Any]:
    parent = owned(f"{prefix}Parent", UniqueConstraint("id", "owner_id"))
    table = f"{prefix.lower()}parent"
    key = (
        ForeignKeyConstraint(["parent_id", "owner_id"], [f"{table}.id", f"{table}.owner_id"])
        if by_owner
        else ForeignKeyConstraint(["parent_id"], [f"{table}.id"])
    )
    extra: dict[str, Any] = {} if child_has_owner else {"owner_id": (str | None, None)}
    return parent, owned(f"{prefix}Child", key, parent_id=(int, ...), **extra)


REFUSED = (
    r"^the foreign key \(parent_id\) of {0}Child refers to {0}Parent, which has owners, and lets one see that another "
    r"has a row: make it ForeignKeyConstraint\(\['parent_id', 'owner_id'\], "
    r"\['{2}parent.id', '{2}parent.owner_id'\]\), "
    r"with UniqueConstraint\('id', 'owner_id'\) on {0}Parent, "
    r"or name it in shared_keys=\(col\({0}Child.parent_id\),\) of {1}$"
)


def test_a_foreign_key_to_an_owned_model_is_refused_without_the_owner() -> None:
    parent, child = _family("First")
    own(parent)
    with pytest.raises(DefinitionError, match=REFUSED.format("First", "Wrong", "first")):
        own(child, WITH_PARENT)
    own(child, WITH_PARENT, shared_keys=(col(child.parent_id),))


def test_a_model_that_is_owned_later_is_refused_then() -> None:
    parent, child = _family("Second")
    own(child, WITH_PARENT, name="Children")
    with pytest.raises(DefinitionError, match=REFUSED.format("Second", "Children", "second")):
        own(parent)


def test_a_child_without_an_owner_is_refused_too() -> None:
    parent, child = _family("Third", child_has_owner=False)
    own(parent)
    with pytest.raises(DefinitionError, match=r"make it ForeignKeyConstraint\(\['parent_id', an owner column\], "):
        repository(child, WITH_PARENT, RENAMED)
    repository(child, WITH_PARENT, RENAMED, shared_keys=(col(child.parent_id),))


@pytest.mark.parametrize("parent_first", [True, False])
def test_a_foreign_key_with_the_owner_is_accepted_in_either_order(parent_first: bool) -> None:
    parent, child = _family(f"Order{parent_first}", by_owner=True)
    if parent_first:
        own(parent)
    own(child, WITH_PARENT)
    if not parent_first:
        own(parent)


def test_a_foreign_key_with_the_owner_beside_another_column_is_refused() -> None:
    parent = owned("AskewParent", UniqueConstraint("id", "name"))
    child = owned(
        "AskewChild",
        ForeignKeyConstraint(["parent_id", "owner_id"], ["askewparent.id", "askewparent.name"]),
        parent_id=(int, ...),
    )
    own(parent, schema("Empty", name=str), schema("Nothing"), shared_keys=(col(parent.id), col(parent.name)))
    with pytest.raises(DefinitionError, match=r"^the foreign key \(owner_id, parent_id\) of AskewChild refers to"):
        own(child, WITH_PARENT)


def test_a_foreign_key_from_another_column_to_the_owner_is_refused() -> None:
    parent = owned("LentParent", UniqueConstraint("id", "owner_id"))
    child = owned(
        "LentChild",
        ForeignKeyConstraint(["parent_id", "name"], ["lentparent.id", "lentparent.owner_id"]),
        parent_id=(int, ...),
    )
    own(parent)
    with pytest.raises(DefinitionError, match=r"^the foreign key \(name, parent_id\) of LentChild refers to"):
        own(child, WITH_PARENT)


def test_a_reference_to_its_own_table_needs_the_owner() -> None:
    model = owned("Tree", ForeignKeyConstraint(["parent_id"], ["tree.id"]), parent_id=(int | None, None))
    new = schema("New", name=str, parent_id=(int | None, None))
    with pytest.raises(DefinitionError, match=r"^the foreign key \(parent_id\) of Tree refers to Tree, which has own"):
        own(model, new)
    own(model, new, shared_keys=(col(model.parent_id),))


@pytest.mark.parametrize("wrong", [CRUDRepository, AsyncCRUDRepository])
@pytest.mark.parametrize("mended", [CRUDRepository, AsyncCRUDRepository])
def test_a_refused_class_leaves_nothing_that_a_corrected_one_conflicts_with(wrong: Any, mended: Any) -> None:
    model = owned(f"Mended{wrong.__name__}{mended.__name__}", UniqueConstraint("name"))
    with pytest.raises(DefinitionError, match="is shared by all owners"):
        own(model, root=wrong)
    with pytest.raises(DefinitionError, match="names 'x' as version"):
        own(model, version="x", root=wrong)
    repository(model, schema("New", name=str, owner_id=str), RENAMED, root=mended)


@pytest.mark.parametrize("first", [CRUDRepository, AsyncCRUDRepository])
@pytest.mark.parametrize("second", [CRUDRepository, AsyncCRUDRepository])
@pytest.mark.parametrize("owner_first", [True, False])
def test_two_classes_that_disagree_on_the_owner_are_refused_in_either_order(
    first: Any, second: Any, owner_first: bool
) -> None:
    model = owned(f"Torn{first.__name__}{second.__name__}{owner_first}")
    insert_values = schema("New", name=str, owner_id=str)

    def define(root: Any, name: str, *, with_owner: bool) -> object:
        if with_owner:
            return own(model, root=root, name=name)
        return repository(model, insert_values, RENAMED, root=root, name=name)

    define(first, "One", with_owner=owner_first)
    with pytest.raises(DefinitionError, match=r"^Other has owner \w+ for Torn\w+, One has \w+: all repositories"):
        define(second, "Other", with_owner=not owner_first)
    define(second, "Agreeing", with_owner=owner_first)


def another_of(model: Any) -> Any:
    """A second model that is mapped to the same table."""
    kinds = {"id": int, "owner_id": str, "name": str}
    another = new_class("Another", (SQLModel,), {}, lambda namespace: namespace.update({"__annotations__": kinds}))
    registry().map_imperatively(another, model.__table__)
    return another


@pytest.mark.parametrize("owned_first", [True, False])
def test_two_models_of_one_table_that_disagree_on_the_owner_are_refused_in_either_order(owned_first: bool) -> None:
    model = owned(f"Doubled{owned_first}")
    another = another_of(model)
    insert_values = schema("New", name=str, owner_id=str)

    def define(name: str, *, with_owner: bool) -> object:
        if with_owner:
            return own(model, name=name)
        return repository(another, insert_values, RENAMED, name=name)

    define("One", with_owner=owned_first)
    with pytest.raises(DefinitionError, match=r"^Other has owner \w+ for \w+, One has \w+: all repositories of one ta"):
        define("Other", with_owner=not owned_first)
    if owned_first:
        own(another, name="Agreeing")
