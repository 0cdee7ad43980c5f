"""What `check --models` says of a database: each planted fault, and nothing of one that only looks different."""

from collections.abc import Iterator
from types import ModuleType

import psycopg
import pytest
from sqlalchemy import Connection, make_url

from backend import Database
from backend.commands.check.application import check_application
from backend.commands.check.findings import Finding
from backend.commands.models import Application, import_application
from backend.database.schema import create_tables
from tests.support.models import bulk, mutable, papers, related, suite, types, upserted, walk

CREATE = "create it in the database: init changes no table that exists"
MIGRATE = "migrate the table: init changes none that exists"


@pytest.fixture(scope="module")
def application() -> Application:
    return import_application(["tests.support.models.declared"])


@pytest.fixture
def connection(application: Application, own_tables: str) -> Iterator[Connection]:
    """On tables that `init --models` has made."""
    with Database(own_tables) as database:
        create_tables(database, application.tables)
        with database.engine.connect() as connection, connection.begin():
            yield connection


def findings(application: Application, connection: Connection, ddl: str) -> list[Finding]:
    connection.exec_driver_sql(ddl)
    return check_application(connection, application)


NOTE_INDEX = (
    'add Index("{}", {}) to __table_args__ of {}, and create it in the database: init changes no table that exists'
)

