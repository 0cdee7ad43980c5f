"""An entity with a column of every kind, and one whose model has rules of its own."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    MISSING,
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    PrivateAttr,
    computed_field,
    field_validator,
    model_validator,
)
from pydantic import Field as PlainField
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    DateTime,
    Identity,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Text,
    column,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel, col
from typing_extensions import override

from backend import AsyncCRUDRepository, CRUDRepository


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Place(BaseModel):
    """A model within a JSON column."""

    street: Annotated[str, AfterValidator(str.strip)]
    number: int = Field(ge=1)
    seen: datetime | None = None


@dataclass
class Point:
    """A dataclass within a JSON column."""

    x: int
    y: int


class Numbered(BaseModel):
    """A model within a JSON column whose keys can meet."""

    names: dict[int | str, str]


class Extended(BaseModel):
    """A model within a JSON column whose further fields can meet its own."""

    model_config = ConfigDict(extra="allow")

    number: int = Field(alias="Number")


class Sample(SQLModel, table=True):
    """A column of every kind."""

    id: int | None = Field(default=None, primary_key=True)
    data: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    body: dict[str, Any] = Field(sa_type=JSONB, sa_column_kwargs={"server_default": "{}"})
    colour: Colour | None = None
    price: Decimal | None = Field(default=None, sa_type=Numeric(6, 2))
    tags: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    counts: list[int] | None = Field(default=None, sa_type=ARRAY(Integer))
    grid: list[list[int]] | None = Field(default=None, sa_type=ARRAY(Integer, dimensions=2))
    key: UUID | None = None
    day: date | None = None
    hour: time | None = None
    at: datetime | None = None
    local: datetime | None = Field(default=None, sa_type=DateTime)
    length: timedelta | None = None
    small: int | None = Field(default=None, sa_type=SmallInteger)
    whole: int | None = Field(default=None, sa_type=Integer)
    big: int | None = Field(default=None, sa_type=BigInteger)
    ratio: float | None = None
    blob: bytes | None = None
    short: str | None = Field(default=None, sa_type=String(5))
    text: str | None = Field(default=None, sa_type=Text)


class SampleCreate(BaseModel):
    """Each field has its own default, so that a test says what it is about."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    data: dict[str, Any] | None = None
    body: Place | Point | MISSING = MISSING
    colour: Colour | None = None
    price: Annotated[Decimal, AfterValidator(lambda price: price)] | None = None  # so that its column is what limits it
    tags: list[str] | None = None
    counts: list[int] | None = None
    grid: list[list[int]] | None = None
    key: UUID | None = None
    day: date | None = None
    hour: time | None = None
    at: datetime | None = None
    local: datetime | None = None
    length: timedelta | None = None
    small: int | None = None
    whole: int | None = None
    big: int | None = None
    ratio: float | None = None
    blob: bytes | None = None
    short: Annotated[str, Field(max_length=5), AfterValidator(lambda text: text.replace("&", "&amp;"))] | None = None
    text: str | None = None


