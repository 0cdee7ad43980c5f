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
            ("project has no foreign key (country_code) to country", CREATE),
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
        "ALTER TABLE project ALTER version TYPE smallint",
        [("project has SMALLINT in column version, the model INTEGER", MIGRATE)],
    ),
    "time without its zone": (
        "ALTER TABLE note ALTER at TYPE timestamp",
        [("note has TIMESTAMP WITHOUT TIME ZONE in column at, the model TIMESTAMP WITH TIME ZONE", MIGRATE)],
    ),
    "shorter text": (
        "ALTER TABLE project ALTER name TYPE varchar(20)",
        [("project has VARCHAR(20) in column name, the model VARCHAR(50)", MIGRATE)],
    ),
    "missing NOT NULL": (
        "ALTER TABLE note ALTER title DROP NOT NULL",
        [("note takes NULL in column title, the model does not", MIGRATE)],
    ),
    "surplus NOT NULL": (
        "ALTER TABLE project ALTER country_code SET NOT NULL",
        [("project takes no NULL in column country_code, the model does", MIGRATE)],
    ),
    "surplus column that create cannot fill": (
        "ALTER TABLE note ADD COLUMN sort integer NOT NULL",
        [("note needs a value for column sort, which the model does not have", MIGRATE)],
    ),
    "missing default": (
        "ALTER TABLE note ALTER at DROP DEFAULT",
        [("note has no default for column at, the model does", MIGRATE)],
    ),
    "another default": (
        "ALTER TABLE project ALTER archived SET DEFAULT true",
        [("project has another default for column archived than the model", MIGRATE)],
    ),
    "missing identity": (
        "ALTER TABLE project ALTER id DROP IDENTITY",
        [("project has no default for column id, the model does", MIGRATE)],
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
        "ALTER TABLE note ALTER project_id ADD GENERATED ALWAYS AS IDENTITY",
        [("note always generates column project_id, the model writes it", MIGRATE)],
    ),
    "missing enum label": (
        "ALTER TABLE project ALTER state TYPE text; DROP TYPE state; CREATE TYPE state AS ENUM ('OPEN');"
        "ALTER TABLE project ALTER state TYPE state USING state::state",
        [("project lacks labels of the enum state in column state: DONE", MIGRATE)],
    ),
    "missing primary key": (
        "ALTER TABLE tag DROP CONSTRAINT tag_pkey CASCADE",
        [
            ("tag has no primary key (id)", CREATE),
            ("tagging has no foreign key (tag_id) to tag", CREATE),
        ],
    ),
    "missing unique key": (
        "ALTER TABLE project DROP CONSTRAINT uq_project_owner_id_name",
        [("project has no unique key (owner_id, name), which the model names uq_project_owner_id_name", CREATE)],
    ),
    "index that is not unique": (
        "ALTER TABLE project DROP CONSTRAINT uq_project_owner_id_name;"
        "CREATE INDEX uq_project_owner_id_name ON project (owner_id, name)",
        [
            (
                "project has no unique key (owner_id, name), which the model names uq_project_owner_id_name: "
                "uq_project_owner_id_name is not unique",
                CREATE,
            )
        ],
    ),
    "deferrable unique key": (
        "ALTER TABLE project DROP CONSTRAINT uq_project_owner_id_name;"
        "ALTER TABLE project ADD CONSTRAINT u UNIQUE (owner_id, name) DEFERRABLE",
        [
            (
                "project has no unique key (owner_id, name), which the model names uq_project_owner_id_name: "
                "u is deferrable",
                CREATE,
            )
        ],
    ),
    "partial unique key": (
        "ALTER TABLE project DROP CONSTRAINT uq_project_owner_id_name;"
        "CREATE UNIQUE INDEX u ON project (owner_id, name) WHERE NOT archived",
        [
            (
                "project has no unique key (owner_id, name), which the model names uq_project_owner_id_name: "
                "u holds only some of the rows",
                CREATE,
            ),
        ],
    ),
    "unique key across owners": (
        "CREATE UNIQUE INDEX u ON project (name)",
        [
            (
                "project has the unique index u on (name), which the model does not declare",
                "declare it in the model, or drop it",
            )
        ],
    ),
    "missing foreign key": (
        "ALTER TABLE note DROP CONSTRAINT fk_note_project",
        [
            (
                "note has no foreign key (owner_id, project_id) to project, which the model names fk_note_project",
                CREATE,
            )
        ],
    ),
    "foreign key with another action": (
        "ALTER TABLE note DROP CONSTRAINT fk_note_project; ALTER TABLE note ADD CONSTRAINT fk_note_project "
        "FOREIGN KEY (owner_id, project_id) REFERENCES project (owner_id, id) ON DELETE RESTRICT",
        [
            (
                "note has the foreign key (owner_id, project_id) to project with ON DELETE RESTRICT, the model with "
                "ON DELETE CASCADE",
                "recreate fk_note_project of note in the database: init changes no table that exists",
            )
        ],
    ),
    "foreign key to another table": (
        "CREATE TABLE label (id integer PRIMARY KEY); ALTER TABLE tagging DROP CONSTRAINT tagging_tag_id_fkey;"
        "ALTER TABLE tagging ADD FOREIGN KEY (tag_id) REFERENCES label",
        [("tagging has no foreign key (tag_id) to tag", CREATE)],
    ),
    "missing check": (
        "ALTER TABLE note DROP CONSTRAINT ck_note_title",
        [("note has no check of 0, length, title, which the model names ck_note_title", CREATE)],
    ),
    "another check": (
        "ALTER TABLE note DROP CONSTRAINT ck_note_title;"
        "ALTER TABLE note ADD CONSTRAINT ck_note_title CHECK (length(title) > 10)",
        [("note has another condition in the check ck_note_title than the model", CREATE)],
    ),
    "missing index of owner and key": (
        "DROP INDEX ix_note_owner_id_id",
        [("note has no index (owner_id, id), which the model names ix_note_owner_id_id", CREATE)],
    ),
    "missing index of a foreign key": (
        "DROP INDEX ix_project_country_code",
        [("project has no index (country_code), which the model names ix_project_country_code", CREATE)],
    ),
    "missing index of a secondary table": (
        "DROP INDEX ix_tagging_tag_id",
        [("tagging has no index (tag_id), which the model names ix_tagging_tag_id", CREATE)],
    ),
    "missing index of a cursor's order": (
        "DROP INDEX ix_note_owner_id_at",
        [("note has no index (owner_id, at DESC, id), which the model names ix_note_owner_id_at", CREATE)],
    ),
    "partial index": (
        "DROP INDEX ix_note_owner_id_id; CREATE INDEX ix_note_owner_id_id ON note (owner_id, id) WHERE id > 5",
        [
            (
                "note has no index (owner_id, id), which the model names ix_note_owner_id_id: "
                "ix_note_owner_id_id holds only some of the rows",
                CREATE,
            )
        ],
    ),
    "partial index of other rows": (
        "DROP INDEX ix_project_open; CREATE INDEX ix_project_open ON project (owner_id, version) WHERE version = 7",
        [
            (
                "project has no index (owner_id, version), which the model names ix_project_open: "
                "ix_project_open holds other rows",
                CREATE,
            )
        ],
    ),
    "wrong order of columns": (
        "DROP INDEX ix_note_owner_id_id; CREATE INDEX ix_note_owner_id_id ON note (id, owner_id)",
        [
            (
                "note has no index (owner_id, id), which the model names ix_note_owner_id_id: "
                "ix_note_owner_id_id is on (id, owner_id)",
                CREATE,
            )
        ],
    ),
    "mixed directions": (
        "DROP INDEX ix_note_owner_id_at; CREATE INDEX x ON note (owner_id, at, id)",
        [
            (
                "note has no index (owner_id, at DESC, id), which the model names ix_note_owner_id_at: "
                "x is on (owner_id, at, id)",
                CREATE,
            )
        ],
    ),
    "other place of NULLs": (
        "DROP INDEX ix_note_owner_id_at; CREATE INDEX x ON note (owner_id, at DESC NULLS LAST, id)",
        [
            (
                "note has no index (owner_id, at DESC, id), which the model names ix_note_owner_id_at: "
                "x is on (owner_id, at DESC NULLS LAST, id)",
                CREATE,
            )
        ],
    ),
    "hash index": (
        "DROP INDEX ix_note_owner_id_id; CREATE INDEX ix_note_owner_id_id ON note USING hash (owner_id)",
        [
            (
                "note has no index (owner_id, id), which the model names ix_note_owner_id_id: "
                "ix_note_owner_id_id is of the method hash, is on (owner_id)",
                CREATE,
            )
        ],
    ),
    "index of another expression": (
        "DROP INDEX ix_note_title; CREATE INDEX ix_note_title ON note (upper(title))",
        [
            (
                "note has no index (an expression of lower, title), which the model names ix_note_title: "
                "ix_note_title is on (an expression of title, upper)",
                CREATE,
            )
        ],
    ),
    "another collation": (
        'DROP INDEX ix_note_owner_id_id; CREATE INDEX x ON note (owner_id COLLATE "POSIX", id)',
        [("note has no index (owner_id, id), which the model names ix_note_owner_id_id", CREATE)],
    ),
    "another operator class": (
        "DROP INDEX ix_note_owner_id_id; CREATE INDEX x ON note (owner_id text_pattern_ops, id)",
        [
            (
                "note has no index (owner_id, id), which the model names ix_note_owner_id_id: "
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
        "ALTER TABLE project DROP CONSTRAINT uq_project_owner_id_name;"
        "CREATE UNIQUE INDEX other ON project (name, owner_id)"
    ),
    "varchar without a length for text": (
        "ALTER TABLE note ALTER title TYPE varchar; ALTER TABLE tag ALTER name TYPE varchar"
    ),
    "a sequence for an identity, an identity for a sequence": (
        "ALTER TABLE project ALTER id DROP IDENTITY; CREATE SEQUENCE other;"
        "ALTER TABLE project ALTER id SET DEFAULT nextval('other');"
        "ALTER TABLE tag ALTER id DROP DEFAULT; ALTER TABLE tag ALTER id ADD GENERATED ALWAYS AS IDENTITY"
    ),
    "longer indexes": (
        "DROP INDEX ix_note_owner_id_id; CREATE INDEX x ON note (owner_id, id, title);"
        "DROP INDEX ix_note_owner_id_project_id; CREATE INDEX y ON note (owner_id, project_id, at);"
        "DROP INDEX ix_project_open; CREATE INDEX z ON project (owner_id, version, id)"
    ),
    "indexes read backwards": (
        "DROP INDEX ix_note_owner_id_at; CREATE INDEX x ON note (owner_id, at NULLS LAST, id DESC);"
        "DROP INDEX ix_note_owner_id_id; CREATE INDEX y ON note (owner_id DESC, id DESC)"
    ),
    "domains, and a label that the model does not know": (
        "CREATE DOMAIN title AS text CHECK (VALUE <> ''); ALTER TABLE tag ALTER name TYPE title;"
        "ALTER TYPE state ADD VALUE 'later'"
    ),
    "other names": (
        "ALTER TABLE note RENAME CONSTRAINT fk_note_project TO a;"
        "ALTER TABLE note RENAME CONSTRAINT ck_note_title TO b;"
        "ALTER INDEX ix_note_owner_id_at RENAME TO c; ALTER TABLE project RENAME CONSTRAINT uq_project_owner_id_id TO d"
    ),
    "the same said otherwise": (
        "ALTER TABLE project ALTER archived SET DEFAULT 'no'; ALTER TABLE note ALTER at SET DEFAULT CURRENT_TIMESTAMP;"
        "ALTER TABLE project ALTER version SET DEFAULT '1'::int;"
        "ALTER TABLE note DROP CONSTRAINT ck_note_title; ALTER TABLE note ADD CHECK (0 < length(title::varchar(9)));"
        "DROP INDEX ix_note_title; CREATE INDEX ON note ((lower(title::text)));"
        "DROP INDEX ix_project_open; CREATE INDEX ON project (owner_id, version) WHERE archived = false"
    ),
    "more than the models say": (
        "ALTER TABLE note ADD COLUMN extra text, ADD COLUMN counted integer NOT NULL DEFAULT 0,"
        "ADD COLUMN shown text GENERATED ALWAYS AS (title || '!') STORED; CREATE INDEX ON note USING brin (at);"
        "CREATE UNIQUE INDEX ON project (owner_id, id, name); ALTER TABLE tag ALTER name SET DEFAULT 'x';"
        "CREATE TABLE another (id integer); ALTER TABLE project ADD CHECK (version > 0)"
    ),
    "an index of the rows that refer to another": (
        "DROP INDEX ix_project_country_code; CREATE INDEX ON project (country_code) INCLUDE (name)"
    ),
    "a unique constraint as the key": (
        "ALTER TABLE tagging DROP CONSTRAINT tagging_pkey; ALTER TABLE tagging ADD UNIQUE (note_id, tag_id)"
    ),
    "a table in partitions": (
        "DROP TABLE tagging; CREATE TABLE tagging (note_id integer NOT NULL REFERENCES note, tag_id integer NOT NULL "
        "REFERENCES tag, PRIMARY KEY (note_id, tag_id)) PARTITION BY HASH (note_id);"
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
        "note is as its model declares it, for NoteRepository and AsyncNoteRepository",
        "project is as its model declares it, for ProjectRepository",
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
            maker.execute("ALTER TABLE project DROP CONSTRAINT uq_project_owner_id_name")
            maker.execute("INSERT INTO project (owner_id, name, state) VALUES ('a', 'b', 'OPEN'), ('a', 'b', 'OPEN')")
            with pytest.raises(psycopg.errors.UniqueViolation):
                maker.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON project (owner_id, name)")
        with database.engine.connect() as connection:
            found = [one for one in check_application(connection, application) if one.level != "ok"]
    assert [(one.text, one.fix) for one in found] == [
        (
            "project has no unique key (owner_id, name), which the model names uq_project_owner_id_name: "
            "broken is invalid",
            "reindex broken, whose creation failed",
        )
    ]
