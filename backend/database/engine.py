"""Settings to an engine, sync or async, with defaults that suit Neon behind PgBouncer. Nothing connects here."""

from dataclasses import dataclass
from typing import TypedDict

import sqlalchemy
from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext import asyncio as sqlalchemy_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database.liveness import watch
from backend.errors import SettingsError
from backend.settings import Settings

_DRIVER = "postgresql+psycopg"


class _ConnectArguments(TypedDict):
    connect_timeout: int
    prepare_threshold: int | None
    keepalives: int
    keepalives_idle: int
    keepalives_interval: int
    keepalives_count: int


@dataclass(frozen=True, slots=True)
class _Arguments:
    """What both engines are made of."""

    settings: Settings

    @property
    def url(self) -> URL:
        """The URL with the driver that this package uses, whatever its scheme was."""
        try:
            url = make_url(self.settings.database_url.get_secret_value())
        except (ArgumentError, ValueError):
            raise SettingsError(
                "DATABASE_URL is malformed: expected postgresql://user:password@host/database, "
                "with special characters percent-encoded"
            ) from None
        return url.set(drivername=_DRIVER)

    @property
    def connect_args(self) -> _ConnectArguments:
        """For libpq and psycopg. A dead peer is noticed after 30 + 3 · 10 s by TCP keepalives."""
        return {
            "connect_timeout": self.settings.connect_timeout_s,
            "prepare_threshold": self.settings.prepare_threshold,
            "keepalives": 1,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        }


def create_engine(settings: Settings) -> Engine:
    """A synchronous engine. Connects at first use. Raises `SettingsError` for a malformed URL."""
    arguments = _Arguments(settings)
    engine = sqlalchemy.create_engine(
        arguments.url,
        connect_args=arguments.connect_args,
        hide_parameters=True,
        max_overflow=settings.pool_max_overflow,
        pool_recycle=settings.pool_recycle_s,
        pool_size=settings.pool_size,
        pool_timeout=settings.pool_timeout_s,
        pool_use_lifo=True,
        skip_autocommit_rollback=True,
        use_native_hstore=False,
    )
    watch(engine)
    return engine


def create_async_engine(settings: Settings) -> AsyncEngine:
    """An asynchronous engine, with everything else as `create_engine`."""
    arguments = _Arguments(settings)
    engine = sqlalchemy_asyncio.create_async_engine(
        arguments.url,
        connect_args=arguments.connect_args,
        hide_parameters=True,
        max_overflow=settings.pool_max_overflow,
        pool_recycle=settings.pool_recycle_s,
        pool_size=settings.pool_size,
        pool_timeout=settings.pool_timeout_s,
        pool_use_lifo=True,
        skip_autocommit_rollback=True,
        use_native_hstore=False,
    )
    watch(engine.sync_engine)
    return engine
