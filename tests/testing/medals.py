"""An entity whose key the client chooses, without owner and version, and whose update schema requires a field."""

from sqlalchemy import MetaData, Text
from sqlmodel import Field, SQLModel

from backend import CRUDRepository

METADATA = MetaData()


class Medal(SQLModel, table=True):
    metadata = METADATA

    code: str = Field(primary_key=True, sa_type=Text)
    metal: str = Field(sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)


class MedalCreate(SQLModel):
    code: str
    metal: str
    note: str | None = None


class MedalUpdate(SQLModel):
    metal: str
    note: str | None = None


class MedalRepository(CRUDRepository[Medal, MedalCreate, MedalUpdate, str]): ...
