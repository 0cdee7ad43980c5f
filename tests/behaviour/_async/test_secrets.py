"""No text of an error holds a password, a user, a URL, a parameter or a row, whichever branch of the tree it is of."""

import io
import logging
import pickle
import traceback
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel
from sqlalchemy import Integer, cast, delete
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from backend import AsyncCRUDRepository, AsyncDatabase, Change, Patch, typed
from backend import errors as tree
from backend.database.addresses import libpq_parameters
from backend.database.connections._async import AsyncConnector
from backend.database.operations import OperationKind
from backend.entity.checks import ClassOptions
from backend.entity.parameters import ID_PARAMETER
from backend.errors import RepositoryError
from backend.repository.execution import Execution
from backend.repository.metadata import required_metadata
from backend.results.cursors import CursorText
from backend.settings import Settings
from backend.statements.keyset import Position
from backend.tasks import AsyncTaskRepository, TaskCreate
from tests.support.secrets_model import CANARY, SecretRow, SecretRowCreate, SecretRowUpdate, SecretServer, secret_server
from tests.support.wire.faults import Cut, Fault


class AsyncSecretsRepository(
    AsyncCRUDRepository[SecretRow, SecretRowCreate, SecretRowUpdate, str], version=col(SecretRow.version)
):
    async def as_numbers(self) -> object:
        return await self._all(self._select(cast(col(SecretRow.secret), Integer)))


@pytest.fixture(scope="module")
def server() -> Iterator[SecretServer]:
    with secret_server() as server:
        yield server


class Numbers(BaseModel):
    """A view that refuses each stored text."""

    secret: Annotated[str | None, AfterValidator(int)]


class World:
    """Where a case happens: the guarded database, and a session whose table holds the canary."""

    def __init__(self, server: SecretServer, database: AsyncDatabase, session: AsyncSession) -> None:
        self.server = server
        self.database = database
        self.session = session
        self.rows = AsyncSecretsRepository(session)

    async def insert(self, **values: Any) -> object:
        given: dict[str, Any] = {"id": CANARY + "2", "secret": CANARY + "2"} | values
        return await self.rows.create(SecretRowCreate(**given))

    async def connect(self, url: str, **settings: object) -> None:
        chosen = Settings.from_url(url).model_copy(update={"connect_retry_s": 0, **settings})
        async with AsyncDatabase(chosen) as database:
            await database.ping()


Provoke = Callable[[World], Any]


@pytest.fixture
async def world(server: SecretServer) -> AsyncGenerator[World]:
    async with AsyncDatabase(server.url()) as database, database.session() as session:
        world = World(server, database, session)
        async with session.begin():
            await (await session.connection()).execute(delete(SecretRow))
        await world.rows.create(SecretRowCreate(id=CANARY, secret=CANARY, size=1, slot=1))
        yield world


def raising(sqlstate: str) -> Provoke:
    """The server raises this code, with the row in message, detail and hint."""
    return lambda world: world.insert(raises=sqlstate)


def upsert(world: World, *data: SecretRowCreate) -> Awaitable[object]:
    if len(data) == 1:
        return world.rows.upsert(data[0], on=col(SecretRow.id))
    return world.rows.upsert_many(data, on=col(SecretRow.id))


async def _invalid(world: World) -> object:
    return await world.rows.create(SecretRowCreate.model_construct(id=CANARY, size=CANARY))


async def _unstorable(world: World) -> object:
    return await world.rows.create(SecretRowCreate(id=CANARY + "\0"))


async def _invalid_of_many(world: World) -> object:
    wrong = SecretRowCreate.model_construct(id=CANARY, size=CANARY)
    return await upsert(world, SecretRowCreate(id=CANARY + "2"), wrong)


async def _wrong_key(world: World) -> object:
    wrong: Any = CANARY
    return await world.rows.upsert(SecretRowCreate(id=CANARY), on=wrong)


async def _several(world: World) -> object:
    await world.insert()
    return await world.rows.one()


