"""Finds out whether a transaction committed when COMMIT got no answer, by the id that was read before COMMIT.

PostgreSQL keeps the status of recent transactions (`pg_xact_status`). Another transaction can get the same id, so the
identity also says where the id was assigned:

    system, timeline    after a failover, the old and the new primary go on assigning ids independently
    server run          a crash forgets ids of which nothing reached the write-ahead log, and assigns them again.
                        Crash recovery keeps the timeline, and a killed backend does not restart the postmaster; but
                        every unclean end resets the cumulative statistics, and so their reset time

In another server run only "aborted" is certain: if the transaction had committed, its id would not be assigned again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from sqlalchemy import BigInteger, DateTime, Engine, String, bindparam, case, cast, column, func, null, select
from sqlalchemy.orm import Session
from sqlalchemy.types import UserDefinedType
from typing_extensions import override

from backend.database.connections.checkout import connect_autocommit, switch_to_autocommit
from backend.database.failures.translate import translate_errors
from backend.database.operations import Operation
from backend.database.sessions.state import ensure_state
from backend.database.sessions.transactions import flush_before_commit
from backend.errors import RepositoryError

CommitStatus: TypeAlias = Literal["committed", "aborted", "in progress", "unknowable"]
"""The status of a transaction; `in progress` also while the server does not answer."""

_OPERATION: Final = Operation("run", writes=False)


class _TransactionId(UserDefinedType[str]):
    """PostgreSQL's xid8, for which SQLAlchemy has no type; here it is only cast to and from text."""

    cache_ok: bool | None = True

    @override
    def get_col_spec(self, **_: object) -> str:
        return "XID8"


@dataclass(frozen=True, slots=True)
class TransactionIdentity:
    """The identity of a transaction that has written, by which its commit status can be read."""

    transaction: str
    cluster: tuple[int, str]
    """System identifier and timeline."""
    server_run: tuple[datetime, datetime]
    """When the server was started, and when its statistics were reset."""


_system = func.pg_control_system().table_valued(column("system_identifier", BigInteger()), name="control")
_timeline = func.left(func.pg_walfile_name(func.pg_current_wal_lsn()), 8, type_=String())
_CLUSTER_AND_TIMELINE: Final = (
    _system.c.system_identifier,
    case((func.pg_is_in_recovery(), null()), else_=_timeline).label("timeline"),
)
"""The system and the timeline that it writes: the first eight digits of the name of its current write-ahead log file. A
standby writes none, and raises an error for that name."""

_moment = DateTime(timezone=True)
_SERVER_RUN: Final = (
    func.pg_postmaster_start_time(type_=_moment).label("started"),
    func.pg_stat_get_bgwriter_stat_reset_time(type_=_moment).label("reset"),
)

_CURRENT_XID: Final = cast(func.pg_current_xact_id_if_assigned(), String)
_IDENTITY: Final = select(_CURRENT_XID.label("id"), *_CLUSTER_AND_TIMELINE, *_SERVER_RUN).select_from(_system)
_STATUS: Final = func.pg_xact_status(cast(bindparam("id", type_=String()), _TransactionId), type_=String())
_COMMIT_STATUS: Final = select(_STATUS.label("status"), *_CLUSTER_AND_TIMELINE, *_SERVER_RUN).select_from(_system)


def read_identity(session: Session) -> TransactionIdentity | None:
    """Flush, then return the transaction's identity (one round trip), or `None` without asking if it only read."""
    flush_before_commit(session, _OPERATION)
    state = ensure_state(session)
    state.require_open()
    if not state.may_have_written:
        return None
    with translate_errors(_OPERATION, "statement"):
        id, system, timeline, started, reset = session.connection().execute(_IDENTITY).one()
    if not id:  # NULL: it has written nothing, whatever was sent; a standby assigns no ids
        state.may_have_written = False
        return None
    return TransactionIdentity(id, (system, timeline), (started, reset))


def commit_status(engine: Engine, identity: TransactionIdentity) -> CommitStatus:
    """Return the status of the transaction, read on a connection of its own."""
    try:
        with translate_errors(_OPERATION, "connect"):
            connection = connect_autocommit(engine)
        with connection, translate_errors(_OPERATION, "statement"):
            switch_to_autocommit(connection)
            status, *cluster, started, reset = connection.execute(_COMMIT_STATUS, {"id": identity.transaction}).one()
    except RepositoryError as error:  # also for an id that this server has not assigned yet
        return "in progress" if error.retryable else "unknowable"
    if tuple(cluster) != identity.cluster:
        return "unknowable"
    if status == "committed" and (started, reset) != identity.server_run:
        return "unknowable"
    known: dict[str, CommitStatus] = {"committed": "committed", "aborted": "aborted", "in progress": "in progress"}
    return known.get(status, "unknowable")
