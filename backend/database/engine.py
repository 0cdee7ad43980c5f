"""Creates an engine from settings, sync or async, with defaults for Neon behind PgBouncer. Nothing connects here."""

from collections.abc import Mapping
from typing import Final, NotRequired, TypedDict
from weakref import WeakKeyDictionary

import sqlalchemy
from sqlalchemy import Engine, NullPool, Pool
from sqlalchemy.ext import asyncio as sqlalchemy_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database.addresses import direct_parameters, libpq_parameters, shown_url
from backend.database.connections._async import AsyncConnector
from backend.database.connections._sync import Connector
from backend.database.connections.checkout import install_checkout_listener
from backend.database.connections.failover import install_failover_listener
from backend.database.connections.forking import register_engine
from backend.database.connections.turns import AsyncFairPool, FairPool, install_turn_listeners
from backend.errors import UsageError
from backend.settings import Settings


class _Options(TypedDict):
    hide_parameters: bool
    max_overflow: NotRequired[int]
    pool_recycle: int
    pool_size: NotRequired[int]
    pool_timeout: NotRequired[float]
    pool_use_lifo: NotRequired[bool]
    poolclass: type[Pool]
    skip_autocommit_rollback: bool
    use_native_hstore: bool


def create_engine(settings: Settings) -> Engine:
    """Return a synchronous engine, which connects at first use. Raises `SettingsError` for a malformed URL."""
    parameters, direct = _parameters(settings)
    engine = _create_engine(settings, parameters)
    if direct != parameters:
        _direct[engine] = (settings, direct)
    return engine


def create_async_engine(settings: Settings) -> AsyncEngine:
    """Return an asynchronous engine, otherwise as `create_engine` does."""
    parameters, direct = _parameters(settings)
    engine = _create_async_engine(settings, parameters)
    if direct != parameters:
        _direct[engine.sync_engine] = (settings, direct)
    return engine


def create_direct_engine(engine: Engine) -> Engine | None:
    """Return an engine for DDL, past the pooler, if this one was made here and leads to one. The caller closes it."""
    found = _direct.get(engine)
    return found and _create_engine(*found)


def create_async_direct_engine(engine: AsyncEngine) -> AsyncEngine | None:
    """Return an asynchronous engine, otherwise as `create_direct_engine` does."""
    found = _direct.get(engine.sync_engine)
    return found and _create_async_engine(*found)


_direct: Final[WeakKeyDictionary[Engine, tuple[Settings, Mapping[str, str]]]] = WeakKeyDictionary()
"""What engines that were made here connect to for DDL, where it is not what they connect to for all else."""


def _parameters(settings: Settings) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return libpq's parameters for all but DDL, and for DDL."""
    parameters = libpq_parameters(settings.database_url.get_secret_value())
    if settings.database_url_direct is None:
        return parameters, direct_parameters(parameters)
    return parameters, libpq_parameters(settings.database_url_direct.get_secret_value(), "DATABASE_URL_DIRECT")


def _create_engine(settings: Settings, parameters: Mapping[str, str]) -> Engine:
    connector = Connector(settings, parameters)
    engine = sqlalchemy.create_engine(shown_url(parameters), creator=connector.connect, **_options(settings, FairPool))
    connector.configure(engine.dialect)
    install_checkout_listener(engine)
    install_failover_listener(engine)
    install_turn_listeners(engine)
    register_engine(engine)
    return engine


def _create_async_engine(settings: Settings, parameters: Mapping[str, str]) -> AsyncEngine:
    connector = AsyncConnector(settings, parameters)
    engine = sqlalchemy_asyncio.create_async_engine(
        shown_url(parameters), async_creator=connector.connect, **_options(settings, AsyncFairPool)
    )
    connector.configure(engine.dialect)
    install_checkout_listener(engine.sync_engine)
    install_failover_listener(engine.sync_engine)
    install_turn_listeners(engine.sync_engine)
    register_engine(engine)
    return engine


def wrong_target(target: object) -> UsageError:
    """Return the error for an argument from which no database can be made."""
    hint = ""
    if isinstance(target, Engine | AsyncEngine):
        hint = f": use {'AsyncDatabase' if isinstance(target, AsyncEngine) else 'Database'}"
    return UsageError(f"a database is made of a URL, Settings or an engine, got {type(target).__name__}{hint}")


def _options(settings: Settings, pool: type[Pool]) -> _Options:
    options: _Options = {
        "hide_parameters": True,
        "pool_recycle": settings.pool_recycle_s,
        "poolclass": pool if settings.pool_size else NullPool,
        "skip_autocommit_rollback": True,
        "use_native_hstore": False,
    }
    if settings.pool_size == 0:
        return options
    return {
        **options,
        "max_overflow": settings.pool_max_overflow,
        "pool_size": settings.pool_size,
        "pool_timeout": settings.pool_timeout_s,
        "pool_use_lifo": True,
    }