async def _lost_read(world: World) -> object:
    with world.server.proxy.fault(Fault("after_statement", Cut())):
        return await world.rows.list(col(SecretRow.secret) == CANARY)


async def _lost_write(world: World) -> object:
    with world.server.proxy.fault(Fault("after_statement", Cut())):
        return await world.insert()


async def _lost_commit(world: World) -> None:
    async with world.database.transaction() as session:
        await AsyncSecretsRepository(session).create(SecretRowCreate(id=CANARY + "3"))
        world.server.proxy.cut_all()


async def _lost_transaction(world: World) -> None:
    async with world.database.transaction() as session:
        rows = AsyncSecretsRepository(session)
        await rows.create(SecretRowCreate(id=CANARY + "3"))
        world.server.proxy.cut_all()
        await rows.update(CANARY + "3", SecretRowUpdate(secret=CANARY + "4"))


async def _swallowed(world: World) -> None:
    async with world.database.transaction() as session:
        with pytest.raises(tree.UniqueViolationError):
            await AsyncSecretsRepository(session).create(SecretRowCreate(id=CANARY))


async def _exhaust_pool(world: World) -> None:
    settings = Settings.from_url(world.server.url()).model_copy(
        update={"pool_size": 1, "pool_max_overflow": 0, "pool_timeout_s": 0.01}
    )
    async with AsyncDatabase(settings) as database, database.engine.connect():
        await database.ping()


async def _lost_upsert(world: World) -> object:
    with world.server.proxy.fault(Fault("after_statement", Cut())):
        return await upsert(world, SecretRowCreate(id=CANARY, secret=CANARY + "2"))


async def _unread_write(world: World) -> object:
    return await world.insert(unreadable=CANARY)


async def _too_large(world: World) -> object:
    return await world.rows.list(col(SecretRow.secret).in_([CANARY] * 70_000))


async def _not_bound(world: World) -> None:
    wrong: Any = CANARY.encode()
    AsyncTaskRepository(world.session).owned_by(wrong)


async def _mistaken(world: World) -> None:
    wrong: Any = {"id": CANARY}
    await world.rows.create(wrong)


async def _other_order(world: World) -> object:
    await world.insert()
    page = await world.rows.cursor_page(order_by=col(SecretRow.secret), size=1)
    return await world.rows.cursor_page(order_by=col(SecretRow.secret).desc(), cursor=page.next)


async def _forged(world: World) -> object:
    names = map(repr, ["secretrow", "size asc", "id asc", "every owner"])
    cursor = CursorText("SecretRow", "\n".join(names), 2).encode(Position("after", (CANARY, CANARY)))
    return await world.rows.cursor_page(order_by=col(SecretRow.size), cursor=cursor)


async def _undefined(world: World) -> None:
    class Broken(AsyncCRUDRepository[SecretRow, SecretRowUpdate, SecretRowUpdate, str]): ...  # pyright: ignore[reportUnusedClass]  # refused


