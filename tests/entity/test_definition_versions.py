"""A version that could stand still is refused when the class is defined."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import BigInteger, DateTime, FetchedValue, Integer, column, func
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col

from backend import CRUDRepository
from backend.entity.checks.versions import check_version_moves
from backend.errors import DefinitionError

TIMESTAMP = DateTime(timezone=True)
BY_CLOCK = func.greatest(func.clock_timestamp(), column("version", TIMESTAMP) + timedelta(microseconds=1))


class Schema(SQLModel):
    pass


def define(type_: Any, *, nullable: bool = False, **options: Any) -> None:
    """Defines a repository of a model with such a version, and checks it."""

    class Base(SQLModel, registry=registry()):
        pass

    class Versioned(Base, table=True):
        id: int = Field(default=None, primary_key=True, sa_type=BigInteger)
        version: Any = Field(
            default=None, sa_type=type_, nullable=nullable, sa_column_kwargs={"server_default": "1", **options}
        )

    class Repository(CRUDRepository[Versioned, Schema, Schema], version=col(Versioned.version)): ...

    metadata = Repository._class_metadata  # pyright: ignore[reportPrivateUsage]
    assert metadata is not None
    check_version_moves(metadata.entity, metadata.entity.required_version())


@pytest.mark.parametrize(
    ("type_", "onupdate"),
    [
        (Integer, column("version", Integer()) + 1),
        (BigInteger, column("version", BigInteger()) + 2),
        (TIMESTAMP, BY_CLOCK),
    ],
)
def test_a_version_that_is_derived_from_itself_is_accepted(type_: Any, onupdate: Any) -> None:
    define(type_, onupdate=onupdate)


def test_a_version_that_a_trigger_sets_is_accepted() -> None:
    define(TIMESTAMP, server_onupdate=FetchedValue())


@pytest.mark.parametrize(("type_", "field"), [(Integer, "number_version"), (TIMESTAMP, "time_version")])
def test_a_version_without_onupdate_is_refused(type_: Any, field: str) -> None:
    refusal = rf"Versioned\.version is the version and never changes: write it as {field}\('version'\)"
    with pytest.raises(DefinitionError, match=refusal):
        define(type_)


@pytest.mark.parametrize(
    ("type_", "onupdate"),
    [
        (Integer, 2),
        (Integer, lambda: 2),
        (Integer, column("other", Integer()) + 1),
        (TIMESTAMP, func.now()),
        (TIMESTAMP, func.clock_timestamp()),
        (TIMESTAMP, lambda: datetime.now(UTC)),
    ],
    ids=["a value", "a function", "another column", "now", "the clock", "the client's clock"],
)
def test_a_version_that_is_not_derived_from_itself_is_refused(type_: Any, onupdate: Any) -> None:
    with pytest.raises(DefinitionError, match=r"not computed from it: write it as .*_version\('version'\)"):
        define(type_, onupdate=onupdate)


def test_a_version_that_may_be_null_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"may be NULL, which equals no version: make it required"):
        define(Integer, nullable=True, onupdate=column("version", Integer()) + 1)
