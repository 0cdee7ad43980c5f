"""Extensions of the server, which not every wheel has."""

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import FeatureNotSupported, UndefinedFile
from sqlalchemy import make_url


def create_extensions_or_skip(url: str, *names: str) -> None:
    """Creates the extensions in the schema `public`; skips the test where the server does not have one."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        for name in names:
            try:
                connection.execute(
                    sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA public").format(sql.Identifier(name))
                )
            except (FeatureNotSupported, UndefinedFile):
                pytest.skip(f"this server has no extension {name}")
