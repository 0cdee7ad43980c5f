# Generated from tests/behaviour/_async/test_error_texts.py by `python -m tools.generate_sync`: edit that one.
"""What the text of an error says: to a client, to an operator and to the program's author."""

from collections.abc import Callable, Generator
from typing import Any, Self

import psycopg
import pytest
from pydantic import model_validator
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Engine,
    ForeignKeyConstraint,
    Identity,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    and_,
    bindparam,
    cast,
    column,
    create_engine,
    func,
    literal,
    text,
)
from sqlalchemy.dialects.postgresql import ENUM, INET, REGCLASS, REGCONFIG, ExcludeConstraint
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, Session, SQLModel, col

from backend import Change, CRUDRepository, Database, Patch, typed
from backend import errors as tree
from backend.errors import (
    InvalidDataError,
    InvalidStatementError,
    RepositoryError,
    RequestError,
    SchemaMismatchError,
    UsageError,
)
from tests.support.wire import WireProxy

CANARY = "c4n4ry"
_VERSION: dict[str, Any] = {"server_default": "1", "onupdate": column("revision", Integer()) + 1}


class Ledger(SQLModel, table=True):
    """Owned, with a constraint of every kind; each holds the owner's column."""

    metadata = MetaData()
    __table_args__ = (
        UniqueConstraint("holder_id", "code", name="uq_ledger"),
        UniqueConstraint("holder_id", "id", name="uq_ledger_id"),
        ForeignKeyConstraint(["holder_id", "parent"], ["ledger.holder_id", "ledger.id"], name="fk_ledger"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    holder_id: str = Field(sa_type=Text, max_length=10)
    code: str | None = Field(default=None, sa_type=Text)
    size: int | None = None
    slot: int | None = None
    parent: int | None = Field(default=None, sa_type=BigInteger)
    ratio: int | None = None
    mood: str | None = Field(default=None, sa_column=Column(ENUM("glad", "sad", name="ledger_mood")))
    revision: int = Field(default=None, sa_column_kwargs=_VERSION)

    @model_validator(mode="after")
    def _is_not_a_guest(self) -> Self:
        if self.holder_id == "guest" and self.size == 1:
            raise ValueError("a guest has no first size")
        return self


_TABLE = Ledger.metadata.tables["ledger"]
_TABLE.append_constraint(CheckConstraint(and_(_TABLE.c.size > 0, _TABLE.c.holder_id != "nobody"), name="ck_ledger"))
_TABLE.append_constraint(
    ExcludeConstraint((_TABLE.c.holder_id, "="), (_TABLE.c.slot, "="), name="ex_ledger", using="btree")
)


class LedgerCreate(SQLModel):
    code: str | None = Field(default=None, max_length=20)
    size: int | None = None
    slot: int | None = None
    parent: int | None = None
    mood: str | None = None


class LedgerUpdate(SQLModel):
    code: str | None = Field(default=None, max_length=20)
    size: int | None = None
    mood: str | None = None


_DIVIDE = Change(typed(Ledger.ratio).to(literal(1, Integer()) // bindparam("by", type_=Integer())))
_MISTYPED = Change(typed(Ledger.size).to(func.lower(bindparam("by", type_=Text()))))


class LedgerRepository(
    CRUDRepository[Ledger, LedgerCreate, LedgerUpdate], owner=col(Ledger.holder_id), version=col(Ledger.revision)
):
    def divide(self, id: int, by: int) -> Ledger:
        return self._change(id, _DIVIDE, {"by": by})

    def mistype(self, id: int, by: str) -> Ledger:
        return self._change(id, _MISTYPED, {"by": by})


class Address(TypeDecorator[str]):
    """A type of the program's own, whose values only the server knows."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = INET
    cache_ok: bool | None = True


class Host(SQLModel, table=True):
    """No owner, and a column whose values only the server knows."""

    metadata = Ledger.metadata

    id: int = Field(default=None, primary_key=True)
    name: str | None = Field(default=None, sa_type=String(20))
    address: str | None = Field(default=None, sa_type=Address)


class HostCreate(SQLModel):
    name: str | None = Field(default=None, max_length=20)
    address: str | None = None


class HostRepository(CRUDRepository[Host, HostCreate, HostCreate]):
    def selected(self, expression: Any) -> object:
        return self._all(self._select(expression))


@pytest.fixture
def ledgers(session: Session, clean: Engine) -> Generator[LedgerRepository]:
    Ledger.metadata.create_all(clean)
    yield LedgerRepository(session).owned_by("ada")
    run(clean, "DROP TABLE IF EXISTS ledger, host CASCADE", "DROP TYPE IF EXISTS ledger_mood, new_mood")


@pytest.fixture
def hosts(ledgers: LedgerRepository) -> HostRepository:
    return HostRepository(ledgers.session)


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for one in statements:
            connection.execute(text(one))


def _several(ledgers: LedgerRepository, row: Ledger, _: Engine) -> object:
    ledgers.create(LedgerCreate())
    return ledgers.one()


def _referred_to(ledgers: LedgerRepository, row: Ledger, _: Engine) -> object:
    ledgers.create(LedgerCreate(parent=row.id))
    return ledgers.delete(row.id)


def _many_referred_to(ledgers: LedgerRepository, row: Ledger, _: Engine) -> object:
    ledgers.create(LedgerCreate(parent=row.id))
    return ledgers.delete_many([row.id])


def _not_null(ledgers: LedgerRepository, row: Ledger, engine: Engine) -> object:
    run(engine, "DELETE FROM ledger", "ALTER TABLE ledger ALTER size SET NOT NULL")
    return ledgers.create(LedgerCreate(size=None))


def _raised(ledgers: LedgerRepository, row: Ledger, engine: Engine) -> object:
    run(
        engine,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''%'', NEW; END'",
        "CREATE TRIGGER refuse BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    try:
        return ledgers.create(LedgerCreate(code=CANARY))
    finally:
        run(engine, "DROP FUNCTION refuse CASCADE")


def upsert(ledgers: LedgerRepository, *data: LedgerCreate) -> object:
    if len(data) == 1:
        return ledgers.upsert(data[0], on=col(Ledger.code))
    return ledgers.upsert_many(data, on=col(Ledger.code))


Provoke = Callable[[LedgerRepository, Ledger, Engine], object]

REQUESTS: list[tuple[type[RequestError], Provoke, tuple[str, ...]]] = [
    (tree.NotFoundError, lambda ledgers, row, _: ledgers.get_one(row.id + 1), ()),
    (tree.NotFoundError, lambda ledgers, row, _: ledgers.delete_many([row.id, row.id + 1]), ()),
    (tree.NotFoundError, lambda ledgers, row, _: ledgers.update_many({row.id + 1: LedgerUpdate(size=1)}), ()),
    (tree.MultipleFoundError, _several, ()),
    (tree.StaleError, lambda ledgers, row, _: ledgers.update(row.id, LedgerUpdate(size=1), expected=9), ("revision",)),
    (
        tree.StaleError,
        lambda ledgers, row, _: ledgers.update_many([Patch(row.id, LedgerUpdate(size=1), expected=9)]),
        ("revision",),
    ),
    (tree.InvalidDataError, lambda ledgers, _row, _: ledgers.create(LedgerCreate(size=2**40)), ("size",)),
    (tree.InvalidDataError, lambda ledgers, _row, _: upsert(ledgers, *[LedgerCreate(code="x")] * 2), ("code",)),
    (tree.InvalidDataError, lambda ledgers, row, _: ledgers.delete_many([row.id, row.id]), ("id",)),
    (tree.InvalidDataError, lambda ledgers, row, _: ledgers.divide(row.id, 0), ()),
    (
        tree.UniqueViolationError,
        lambda ledgers, _row, _: ledgers.create(LedgerCreate(code="one")),
        ("holder_id", "code"),
    ),
    (
        tree.ForeignKeyViolationError,
        lambda ledgers, _row, _: ledgers.create(LedgerCreate(parent=0)),
        ("holder_id", "parent"),
    ),
    (
        tree.ForeignKeyViolationError,
        lambda ledgers, _row, _: upsert(ledgers, LedgerCreate(code="one", parent=0), LedgerCreate(code="two")),
        ("holder_id", "parent"),
    ),
    (tree.ForeignKeyViolationError, _many_referred_to, ("holder_id", "parent")),
    (tree.ForeignKeyViolationError, _referred_to, ("holder_id", "parent")),
    (tree.NotNullViolationError, _not_null, ("size",)),
    (
        tree.CheckViolationError,
        lambda ledgers, _row, _: ledgers.create(LedgerCreate(size=0)),
        ("holder_id", "size"),
    ),
    (
        tree.CheckViolationError,
        lambda ledgers, _row, _: ledgers.update_where(LedgerUpdate(size=0), all_rows=True),
        ("holder_id", "size"),
    ),
    (
        tree.ExclusionViolationError,
        lambda ledgers, _row, _: ledgers.create(LedgerCreate(slot=1)),
        ("holder_id", "slot"),
    ),
    (
        tree.ExclusionViolationError,
        lambda ledgers, _row, _: upsert(ledgers, LedgerCreate(code="two", slot=1)),
        ("holder_id", "slot"),
    ),
    (tree.ConstraintViolationError, _raised, ()),
]


def test_every_request_error_is_provoked() -> None:
    def below(kind: type[RequestError]) -> set[type[RequestError]]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    not_built = {tree.InvalidCursorError}
    assert {kind for kind, _, _ in REQUESTS} == below(RequestError) - {RequestError} - not_built


@pytest.mark.parametrize(
    ("kind", "provoke", "fields"),
    REQUESTS,
    ids=[kind.__name__ for kind, *_ in REQUESTS],
)
def test_the_text_of_a_request_error_names_fields_of_the_schemas_alone(
    ledgers: LedgerRepository,
    clean: Engine,
    kind: type[RequestError],
    provoke: Provoke,
    fields: tuple[str, ...],
) -> None:
    row = ledgers.create(LedgerCreate(code="one", slot=1))
    with pytest.raises(RequestError) as raised:
        provoke(ledgers, row, clean)
    error = raised.value
    assert (type(error), error.fields) == (kind, fields)
    hidden = ["holder_id", "ada", "SQLSTATE", "ledger", "constraint '", error.sqlstate, error.constraint]
    assert [one for one in hidden if one and one in f"{error} {error!r}"] == []
    if error.sqlstate:
        assert [name for name in fields if name != "holder_id" and name not in str(error)] == []


def test_the_text_of_another_error_names_its_sqlstate(hosts: HostRepository, clean: Engine) -> None:
    run(clean, "ALTER TABLE host RENAME name TO label")
    with pytest.raises(SchemaMismatchError, match=r"\(SQLSTATE 42703\)"):
        hosts.list()


def test_an_owner_that_the_models_rules_refuse_is_not_the_clients_fault(
    ledgers: LedgerRepository,
) -> None:
    with pytest.raises(InvalidDataError, match=r"^invalid LedgerCreate: a guest has no first size$"):
        LedgerRepository(ledgers.session).owned_by("guest").create(LedgerCreate(size=1))
    with pytest.raises(UsageError, match=r"^invalid owner for Ledger: the model's own rules refuse it$"):
        LedgerRepository(ledgers.session).owned_by("bartholomew").create(LedgerCreate())


STATEMENTS: list[tuple[Any, str, str]] = [
    (col(Host.id) + col(Host.name), "42883", r"operator does not exist: integer \+ character varying"),
    (func.no_such(col(Host.id)), "42883", r"function no_such\(integer\) does not exist"),
    (func.max(func.max(col(Host.id))), "42803", "aggregate function calls cannot be nested"),
    (col(Host.name).op("is of type")(bindparam(None, CANARY)), "42601", 'syntax error at or near "of"'),
]


@pytest.mark.parametrize(("expression", "sqlstate", "words"), STATEMENTS)
def test_a_statement_that_cannot_run_shows_the_servers_message(
    hosts: HostRepository, expression: Any, sqlstate: str, words: str
) -> None:
    shown = rf"^select of Host is a statement that the server cannot run \(SQLSTATE {sqlstate}\): {words}$"
    with pytest.raises(InvalidStatementError, match=shown):
        hosts.selected(expression)


def test_a_change_that_cannot_run_shows_the_servers_message(ledgers: LedgerRepository) -> None:
    with pytest.raises(SchemaMismatchError, match=r'column "size" is of type integer but expression is of type text$'):
        ledgers.mistype(1, CANARY)


HIDDEN: dict[str, Any] = {
    "parameter read as a name": cast(cast(CANARY, Text), REGCONFIG),
    "parameter read as a table": cast(CANARY, REGCLASS),
    "value of a function": func.set_config(literal("a b.") + CANARY, "x", False),
    "value written into the statement": cast(bindparam(None, CANARY, type_=Text(), literal_execute=True), REGCONFIG),
    "literal in a syntax error": col(Host.id).op("is of type")(
        bindparam(None, CANARY, type_=Text(), literal_execute=True)
    ),
}


@pytest.mark.session_state("a caller calls set_config")
@pytest.mark.parametrize("expression", HIDDEN.values(), ids=HIDDEN)
def test_the_servers_message_is_left_out_where_it_may_hold_a_value(hosts: HostRepository, expression: Any) -> None:
    hosts.create(HostCreate())
    with pytest.raises(RepositoryError) as raised:
        hosts.selected(expression)
    assert isinstance(raised.value, InvalidStatementError | SchemaMismatchError)
    assert CANARY not in f"{raised.value!r}"
    assert str(raised.value).endswith(f"(SQLSTATE {raised.value.sqlstate})")


@pytest.mark.usefixtures("awake")
def test_the_servers_message_is_left_out_where_the_driver_writes_values_into_the_statement(
    ledgers: LedgerRepository, proxy: WireProxy
) -> None:
    engine = create_engine(proxy.url, connect_args={"cursor_factory": psycopg.ClientCursor})
    with Database(engine).session() as session:
        with pytest.raises(InvalidStatementError, match=r"\(SQLSTATE 42601\)$"):
            HostRepository(session).selected(col(Host.name).op("is of type")(CANARY))
    engine.dispose()


DRIFTED: dict[str, tuple[str, LedgerCreate, str]] = {
    "shorter": ("ALTER TABLE ledger ALTER code TYPE varchar(3)", LedgerCreate(code=CANARY), "22001"),
    "smaller": ("ALTER TABLE ledger ALTER slot TYPE smallint", LedgerCreate(slot=40_000), "22003"),
    "label": (
        "CREATE TYPE old_mood AS ENUM ('glad'); ALTER TABLE ledger ALTER mood TYPE old_mood USING NULL; "
        "ALTER TYPE ledger_mood RENAME TO new_mood; ALTER TYPE old_mood RENAME TO ledger_mood",
        LedgerCreate(mood="sad"),
        "22P02",
    ),
}


@pytest.mark.parametrize(("sql", "data", "sqlstate"), DRIFTED.values(), ids=DRIFTED)
def test_a_value_that_has_passed_validation_and_is_refused_is_a_mismatch_of_the_schema(
    ledgers: LedgerRepository, clean: Engine, sql: str, data: LedgerCreate, sqlstate: str
) -> None:
    row = ledgers.create(LedgerCreate())
    run(clean, *sql.split("; "))
    with pytest.raises(SchemaMismatchError, match="holds a value that the model allows and the database") as raised:
        ledgers.create(data)
    assert (raised.value.sqlstate, raised.value.outcome) == (sqlstate, "not_applied")
    if data.slot is None:
        with pytest.raises(SchemaMismatchError, match="so migrate the table"):
            ledgers.update(row.id, LedgerUpdate(**data.model_dump(exclude_unset=True)))
    assert CANARY not in f"{raised.value!r}"


def test_a_value_that_only_the_server_can_judge_is_invalid_data(hosts: HostRepository) -> None:
    with pytest.raises(InvalidDataError) as raised:
        hosts.create(HostCreate(address=CANARY))
    assert raised.value.sqlstate == "22P02"


def test_a_value_that_a_change_computes_is_invalid_data(ledgers: LedgerRepository) -> None:
    row = ledgers.create(LedgerCreate())
    with pytest.raises(InvalidDataError) as raised:
        ledgers.divide(row.id, 0)
    assert raised.value.sqlstate == "22012"
    assert str(raised.value) == "change of Ledger computes a division by zero"


@pytest.mark.parametrize(
    ("expression", "sqlstate", "fix"),
    [
        (column("nowhere", Integer()), "42703", "correct the name in an expression of your own"),
        (func.coalesce(col(Host.name), col(Host.id)), "42804", "cast an expression of your own"),
    ],
)
def test_an_expression_that_the_table_does_not_fit_says_how_to_correct_it(
    hosts: HostRepository, expression: Any, sqlstate: str, fix: str
) -> None:
    with pytest.raises(SchemaMismatchError, match=rf"migrate the table, .*, or {fix} \(SQLSTATE {sqlstate}\): "):
        hosts.selected(expression)


MISSING: list[tuple[str, str, str]] = [
    ("DROP TABLE host", "42P01", r"run init_db \(SQLSTATE 42P01\): relation \"host\" does not exist$"),
    (
        "ALTER TABLE host DROP COLUMN name",
        "42703",
        r"init_db adds none .* \(SQLSTATE 42703\): column \"?(host\.)?name\"?.* does not exist$",
    ),
    ("ALTER TABLE host ALTER name TYPE int USING NULL", "42804", "init_db changes none that exists"),
]


@pytest.mark.parametrize(("sql", "sqlstate", "said"), MISSING, ids=[one for _, one, _ in MISSING])
def test_a_schema_that_does_not_fit_says_what_to_do(
    hosts: HostRepository, clean: Engine, sql: str, sqlstate: str, said: str
) -> None:
    run(clean, sql)
    with pytest.raises(SchemaMismatchError, match=said) as raised:
        hosts.create(HostCreate(name="x"))
    assert raised.value.sqlstate == sqlstate