class SampleUpdate(BaseModel):
    """Aliases, defaults, a computed field, a private one and one that no dump shows; `text` follows `short`."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    _cache: int = PrivateAttr(default=7)

    small: int | MISSING = Field(default=MISSING, alias="Small")
    whole: int | None = Field(default=5, validation_alias="Whole")
    big: int | None = PlainField(default=None, validation_alias=AliasChoices("Big", "Large"))
    tags: list[str] | None = Field(default_factory=lambda: ["default"])
    body: dict[str, Any] | None = None
    ratio: float | None = Field(default=None, exclude=True)
    short: str | None = Field(default=None, max_length=5)
    text: str | MISSING | None = MISSING

    @computed_field
    def price(self) -> Decimal:
        return Decimal(1)

    @model_validator(mode="after")
    def _text_follows_short(self) -> Self:
        if "short" in self.model_fields_set:
            self.text = f"short is {self.short}"
        return self


class SampleRepository(CRUDRepository[Sample, SampleCreate, SampleUpdate]): ...


class AsyncSampleRepository(AsyncCRUDRepository[Sample, SampleCreate, SampleUpdate]): ...


class RuledBase(SQLModel):
    """What table and schemas share, a validator included."""

    code: str = Field(max_length=8)

    @field_validator("code")
    @classmethod
    def _code_is_upper(cls, code: str) -> str:
        if not code.isascii():
            raise ValueError("a code is ASCII")
        return code.upper()


class Ruled(RuledBase, table=True):
    """Owned, with rules that its schemas do not know."""

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    owner_id: str
    low: int = Field(default=0, multiple_of=2)
    high: int = 100
    nickname: str = Field(default=None, nullable=True)
    made_at: datetime = Field(default=None, sa_column_kwargs={"server_default": func.now()})

    @field_validator("nickname", mode="before")
    @classmethod
    def _nickname_is_stripped(cls, nickname: str) -> str:
        if nickname == "none":
            raise ValueError(f"no nickname is {nickname}")
        return nickname.strip()

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"{self.owner_id} has its low above its high")
        if self.owner_id == "guest":
            raise ValueError("a guest keeps nothing")
        return self


class RuledCreate(RuledBase):
    low: int = 0
    high: int = 100
    nickname: str | None = None


class RuledUpdate(SQLModel):
    code: str | MISSING = Field(default=MISSING, max_length=8)
    low: int | MISSING = MISSING
    nickname: str | None = None


class RuledRepository(CRUDRepository[Ruled, RuledCreate, RuledUpdate], owner=col(Ruled.owner_id)): ...


class AsyncRuledRepository(AsyncCRUDRepository[Ruled, RuledCreate, RuledUpdate], owner=col(Ruled.owner_id)): ...


class OddBase(SQLModel):
    """Columns whose names are like those of parameters, or that a parameter style could misread."""

    id_is: str
    the_id: str
    percent: str = Field(sa_type=Text, sa_column_kwargs={"name": "p%(x)s"})
    space: str = Field(sa_type=Text, sa_column_kwargs={"name": "a b"})
    a_b: str
    dot: str = Field(sa_type=Text, sa_column_kwargs={"name": "a.b"})
    colon: str = Field(sa_type=Text, sa_column_kwargs={"name": "c:d"})
    title_1: str
    param_1: str


class Odd(OddBase, table=True):
    """Owned and versioned by columns with such names."""

    id: int = Field(default=None, primary_key=True)
    owner_is: str
    version_is: int = Field(
        default=None, sa_column_kwargs={"server_default": "1", "onupdate": column("version_is", Integer()) + 1}
    )


class OddCreate(OddBase): ...


class OddUpdate(OddBase): ...


class OddRepository(
    CRUDRepository[Odd, OddCreate, OddUpdate], owner=col(Odd.owner_is), version=col(Odd.version_is)
): ...


class AsyncOddRepository(
    AsyncCRUDRepository[Odd, OddCreate, OddUpdate], owner=col(Odd.owner_is), version=col(Odd.version_is)
): ...


class Box(SQLModel, table=True):
    """Holds a model of either of two classes as JSON."""

    id: int = Field(default=None, primary_key=True)
    content: dict[str, Any] = Field(sa_type=JSON)


class BoxCreate(BaseModel):
    content: Extended


class BoxUpdate(BaseModel):
    content: Numbered


class BoxRepository(CRUDRepository[Box, BoxCreate, BoxUpdate]): ...


class AsyncBoxRepository(AsyncCRUDRepository[Box, BoxCreate, BoxUpdate]): ...


class PointType(UserDefinedType[str]):
    """A type of PostgreSQL that SQLAlchemy does not know."""

    cache_ok: bool | None = True

    @override
    def get_col_spec(self, **_options: object) -> str:
        return "POINT"


class Pin(SQLModel, table=True):
    """Has a column whose values only the server can judge."""

    id: int = Field(default=None, primary_key=True)
    place: str = Field(sa_type=PointType)


class PinCreate(BaseModel):
    place: str


class PinRepository(CRUDRepository[Pin, PinCreate, PinCreate]): ...


class AsyncPinRepository(AsyncCRUDRepository[Pin, PinCreate, PinCreate]): ...