CASES: list[tuple[type[RepositoryError], Provoke]] = [
    (tree.NotFoundError, lambda world: world.rows.get_one(CANARY + "9")),
    (tree.NotFoundError, lambda world: world.rows.update_many({CANARY + "9": SecretRowUpdate(secret=CANARY)})),
    (tree.NotFoundError, lambda world: world.rows.delete_many([CANARY, CANARY + "9"])),
    (tree.MultipleFoundError, _several),
    (tree.StaleError, lambda world: world.rows.update(CANARY, SecretRowUpdate(secret=CANARY), expected=9)),
    (
        tree.StaleError,
        lambda world: world.rows.update_many([Patch(CANARY, SecretRowUpdate(secret=CANARY + "2"), expected=9)]),
    ),
    (tree.InvalidDataError, _invalid),
    (tree.InvalidDataError, _invalid_of_many),
    (tree.InvalidDataError, lambda world: upsert(world, *[SecretRowCreate(id=CANARY)] * 2)),
    (tree.InvalidDataError, lambda world: world.rows.create_many([SecretRowCreate(id=CANARY + "2")] * 2)),
    (tree.InvalidDataError, lambda world: world.rows.delete_many([CANARY] * 2)),
    (tree.InvalidDataError, _unstorable),
    (tree.InvalidDataError, lambda world: world.rows.as_numbers()),
    (tree.UniqueViolationError, lambda world: world.insert(id=CANARY)),
    (tree.UniqueViolationError, lambda world: world.insert(secret=CANARY)),
    (tree.UniqueViolationError, lambda world: upsert(world, SecretRowCreate(id=CANARY + "2", secret=CANARY))),
    (
        tree.UniqueViolationError,
        lambda world: upsert(world, *(SecretRowCreate(id=CANARY + one, secret=CANARY) for one in "23")),
    ),
    (
        tree.UniqueViolationError,
        lambda world: world.rows.create_many([SecretRowCreate(id=CANARY + "2", secret=CANARY)]),
    ),
    (tree.ForeignKeyViolationError, lambda world: world.insert(parent=CANARY + "9")),
    (tree.ForeignKeyViolationError, lambda world: upsert(world, SecretRowCreate(id=CANARY, parent=CANARY + "9"))),
    (tree.NotNullViolationError, raising("23502")),
    (tree.CheckViolationError, lambda world: world.insert(size=0)),
    (tree.ExclusionViolationError, lambda world: world.insert(slot=1)),
    (tree.ConstraintViolationError, raising("P0001")),
    (tree.SerializationError, raising("40001")),
    (tree.DeadlockError, raising("40P01")),
    (tree.LockNotAvailableError, raising("55P03")),
    (tree.StatementTimeoutError, raising("57014")),
    (tree.TransientError, raising("53200")),
    (tree.PoolTimeoutError, _exhaust_pool),
    (tree.ConnectionLostError, _lost_read),
    (tree.ConnectionLostError, _lost_transaction),
    (tree.OutcomeUnknownError, _lost_write),
    (tree.OutcomeUnknownError, _lost_upsert),
    (tree.OutcomeUnknownError, _lost_commit),
    (tree.ConnectError, lambda world: world.connect(f"postgresql://{CANARY}:{CANARY}@127.0.0.1:1/{CANARY}")),
    (tree.ConnectError, lambda world: world.connect(f"postgresql://{CANARY}:{CANARY}@unknown.invalid/{CANARY}")),
    (tree.CredentialsError, lambda world: world.connect(world.server.url(password=CANARY + "9"))),
    (tree.CredentialsError, lambda world: world.connect(world.server.url(user=CANARY + "9"))),
    (tree.UnknownDatabaseError, lambda world: world.connect(world.server.url(database=CANARY + "9"))),
    (tree.SchemaMismatchError, raising("42P01")),
    (tree.NotPermittedError, raising("42501")),
    (tree.UnreadableRowError, _unread_write),
    (tree.UnreadableRowError, lambda world: upsert(world, SecretRowCreate(id=CANARY, unreadable=CANARY))),
    (tree.UnreadableRowError, lambda world: world.rows.as_(Numbers).one()),
    (tree.UnreadableRowError, lambda world: world.rows.as_(Numbers).cursor_page()),
    (tree.InvalidCursorError, lambda world: world.rows.cursor_page(cursor=CANARY)),
    (tree.InvalidCursorError, _other_order),
    (tree.InvalidCursorError, _forged),
    (tree.SettingsError, lambda world: world.connect(f"{CANARY}://{CANARY}:{CANARY}@x/y")),
    (tree.SettingsError, lambda world: world.connect(f"postgresql://{CANARY}:{CANARY}@[x:{CANARY}/y")),
    (tree.SettingsError, lambda world: world.connect(f"postgresql://{CANARY}:{CANARY}@x/y?{CANARY}={CANARY}")),
    (tree.SettingsError, raising("26000")),
    (tree.DatabaseError, raising("XX000")),
    (tree.DefinitionError, _undefined),
    (tree.OwnerRequiredError, lambda world: AsyncTaskRepository(world.session).create(TaskCreate(title=CANARY))),
    (tree.UsageError, _not_bound),
    (tree.UsageError, _mistaken),
    (tree.UsageError, _wrong_key),
    (tree.ProgramError, _too_large),
    (tree.InvalidStatementError, raising("42601")),
    (tree.InvalidStatementError, raising("21000")),
    (tree.FailedTransactionError, _swallowed),
]

