"""What became of a transaction whose COMMIT got no answer: asked by its id, which was asked for before COMMIT.

PostgreSQL keeps the fate of recent transactions (`pg_xact_status`). The same id can be another transaction's, so a
receipt also says where it was given:

    system, timeline    after a failover, both number transactions on by themselves
    server run          a crash forgets ids of which nothing reached the write-ahead log, and gives them out again.
                        Crash recovery keeps the timeline, and a backend that is killed does not restart the
                        postmaster; but an unclean end always resets the cumulative statistics, and so their reset time

Another run can tell only that a transaction was rolled back: had it been committed, its id would not be another's.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import BigInteger, DateTime, Engine, String, bindparam, case, cast, column, func, null, select
from sqlalchemy.orm import Session
from sqlalchemy.types import UserDefinedType
from typing_extensions import override

from backend.database.checkout import autocommit, connect_autocommit
from backend.database.failures import translate_errors
from backend.database.operations import Operation
from backend.database.retrying.write_detector import WriteDetector
from backend.database.transactions import flush_before_commit
from backend.errors import RepositoryError

CommitStatus = Literal["committed", "aborted", "in progress", "unknowable"]
"""What became of a transaction; `in progress` also while nobody answers."""

_OPERATION: Final = Operation("run", writes=False)


class _TransactionId(UserDefinedType[str]):
    """PostgreSQL's xid8, which has no type in SQLAlchemy and is only cast to and from text here."""

    cache_ok: bool | None = True

    @override
    def get_col_spec(self, **_: object) -> str:
        return "XID8"


@dataclass(frozen=True, slots=True)
class TransactionIdentity:
    """A transaction that has written, so that its fate can be asked for."""

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
"""The system, and the timeline that it writes: the first eight digits of its write-ahead log's name. A standby writes
none, and refuses to name it."""

_moment = DateTime(timezone=True)
_SERVER_RUN: Final = (
    func.pg_postmaster_start_time(type_=_moment).label("started"),
    func.pg_stat_get_bgwriter_stat_reset_time(type_=_moment).label("reset"),
)

_CURRENT_XID: Final = cast(func.pg_current_xact_id_if_assigned(), String)
_IDENTITY: Final = select(_CURRENT_XID.label("id"), *_CLUSTER_AND_TIMELINE, *_SERVER_RUN).select_from(_system)
_STATUS: Final = func.pg_xact_status(cast(bindparam("id", type_=String()), _TransactionId), type_=String())
_COMMIT_STATUS: Final = select(_STATUS.label("status"), *_CLUSTER_AND_TIMELINE, *_SERVER_RUN).select_from(_system)


def read_identity(session: Session, writes: WriteDetector) -> TransactionIdentity | None:
    """The receipt of the session's transaction, made ready to commit: one round trip; none, `None`, if it only read."""
    flush_before_commit(session, _OPERATION)
    if not writes.may_have_written:
        return None
    with translate_errors(_OPERATION, "statement"):
        id, system, timeline, started, reset = session.connection().execute(_IDENTITY).one()
    if not id:  # NULL: it wrote nothing so far, whatever was sent; a standby has no ids
        writes.may_have_written = False
        return None
    return TransactionIdentity(id, (system, timeline), (started, reset))


def commit_status(engine: Engine, identity: TransactionIdentity) -> CommitStatus:
    """What became of the transaction, asked on a connection of its own."""
    try:
        with translate_errors(_OPERATION, "connect"):
            connection = connect_autocommit(engine)
        with connection, translate_errors(_OPERATION, "statement"):
            autocommit(connection)
            status, *cluster, started, reset = connection.execute(_COMMIT_STATUS, {"id": identity.transaction}).one()
    except RepositoryError as error:  # an id that this server has not reached yet is one, too
        return "in progress" if error.retryable else "unknowable"
    if tuple(cluster) != identity.cluster:
        return "unknowable"
    if status == "committed" and (started, reset) != identity.server_run:
        return "unknowable"
    known: dict[str, CommitStatus] = {"committed": "committed", "aborted": "aborted", "in progress": "in progress"}
    return known.get(status, "unknowable")