FAULTS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "missing table": (
        "DROP TABLE tagging",
        [("tagging is missing", "run python -m backend init with the same --models, which creates missing tables")],
    ),
    "a view instead of the table": (
        "ALTER TABLE country RENAME TO land; CREATE VIEW country AS SELECT * FROM land",
        [
            (
                "country is a view, the model a table",
                "let the model name a table, or rename it and run python -m backend init with the same --models",
            ),
            ("plan has no foreign key (country_code) to country", CREATE),
        ],
    ),
    "table in a schema that is not searched": (
        "CREATE SCHEMA IF NOT EXISTS elsewhere; ALTER TABLE tagging SET SCHEMA elsewhere",
        [("tagging is missing", "run python -m backend init with the same --models, which creates missing tables")],
    ),
    "missing column": ("ALTER TABLE tag DROP COLUMN name", [("tag has no column name", MIGRATE)]),
    "renamed column": (
        "ALTER TABLE tag RENAME name TO label",
        [
            ("tag has no column name", MIGRATE),
            ("tag needs a value for column label, which the model does not have", MIGRATE),
        ],
    ),
    "wrong type": (
        "ALTER TABLE tag ALTER name TYPE integer USING 1",
        [("tag has INTEGER in column name, the model TEXT", MIGRATE)],
    ),
    "smaller number": (
        "ALTER TABLE plan ALTER version TYPE smallint",
        [("plan has SMALLINT in column version, the model INTEGER", MIGRATE)],
    ),
    "time without its zone": (
        "ALTER TABLE gist ALTER at TYPE timestamp",
        [("gist has TIMESTAMP WITHOUT TIME ZONE in column at, the model TIMESTAMP WITH TIME ZONE", MIGRATE)],
    ),
    "shorter text": (
        "ALTER TABLE plan ALTER name TYPE varchar(20)",
        [("plan has VARCHAR(20) in column name, the model VARCHAR(50)", MIGRATE)],
    ),
    "missing NOT NULL": (
        "ALTER TABLE gist ALTER title DROP NOT NULL",
        [("gist takes NULL in column title, the model does not", MIGRATE)],
    ),
    "surplus NOT NULL": (
        "ALTER TABLE plan ALTER country_code SET NOT NULL",
        [("plan takes no NULL in column country_code, the model does", MIGRATE)],
    ),
    "surplus column that create cannot fill": (
        "ALTER TABLE gist ADD COLUMN sort integer NOT NULL",
        [("gist needs a value for column sort, which the model does not have", MIGRATE)],
    ),
    "missing default": (
        "ALTER TABLE gist ALTER at DROP DEFAULT",
        [("gist has no default for column at, the model does", MIGRATE)],
    ),
    "another default": (
        "ALTER TABLE plan ALTER archived SET DEFAULT true",
        [("plan has another default for column archived than the model", MIGRATE)],
    ),
    "missing identity": (
        "ALTER TABLE plan ALTER id DROP IDENTITY",
        [("plan has no default for column id, the model does", MIGRATE)],
    ),
    "missing sequence": (
        "ALTER TABLE tag ALTER id DROP DEFAULT",
        [("tag has no default for column id, the model does", MIGRATE)],
    ),
    "computed column": (
        "ALTER TABLE tag DROP COLUMN name;"
        "ALTER TABLE tag ADD COLUMN name text NOT NULL GENERATED ALWAYS AS ('x') STORED",
        [("tag computes column name, the model writes it", MIGRATE)],
    ),
    "column that the database always numbers": (
        "ALTER TABLE gist ALTER plan_id ADD GENERATED ALWAYS AS IDENTITY",
        [("gist always generates column plan_id, the model writes it", MIGRATE)],
    ),
    "missing enum label": (
        "ALTER TABLE plan ALTER state TYPE text; DROP TYPE state; CREATE TYPE state AS ENUM ('OPEN');"
        "ALTER TABLE plan ALTER state TYPE state USING state::state",
        [("plan lacks labels of the enum state in column state: DONE", MIGRATE)],
    ),
    "missing primary key": (
        "ALTER TABLE tag DROP CONSTRAINT tag_pkey CASCADE",
        [
            ("tag has no primary key (id)", CREATE),
            ("tagging has no foreign key (tag_id) to tag", CREATE),
        ],
    ),
    "missing unique key": (
        "ALTER TABLE plan DROP CONSTRAINT uq_plan_owner_id_name",
        [("plan has no unique key (owner_id, name), which the model names uq_plan_owner_id_name", CREATE)],
    ),
    "index that is not unique": (
        "ALTER TABLE plan DROP CONSTRAINT uq_plan_owner_id_name;"
        "CREATE INDEX uq_plan_owner_id_name ON plan (owner_id, name)",
        [
            (
                "plan has no unique key (owner_id, name), which the model names uq_plan_owner_id_name: "
                "uq_plan_owner_id_name is not unique",
                CREATE,
            )
        ],
    ),
    "deferrable unique key": (
        "ALTER TABLE plan DROP CONSTRAINT uq_plan_owner_id_name;"
        "ALTER TABLE plan ADD CONSTRAINT u UNIQUE (owner_id, name) DEFERRABLE",
        [
            (
                "plan has no unique key (owner_id, name), which the model names uq_plan_owner_id_name: u is deferrable",
                CREATE,
            )
        ],
    ),
    "partial unique key": (
        "ALTER TABLE plan DROP CONSTRAINT uq_plan_owner_id_name;"
        "CREATE UNIQUE INDEX u ON plan (owner_id, name) WHERE NOT archived",
        [
            (
                "plan has no unique key (owner_id, name), which the model names uq_plan_owner_id_name: "
                "u holds only some of the rows",
                CREATE,
            ),
        ],
    ),
    "unique key across owners": (
        "CREATE UNIQUE INDEX u ON plan (name)",
        [
            (
                "plan has the unique index u on (name), which the model does not declare",
                "declare it in the model, or drop it",
            )
        ],
    ),
    "missing foreign key": (
        "ALTER TABLE gist DROP CONSTRAINT fk_gist_plan",
        [
            (
                "gist has no foreign key (owner_id, plan_id) to plan, which the model names fk_gist_plan",
                CREATE,
            )
        ],
    ),
    "foreign key with another action": (
        "ALTER TABLE gist DROP CONSTRAINT fk_gist_plan; ALTER TABLE gist ADD CONSTRAINT fk_gist_plan "
        "FOREIGN KEY (owner_id, plan_id) REFERENCES plan (owner_id, id) ON DELETE RESTRICT",
        [
            (
                "gist has the foreign key (owner_id, plan_id) to plan with ON DELETE RESTRICT, the model with "
                "ON DELETE CASCADE",
                "recreate fk_gist_plan of gist in the database: init changes no table that exists",
            )
        ],
    ),
    "foreign key to another table": (
        "CREATE TABLE label (id integer PRIMARY KEY); ALTER TABLE tagging DROP CONSTRAINT tagging_tag_id_fkey;"
        "ALTER TABLE tagging ADD FOREIGN KEY (tag_id) REFERENCES label",
        [("tagging has no foreign key (tag_id) to tag", CREATE)],
    ),
    "missing check": (
        "ALTER TABLE gist DROP CONSTRAINT ck_gist_title",
        [("gist has no check of 0, length, title, which the model names ck_gist_title", CREATE)],
    ),
    "another check": (
        "ALTER TABLE gist DROP CONSTRAINT ck_gist_title;"
        "ALTER TABLE gist ADD CONSTRAINT ck_gist_title CHECK (length(title) > 10)",
        [("gist has another condition in the check ck_gist_title than the model", CREATE)],
    ),
    "missing index of owner and key": (
        "DROP INDEX ix_gist_owner_id_id",
        [("gist has no index (owner_id, id), which the model names ix_gist_owner_id_id", CREATE)],
    ),
    "missing index of a foreign key": (
        "DROP INDEX ix_plan_country_code",
        [("plan has no index (country_code), which the model names ix_plan_country_code", CREATE)],
    ),
    "missing index of a secondary table": (
        "DROP INDEX ix_tagging_tag_id",
        [("tagging has no index (tag_id), which the model names ix_tagging_tag_id", CREATE)],
    ),
    "missing index of a cursor's order": (
        "DROP INDEX ix_gist_owner_id_at",
        [("gist has no index (owner_id, at DESC, id), which the model names ix_gist_owner_id_at", CREATE)],
    ),
    "partial index": (
        "DROP INDEX ix_gist_owner_id_id; CREATE INDEX ix_gist_owner_id_id ON gist (owner_id, id) WHERE id > 5",
        [
            (
                "gist has no index (owner_id, id), which the model names ix_gist_owner_id_id: "
                "ix_gist_owner_id_id holds only some of the rows",
                CREATE,
            )
        ],
    ),
    "partial index of other rows": (
        "DROP INDEX ix_plan_open; CREATE INDEX ix_plan_open ON plan (owner_id, version) WHERE version = 7",
        [
            (
                "plan has no index (owner_id, version), which the model names ix_plan_open: "
                "ix_plan_open holds other rows",
                CREATE,
            )
        ],
    ),
    "wrong order of columns": (
        "DROP INDEX ix_gist_owner_id_id; CREATE INDEX ix_gist_owner_id_id ON gist (id, owner_id)",
        [
            (
                "gist has no index (owner_id, id), which the model names ix_gist_owner_id_id: "
                "ix_gist_owner_id_id is on (id, owner_id)",
                CREATE,
            )
        ],
    ),
    "mixed directions": (
        "DROP INDEX ix_gist_owner_id_at; CREATE INDEX x ON gist (owner_id, at, id)",
        [
            (
                "gist has no index (owner_id, at DESC, id), which the model names ix_gist_owner_id_at: "
                "x is on (owner_id, at, id)",
                CREATE,
            )
        ],
    ),
    "other place of NULLs": (
        "DROP INDEX ix_gist_owner_id_at; CREATE INDEX x ON gist (owner_id, at DESC NULLS LAST, id)",
        [
            (
                "gist has no index (owner_id, at DESC, id), which the model names ix_gist_owner_id_at: "
                "x is on (owner_id, at DESC NULLS LAST, id)",
                CREATE,
            )
        ],
    ),
    "hash index": (
        "DROP INDEX ix_gist_owner_id_id; CREATE INDEX ix_gist_owner_id_id ON gist USING hash (owner_id)",
        [
            (
                "gist has no index (owner_id, id), which the model names ix_gist_owner_id_id: "
                "ix_gist_owner_id_id is of the method hash, is on (owner_id)",
                CREATE,
            )
        ],
    ),
    "index of another expression": (
        "DROP INDEX ix_gist_title; CREATE INDEX ix_gist_title ON gist (upper(title))",
        [
            (
                "gist has no index (an expression of lower, title), which the model names ix_gist_title: "
                "ix_gist_title is on (an expression of title, upper)",
                CREATE,
            )
        ],
    ),
    "another collation": (
        'DROP INDEX ix_gist_owner_id_id; CREATE INDEX x ON gist (owner_id COLLATE "POSIX", id)',
        [("gist has no index (owner_id, id), which the model names ix_gist_owner_id_id", CREATE)],
    ),
    "another operator class": (
        "DROP INDEX ix_gist_owner_id_id; CREATE INDEX x ON gist (owner_id text_pattern_ops, id)",
        [
            (
                "gist has no index (owner_id, id), which the model names ix_gist_owner_id_id: "
                "x is on (owner_id text_pattern_ops, id)",
                CREATE,
            )
        ],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_with_its_fix(application: Application, connection: Connection, fault: str) -> None:
    ddl, expected = FAULTS[fault]
    found = [one for one in findings(application, connection, ddl) if one.level != "ok"]
    assert [(one.text, one.fix) for one in found] == expected
    assert {one.level for one in found} == {"problem"}


SOUND: dict[str, str] = {
    "as init makes it": "SELECT 1",
    "unique indexes, their columns the other way round": (
        "ALTER TABLE plan DROP CONSTRAINT uq_plan_owner_id_name;CREATE UNIQUE INDEX other ON plan (name, owner_id)"
    ),
    "varchar without a length for text": (
        "ALTER TABLE gist ALTER title TYPE varchar; ALTER TABLE tag ALTER name TYPE varchar"
    ),
    "a sequence for an identity, an identity for a sequence": (
        "ALTER TABLE plan ALTER id DROP IDENTITY; CREATE SEQUENCE other;"
        "ALTER TABLE plan ALTER id SET DEFAULT nextval('other');"
        "ALTER TABLE tag ALTER id DROP DEFAULT; ALTER TABLE tag ALTER id ADD GENERATED ALWAYS AS IDENTITY"
    ),
    "longer indexes": (
        "DROP INDEX ix_gist_owner_id_id; CREATE INDEX x ON gist (owner_id, id, title);"
        "DROP INDEX ix_gist_owner_id_plan_id; CREATE INDEX y ON gist (owner_id, plan_id, at);"
        "DROP INDEX ix_plan_open; CREATE INDEX z ON plan (owner_id, version, id)"
    ),
    "indexes read backwards": (
        "DROP INDEX ix_gist_owner_id_at; CREATE INDEX x ON gist (owner_id, at NULLS LAST, id DESC);"
        "DROP INDEX ix_gist_owner_id_id; CREATE INDEX y ON gist (owner_id DESC, id DESC)"
    ),
    "domains, and a label that the model does not know": (
        "CREATE DOMAIN title AS text CHECK (VALUE <> ''); ALTER TABLE tag ALTER name TYPE title;"
        "ALTER TYPE state ADD VALUE 'later'"
    ),
    "other names": (
        "ALTER TABLE gist RENAME CONSTRAINT fk_gist_plan TO a;"
        "ALTER TABLE gist RENAME CONSTRAINT ck_gist_title TO b;"
        "ALTER INDEX ix_gist_owner_id_at RENAME TO c; ALTER TABLE plan RENAME CONSTRAINT uq_plan_owner_id_id TO d"
    ),
    "the same said otherwise": (
        "ALTER TABLE plan ALTER archived SET DEFAULT 'no'; ALTER TABLE gist ALTER at SET DEFAULT CURRENT_TIMESTAMP;"
        "ALTER TABLE plan ALTER version SET DEFAULT '1'::int;"
        "ALTER TABLE gist DROP CONSTRAINT ck_gist_title; ALTER TABLE gist ADD CHECK (0 < length(title::varchar(9)));"
        "DROP INDEX ix_gist_title; CREATE INDEX ON gist ((lower(title::text)));"
        "DROP INDEX ix_plan_open; CREATE INDEX ON plan (owner_id, version) WHERE archived = false"
    ),
    "more than the models say": (
        "ALTER TABLE gist ADD COLUMN extra text, ADD COLUMN counted integer NOT NULL DEFAULT 0,"
        "ADD COLUMN shown text GENERATED ALWAYS AS (title || '!') STORED; CREATE INDEX ON gist USING brin (at);"
        "CREATE UNIQUE INDEX ON plan (owner_id, id, name); ALTER TABLE tag ALTER name SET DEFAULT 'x';"
        "CREATE TABLE another (id integer); ALTER TABLE plan ADD CHECK (version > 0)"
    ),
    "an index of the rows that refer to another": (
        "DROP INDEX ix_plan_country_code; CREATE INDEX ON plan (country_code) INCLUDE (name)"
    ),
    "a unique constraint as the key": (
        "ALTER TABLE tagging DROP CONSTRAINT tagging_pkey; ALTER TABLE tagging ADD UNIQUE (gist_id, tag_id)"
    ),
    "a table in partitions": (
        "DROP TABLE tagging; CREATE TABLE tagging (gist_id integer NOT NULL REFERENCES gist, tag_id integer NOT NULL "
        "REFERENCES tag, PRIMARY KEY (gist_id, tag_id)) PARTITION BY HASH (gist_id);"
        "CREATE TABLE tagging_0 PARTITION OF tagging FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
        "CREATE INDEX ON tagging (tag_id)"
    ),
}


@pytest.mark.parametrize("schema", SOUND)
def test_a_sound_schema_raises_no_alarm(application: Application, connection: Connection, schema: str) -> None:
    found = findings(application, connection, SOUND[schema])
    assert [(one.text, one.fix) for one in found if one.level != "ok"] == []
    assert [one.text for one in found if one.name == "tables"] == [
        "country is as its model declares it, for CountryRepository",
        "gist is as its model declares it, for GistRepository and AsyncGistRepository",
        "plan is as its model declares it, for PlanRepository",
        "tag is as its model declares it; no repository of it was imported",
        "tagging is as its model declares it; no repository of it was imported",
    ]


@pytest.mark.parametrize("module", [bulk, mutable, papers, related, suite, types, upserted, walk])
def test_tables_as_init_makes_them_have_no_problem(module: ModuleType, own_tables: str) -> None:
    """Models with every column type, kind of key, default and relationship."""
    application = import_application([module.__name__])
    with Database(own_tables) as database:
        create_tables(database, application.tables)
        with database.engine.connect() as connection:
            found = check_application(connection, application)
    assert [one.text for one in found if one.is_problem] == []


def test_an_index_whose_making_failed_is_found(application: Application, own_tables: str) -> None:
    url = make_url(own_tables).set(drivername="postgresql").render_as_string(hide_password=False)
    with Database(own_tables) as database:
        create_tables(database, application.tables)
        with psycopg.connect(url, autocommit=True) as maker:
            maker.execute("ALTER TABLE plan DROP CONSTRAINT uq_plan_owner_id_name")
            maker.execute("INSERT INTO plan (owner_id, name, state) VALUES ('a', 'b', 'OPEN'), ('a', 'b', 'OPEN')")
            with pytest.raises(psycopg.errors.UniqueViolation):
                maker.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON plan (owner_id, name)")
        with database.engine.connect() as connection:
            found = [one for one in check_application(connection, application) if one.level != "ok"]
    assert [(one.text, one.fix) for one in found] == [
        (
            "plan has no unique key (owner_id, name), which the model names uq_plan_owner_id_name: broken is invalid",
            "reindex broken, whose creation failed",
        )
    ]
