from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

ModelT = TypeVar("ModelT")

class SQLAlchemySyncRepository(Generic[ModelT]):
    model_type: type[ModelT]
    session: Session
    def __init__(self, *, session: Session) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
