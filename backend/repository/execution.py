"""Runs one statement on a session: here, and only here, is decided which transaction a call is in.

    session in a transaction    the call joins it, on its connection; the caller commits
    session bound to an engine  the call is its own transaction: one round trip on an AUTOCOMMIT connection, or
                                BEGIN, statement, COMMIT where the engine is set to another level or to read only
    bound to a connection       the call is a transaction of that connection, as its join_transaction_mode says

Never two connections for one session, and never a transaction left open.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Engine, Executable, Row
from sqlalchemy.orm import Session

from backend.database.failures import Work, translated, translating
from backend.database.transactions import joined
from backend.statements.entity import Entity, ModelT

Rows = Sequence[Row[tuple[object, ...]]]
Parameters = Mapping[str, object]


def run(session: Session, entity: Entity[ModelT], statement: Executable, parameters: Parameters, work: Work) -> Rows:
    """The rows of one statement. Raises the errors of `backend.errors`; an error of the caller's flush passes as it is."""
    if session.in_transaction():
        return _join(session, entity, statement, parameters, work)
    bind = session.get_bind(mapper=entity.mapper)
    if isinstance(bind, Connection):
        return _on_connection(session, bind, statement, parameters, work)
    return _alone(bind, statement, parameters, work)


def _join(session: Session, entity: Entity[ModelT], statement: Executable, parameters: Parameters, work: Work) -> Rows:
    if session.autoflush:
        session.flush()
    with translating(work, "connect"):
        connection = session.connection(bind_arguments={"mapper": entity.mapper})
    joined(session, connection, writes=work.writes)
    return _execute(connection, statement, parameters, work, own_transaction=False)


def _alone(engine: Engine, statement: Executable, parameters: Parameters, work: Work) -> Rows:
    with translating(work, "connect"):
        connection = engine.connect()
    try:
        if _may_autocommit(connection):
            connection.execution_options(isolation_level="AUTOCOMMIT")
            return _execute(connection, statement, parameters, work, own_transaction=True)
        return _in_transaction(connection, statement, parameters, work)
    finally:
        connection.close()


def _on_connection(
    session: Session, connection: Connection, statement: Executable, parameters: Parameters, work: Work
) -> Rows:
    mode = session.join_transaction_mode
    with Session(connection, join_transaction_mode=mode) as own, own.begin():
        joined_connection = own.connection()
        return _execute(joined_connection, statement, parameters, work, own_transaction=False)


def _in_transaction(connection: Connection, statement: Executable, parameters: Parameters, work: Work) -> Rows:
    with translating(work, "statement"):
        transaction = connection.begin()
    try:
        rows = _execute(connection, statement, parameters, work, own_transaction=False)
    except BaseException:
        transaction.rollback()
        raise
    with translating(work, "commit"):
        transaction.commit()
    return rows


def _may_autocommit(connection: Connection) -> bool:
    options = connection.get_execution_options()
    if options.get("postgresql_readonly") or options.get("postgresql_deferrable"):
        return False
    level = options.get("isolation_level", connection.default_isolation_level)
    return level in ("READ COMMITTED", "AUTOCOMMIT")


def _execute(
    connection: Connection, statement: Executable, parameters: Parameters, work: Work, *, own_transaction: bool
) -> Rows:
    try:
        return connection.execute(statement, parameters).all()
    except Exception as error:
        made = translated(error, work, "statement", own_transaction=own_transaction)
        if made is error:
            raise
        raise made from None
