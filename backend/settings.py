"""The settings of a database, read from the environment and `.env`; no other I/O."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict
from typing_extensions import override

from backend.errors import SettingsError

_DAY_S = 86_400
_DRIVER_PROBLEM = "driver"
_URL_FORMAT = "postgresql://user:password@host/database"
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg_async")
_OTHER_DRIVERS = ("asyncpg", "pg8000", "psycopg2", "psycopg2cffi")


class Settings(BaseSettings):
    """Settings of one database, each from the environment variable of its name in capitals, else from `.env`.

    `Settings.load()` reads them and raises `SettingsError`: one line that names the variable, never its value.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    database_url: SecretStr
    """`postgresql://user:password@host/database`, as Neon shows it (`postgres://` too). No default."""

    database_url_direct: SecretStr | None = None
    """The URL for `init_db`, where `database_url` leads to a pooler. Default: that of Neon's compute for Neon's pooler,
    else `database_url`."""

    pool_size: int = Field(default=5, ge=0, le=1000)
    """Connections kept open. Default 5: the smallest Neon compute (0.25 CU) has 97 usable connections. 0: no pool, for
    serverless functions: each call outside a transaction, and each transaction, connects and closes its connection."""

    pool_max_overflow: int = Field(default=5, ge=0, le=1000)
    """Connections opened beyond `pool_size` under load and closed again. Default 5."""

    pool_timeout_s: float = Field(default=10.0, gt=0, le=_DAY_S)
    """Seconds to wait for a free connection before `PoolTimeoutError`. Default 10."""

    pool_recycle_s: int = Field(default=240, ge=-1, le=365 * _DAY_S)
    """Seconds after which a connection is replaced; -1: never. Default 240: Neon suspends after 300 s idle."""

    connect_timeout_s: int = Field(default=15, ge=2, le=_DAY_S)
    """Seconds for one attempt to connect. Default 15: a suspended Neon compute wakes in less."""

    connect_retry_s: float = Field(default=5.0, ge=0, le=_DAY_S)
    """Seconds in which a connect is tried again while the database wakes or starts, or is full. Default 5."""

    prepare_threshold: Annotated[int, Field(ge=0)] | Literal["auto"] | None = None
    """Runs after which psycopg prepares a statement. Default: never, as a pooler loses prepared statements, and may
    run another client's. `"auto"`: after 5, on connections without a pooler; each asks once, one round trip. A number:
    on every connection, for a pooler that keeps them: Neon's, or PgBouncer 1.22 with `max_prepared_statements`."""

    @field_validator(
        "database_url_direct", "pool_size", "pool_max_overflow", "pool_timeout_s", "pool_recycle_s",
        "connect_timeout_s", "connect_retry_s", "prepare_threshold", mode="before",
    )  # fmt: skip
    @classmethod
    def _empty_is_unset(cls, value: object, field: ValidationInfo) -> object:
        if isinstance(value, str) and not value.strip() and field.field_name is not None:
            return cls.model_fields[field.field_name].default
        return value

    @field_validator("prepare_threshold", mode="before")
    @classmethod
    def _threshold_is_known(cls, value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(r"\s*(auto|\d+|)\s*", value, re.ASCII):
            raise ValueError("expected a number of runs from 0, or auto")
        return value.strip() if isinstance(value, str) else value

    @field_validator("database_url", "database_url_direct")
    @classmethod
    def _url_has_a_known_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        url = value.get_secret_value().strip()
        scheme, separator, rest = url.partition("://")
        driver = scheme.removeprefix("postgresql+")
        if driver in _OTHER_DRIVERS:
            raise PydanticCustomError(_DRIVER_PROBLEM, f"names the driver {driver}, expected psycopg: {_URL_FORMAT}")
        if scheme not in _SCHEMES or not separator or not rest or not _is_unicode(url):
            raise ValueError(f"expected {_URL_FORMAT}")
        return SecretStr(url)

    @classmethod
    def load(cls) -> "Settings":
        """Return the settings of this process. Raises `SettingsError` if one is missing or malformed."""
        settings = cls.load_or_none()
        if settings is None:
            raise SettingsError(f"DATABASE_URL is not set: expected {_URL_FORMAT}, in the environment or in .env")
        return settings

    @classmethod
    def load_or_none(cls) -> "Settings | None":
        """Return the settings of this process, or `None` without DATABASE_URL. Raises `SettingsError` if malformed."""
        try:
            return cls()  # type: ignore[call-arg]  # the value comes from the environment
        except ValidationError as error:
            if _is_missing(error):
                return None
            raise _settings_error(error) from None
        except UnicodeDecodeError:
            raise _not_utf_8() from None

    @classmethod
    def from_url(cls, url: str) -> "Settings":
        """Return the settings of this process with another database URL. Raises `SettingsError` as `load` does.

        `DATABASE_URL_DIRECT` belongs to `DATABASE_URL`, and is left out.
        """
        try:
            return cls(database_url=SecretStr(url), database_url_direct=None)
        except ValidationError as error:
            raise _settings_error(error) from None
        except UnicodeDecodeError:
            raise _not_utf_8() from None

    @override
    def __str__(self) -> str:
        return repr(self)


def _is_unicode(text: str) -> bool:
    """Return whether the text holds no byte that the environment could not decode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_missing(error: ValidationError) -> bool:
    return any(problem["type"] == "missing" for problem in error.errors(include_input=False))


def _not_utf_8() -> SettingsError:
    return SettingsError(".env is not UTF-8: save it as UTF-8")


def _settings_error(error: ValidationError) -> SettingsError:
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    name = str(first["loc"][0]).upper()
    if first["type"] == _DRIVER_PROBLEM:
        return SettingsError(f"{name} {first['msg']}")
    message = first["msg"].removeprefix("Value error, ")
    return SettingsError(f"{name} is malformed: {message[0].lower()}{message[1:]}")
