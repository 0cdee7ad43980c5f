"""Settings to an engine, sync or async, with defaults that suit Neon behind PgBouncer. Nothing connects here."""

from typing import TypedDict

import sqlalchemy
from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext import asyncio as sqlalchemy_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database.checkout import attend
from backend.database.connecting._async import AsyncConnector
from backend.database.connecting._sync import Connector
from backend.database.forking import watch
from backend.errors import SettingsError
from backend.settings import Settings

_DRIVER = "postgresql+psycopg"


class _Options(TypedDict):
    hide_parameters: bool
    max_overflow: int
    pool_recycle: int
    pool_size: int
    pool_timeout: float
    pool_use_lifo: bool
    skip_autocommit_rollback: bool
    use_native_hstore: bool


def create_engine(settings: Settings) -> Engine:
    """A synchronous engine. Connects at first use. Raises `SettingsError` for a malformed URL."""
    connector = Connector(settings)
    engine = sqlalchemy.create_engine(_url(settings), creator=connector.connect, **_options(settings))
    connector.reach(engine.dialect, engine.url)
    attend(engine)
    watch(engine)
    return engine


def create_async_engine(settings: Settings) -> AsyncEngine:
    """An asynchronous engine, with everything else as `create_engine`."""
    connector = AsyncConnector(settings)
    engine = sqlalchemy_asyncio.create_async_engine(
        _url(settings), async_creator=connector.connect, **_options(settings)
    )
    connector.reach(engine.dialect, engine.url)
    attend(engine.sync_engine)
    watch(engine)
    return engine


def _url(settings: Settings) -> URL:
    """The URL with the driver that this package uses, whatever its scheme was."""
    try:
        return make_url(settings.database_url.get_secret_value()).set(drivername=_DRIVER)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "DATABASE_URL is malformed: expected postgresql://user:password@host/database, "
            "with special characters percent-encoded"
        ) from None


def _options(settings: Settings) -> _Options:
    return {
        "hide_parameters": True,
        "max_overflow": settings.pool_max_overflow,
        "pool_recycle": settings.pool_recycle_s,
        "pool_size": settings.pool_size,
        "pool_timeout": settings.pool_timeout_s,
        "pool_use_lifo": True,
        "skip_autocommit_rollback": True,
        "use_native_hstore": False,
    }
