"""An owned table with a document, whose values a view may refuse."""

from typing import Any

from pydantic import BaseModel
from sqlalchemy import JSON
from sqlmodel import Field, SQLModel, col

from backend import AsyncCRUDRepository, CRUDRepository


class Paper(SQLModel, table=True):
    id: int = Field(default=None, primary_key=True)
    user_id: str
    title: str
    document: dict[str, Any] = Field(sa_type=JSON)


class PaperCreate(BaseModel):
    title: str
    document: dict[str, Any]


class PaperUpdate(BaseModel):
    title: str = ""


class PaperRepository(CRUDRepository[Paper, PaperCreate, PaperUpdate], owner=col(Paper.user_id)): ...


class AsyncPaperRepository(AsyncCRUDRepository[Paper, PaperCreate, PaperUpdate], owner=col(Paper.user_id)): ...