NOT_HERE = {
    tree.EmbeddedServerError: "it knows no database yet: tests/embedded/test_embedded.py",
    RepositoryError: "the root: every error is of a class below",
    tree.RequestError: "a branch: each of its errors has a class",
    tree.InfrastructureError: "a branch: each of its errors has a class",
}


def test_every_class_of_the_tree_is_provoked() -> None:
    def below(kind: type[RepositoryError]) -> set[type[RepositoryError]]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    assert {kind for kind, _ in CASES} == below(RepositoryError) - NOT_HERE.keys()


@pytest.mark.parametrize(("kind", "provoke"), CASES, ids=[kind.__name__ for kind, _ in CASES])
@pytest.mark.filterwarnings("always")
async def test_no_text_of_an_error_holds_a_secret(
    world: World,
    kind: type[RepositoryError],
    provoke: Provoke,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(RepositoryError) as raised:
            await provoke(world)
        await world.session.close()
    error = raised.value
    assert type(error) is kind
    assert CANARY.encode() not in pickle.dumps(error)
    said = [*texts(error), *(str(one.message) for one in warned), caplog.text, *capfd.readouterr()]
    assert [text for text in said if CANARY in text] == []


def texts(error: RepositoryError) -> Iterator[str]:
    """Everything that is commonly made of an error."""
    yield from (str(error), repr(error), str(error.args), str(error.details), str(getattr(error, "problems", "")))
    yield from (str(getattr(error, "__notes__", "")), str(error.fields), str(error.constraint))
    yield from traceback.format_exception(error)
    yield from traceback.format_exception(ExceptionGroup("several", [error]))
    try:
        raise RuntimeError("because of it") from error
    except RuntimeError as caused:
        yield from traceback.format_exception(caused)
        yield logged(caused)
    try:
        try:
            raise error
        except RepositoryError:
            raise KeyError("while it was handled")  # noqa: B904 - the context is what is looked at
    except KeyError as later:
        yield from traceback.format_exception(later)
    yield logged(error)


def logged(error: Exception) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("tests.secrets")
    logger.addHandler(handler)
    try:
        raise error
    except type(error):
        logger.exception("failed: %s, %r", error, error)
    finally:
        logger.removeHandler(handler)
    return stream.getvalue()


async def test_a_debugger_finds_the_drivers_error(world: World) -> None:
    with pytest.raises(tree.UniqueViolationError) as raised:
        await world.insert(secret=CANARY)
    assert CANARY in str(raised.value.driver_error)


async def test_no_object_shows_a_secret(world: World) -> None:
    metadata = required_metadata(
        AsyncSecretsRepository, AsyncCRUDRepository, ClassOptions(version=col(SecretRow.version))
    )
    entity = metadata.entity
    objects: list[object] = [
        Settings.from_url(world.server.url()),
        AsyncConnector(Settings.from_url(world.server.url()), libpq_parameters(world.server.url())),
        world.database,
        world.rows,
        world.rows.as_(Numbers),
        AsyncTaskRepository(world.session).owned_by(CANARY),
        typed(SecretRow.secret).to(CANARY),
        Change(typed(SecretRow.secret).to(CANARY), where=col(SecretRow.secret) == CANARY),
        Execution(
            entity.mapper,
            metadata.unscoped.select_by_id,
            {ID_PARAMETER: CANARY},
            metadata.operation(OperationKind("get")),
            metadata.unscoped.select_by_id.statement,
        ),
        *(metadata, entity, metadata.create_reader, metadata.update_reader, metadata.unscoped),
    ]
    assert [shown for one in objects for shown in (str(one), repr(one), f"{one}") if CANARY in shown] == []
