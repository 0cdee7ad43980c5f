"""A database whose every secret is the canary: user, password, name, socket, rows. What it raises repeats them."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
    column,
    create_engine,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel
from typing_extensions import override

from backend.embedded import EmbeddedServer
from tests.support.wire import WireProxy

CANARY = "c4n4ry"


class Unreadable(TypeDecorator[str]):
    """Text that cannot be read, and says what it was."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    @override
    def process_result_value(self, value: str | None, dialect: object) -> str | None:
        if value is not None:
            raise ValueError(value)
        return value


class SecretRow(SQLModel, table=True):
    """A row with a key that a client chooses; `raises` is the SQLSTATE with which a trigger refuses it."""

    metadata = MetaData()
    __table_args__ = (
        UniqueConstraint("secret", name="uq_secret"),
        CheckConstraint(column("size", Integer()) > 0, name="ck_size"),
        ExcludeConstraint((column("slot", Integer()), "="), name="ex_slot", using="btree"),
        ForeignKeyConstraint(["parent"], ["secretrow.id"], name="fk_parent"),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    secret: str | None = Field(default=None, sa_type=Text)
    size: int | None = None
    slot: int | None = None
    parent: str | None = Field(default=None, sa_type=Text)
    raises: str | None = Field(default=None, sa_type=Text)
    unreadable: str | None = Field(default=None, sa_type=Unreadable)
    at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    version: int = Field(
        default=None, sa_column_kwargs={"server_default": "1", "onupdate": column("version", Integer()) + 1}
    )


class SecretRowCreate(SQLModel):
    id: str
    secret: str | None = None
    size: int | None = None
    slot: int | None = None
    parent: str | None = None
    raises: str | None = None
    unreadable: str | None = None


class SecretRowUpdate(SQLModel):
    secret: str | None = None


_REFUSAL = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION '% is refused', NEW.id USING ERRCODE = NEW.raises, DETAIL = NEW.secret, HINT = NEW.id;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON secretrow
        FOR EACH ROW WHEN (NEW.raises IS NOT NULL) EXECUTE FUNCTION refuse()
"""


@dataclass(frozen=True)
class SecretServer:
    """A server that asks the canary for its password, behind a proxy."""

    proxy: WireProxy
    folder: Path
    """Where its socket lies, under a name that is a secret too."""

    def url(self, *, user: str = CANARY, password: str = f"{CANARY}%21", database: str = CANARY) -> str:
        return f"postgresql://{user}:{password}@/{database}?host={self.folder}&application_name={CANARY}"


@contextmanager
def secret_server() -> Generator[SecretServer]:
    """The server with the table of `SecretRow`, empty."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with EmbeddedServer(folder / "kept") as server:
            _prepare(server.url, folder / "kept" / "data" / "pg_hba.conf")
            socket = Path(server.url.partition("host=")[2].replace("%2F", "/"))
            with WireProxy(socket) as proxy:
                (folder / CANARY).symlink_to(proxy.folder)
                yield SecretServer(proxy, folder / CANARY)


def _prepare(url: str, rules: Path) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE ROLE {CANARY} LOGIN SUPERUSER PASSWORD '{CANARY}!'"))
        connection.execute(text(f"CREATE DATABASE {CANARY} OWNER {CANARY}"))
        rules.write_text(f"local all {CANARY} scram-sha-256\n" + rules.read_text())
        connection.execute(text("SELECT pg_reload_conf()"))
    engine = create_engine(url.replace("/postgres?", f"/{CANARY}?"), poolclass=NullPool)
    with engine.begin() as connection:
        SecretRow.metadata.create_all(connection)
        connection.execution_options(no_parameters=True).exec_driver_sql(_REFUSAL)
