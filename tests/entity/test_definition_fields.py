"""A field whose values its column cannot take, or keeps rounded, is refused when the class is defined."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Network, IPv6Interface, ip_address
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, NewType
from uuid import UUID

import pytest
from pydantic import (
    AfterValidator,
    AnyUrl,
    AwareDatetime,
    Base64Str,
    BaseModel,
    ByteSize,
    Field,
    FilePath,
    HttpUrl,
    Json,
    PastDate,
    PostgresDsn,
    SecretBytes,
    SecretStr,
    condecimal,
    field_validator,
)
from sqlalchemy import ARRAY, JSON, Date, Float, Numeric, Text
from sqlalchemy.dialects.postgresql import ARRAY as TUPLES
from sqlalchemy.dialects.postgresql import BIT, CIDR, INET, INT4RANGE
from sqlmodel import Field as ColumnField

from backend.errors import DefinitionError
from tests.support.models.invalid import Local, owned, repository, schema


class Typed(Local, table=True):
    id: int | None = ColumnField(default=None, primary_key=True)
    text: str | None = None
    blob: bytes | None = None
    address: Any = ColumnField(default=None, sa_type=INET, nullable=True)
    amount: Decimal | None = ColumnField(default=None, sa_type=Numeric(12, 2))
    rough: float | None = ColumnField(default=None, sa_type=Numeric(12, 2, asdecimal=False))
    ratio: float | None = ColumnField(default=None, sa_type=Float)
    data: Any = ColumnField(default=None, sa_type=JSON, nullable=True)
    day: Any = ColumnField(default=None, sa_type=Date, nullable=True)
    moment: datetime | None = None
    network: Any = ColumnField(default=None, sa_type=CIDR, nullable=True)
    bits: Any = ColumnField(default=None, sa_type=BIT(3), nullable=True)
    tags: Any = ColumnField(default=None, sa_type=ARRAY(Text), nullable=True)
    pairs: Any = ColumnField(default=None, sa_type=TUPLES(Text, as_tuple=True), nullable=True)
    span: Any = ColumnField(default=None, sa_type=INT4RANGE, nullable=True)


def define(**fields: Any) -> None:
    for new, changed in ((schema("New", **fields), schema("Empty")), (schema("Empty"), schema("New", **fields))):
        repository(Typed, new, changed)


_STR = "declare it str, or convert it, Annotated"
_DIGITS = "looser than Typed.amount: declare it Decimal with max_digits=12, decimal_places=2"
WRONG: list[tuple[str, Any, str]] = [
    ("text", HttpUrl, f"is HttpUrl, Typed.text holds str: {_STR}[HttpUrl, AfterValidator(str)]"),
    ("text", AnyUrl | None, f"is AnyUrl, Typed.text holds str: {_STR}[AnyUrl, AfterValidator(str)]"),
    ("text", PostgresDsn, f"is PostgresDsn, Typed.text holds str: {_STR}[PostgresDsn, AfterValidator(str)]"),
    ("text", Path, f"is Path, Typed.text holds str: {_STR}[Path, AfterValidator(str)]"),
    ("text", FilePath, f"is Path, Typed.text holds str: {_STR}[Path, AfterValidator(str)]"),
    ("text", str | PurePosixPath, "is PurePosixPath, Typed.text holds str"),
    ("text", SecretStr, "is SecretStr, Typed.text holds str: declare what it hides, and Field(repr=False)"),
    ("blob", SecretBytes, "is SecretBytes, Typed.blob holds bytes: declare what it hides, and Field(repr=False)"),
    (
        "text",
        IPv4Address,
        "is IPv4Address, Typed.text holds str: give the column sa_type=INET, or declare the",
    ),
    ("text", IPv6Interface, "is IPv6Interface, Typed.text holds str: give the column sa_type=INET"),
    ("text", IPv4Network, "is IPv4Network, Typed.text holds str: give the column sa_type=CIDR"),
    ("text", list[str], "is list, Typed.text holds str: declare it str"),
    ("text", dict[str, str] | None, "is dict, Typed.text holds str: declare it str"),
    ("address", str, "is str, Typed.address holds IPv4Address or IPv6Address: declare it IPv4Address or IPv6Address"),
    ("address", IPv4Network, "is IPv4Network, Typed.address holds IPv4Address or IPv6Address"),
    ("network", str, "is str, Typed.network holds IPv4Network or IPv6Network"),
    ("bits", str, "is str, Typed.bits holds BitString"),
    ("tags", set[str], "is set, Typed.tags holds list: declare it list"),
    ("tags", tuple[str, ...], "is tuple, Typed.tags holds list"),
    ("pairs", list[str], "is list, Typed.pairs holds tuple"),
    ("span", str, "is str, Typed.span holds Range"),
    *(
        ("data", kind, f"is {kind.__name__}, Typed.data holds dict, list, str, int or float: declare it dict, list,")
        for kind in (tuple, set, frozenset, date, datetime, Decimal, bytes, UUID, IPv4Address)
    ),
    ("amount", float, f"is a float, {_DIGITS}"),
    ("amount", Decimal, f"is {_DIGITS}"),
    ("amount", Decimal | None, f"is {_DIGITS}"),
    ("amount", condecimal(max_digits=12), f"is {_DIGITS}"),
    ("amount", condecimal(max_digits=12, decimal_places=3), f"is {_DIGITS}"),
    ("amount", condecimal(max_digits=13, decimal_places=2), f"is {_DIGITS}"),
    ("amount", condecimal(max_digits=12, decimal_places=1), f"is {_DIGITS}"),
    ("amount", condecimal(ge=0, decimal_places=2), f"is {_DIGITS}"),
    ("amount", condecimal(ge=0, le=10**10, decimal_places=2), f"is {_DIGITS}"),
]


@pytest.mark.parametrize(("key", "kind", "text"), WRONG)
def test_a_type_that_its_column_never_takes_is_refused(key: str, kind: Any, text: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        define(**{key: (kind, None)})
    assert str(raised.value).startswith(f"New.{key} {text}")


DIGITS: Any = Annotated[Decimal, Field(max_digits=12, decimal_places=2)]
RIGHT: list[tuple[str, Any]] = [
    ("text", Annotated[HttpUrl, AfterValidator(str)]),
    ("text", Base64Str),
    ("address", IPv4Address),
    ("address", IPv6Interface),
    ("address", Annotated[str, AfterValidator(ip_address)]),
    ("tags", Sequence[str]),
    ("pairs", tuple[str, ...]),
    ("data", bool | None),
    ("data", dict[str, Decimal]),
    ("data", str | list[int]),
    ("amount", int),
    ("amount", condecimal(max_digits=12, decimal_places=2)),
    ("amount", condecimal(max_digits=11, decimal_places=1)),
    ("amount", condecimal(max_digits=5, decimal_places=2)),
    ("amount", condecimal(gt=-(10**10), lt=10**9, decimal_places=2)),
    ("amount", Annotated[Decimal, AfterValidator(round)]),
    ("amount", DIGITS | None),
    ("amount", NewType("Amount", int)),
    ("rough", float),
    ("ratio", float),
    ("ratio", Decimal),
    ("data", HttpUrl),
    ("data", Path),
    ("data", Json[list[int]]),
    ("data", ByteSize),
    ("day", PastDate),
    ("moment", AwareDatetime),
]


@pytest.mark.parametrize(("key", "kind"), RIGHT)
def test_a_type_that_its_column_may_take_is_accepted(key: str, kind: Any) -> None:
    define(**{key: (kind, None)})


class Rounding(BaseModel):
    amount: Decimal | None = None

    @field_validator("amount")
    @classmethod
    def _round(cls, value: Decimal | None) -> Decimal | None:
        return value and round(value, 2)


class Reading(Local, table=True):
    """A field that a validator of its annotation makes a text."""

    id: int | None = ColumnField(default=None, primary_key=True)
    name: Annotated[int, AfterValidator(str)] = ColumnField(default=None, sa_type=Text, nullable=True)


def test_a_validator_may_give_what_the_column_takes() -> None:
    repository(Typed, Rounding, schema("Empty"))
    repository(Reading, schema("New", name=str), schema("Empty"))


@pytest.mark.filterwarnings("ignore:.*metadata")  # pydantic and SQLAlchemy only warn
def test_a_field_that_hides_the_metadata_is_refused() -> None:
    model = owned("Hiding", metadata=(dict[str, int], ColumnField(sa_type=JSON)))
    with pytest.raises(DefinitionError, match=r"^Hiding\.metadata hides SQLModel's own metadata"):
        repository(model, schema("New", name=str, metadata=dict[str, int]), schema("Empty"), owner=model.owner_id)
