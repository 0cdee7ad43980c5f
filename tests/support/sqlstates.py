"""The codes of PostgreSQL's errors with the class of each, and statements that raise them."""

from backend import errors
from backend.errors import RepositoryError

DOCUMENTED: dict[type[RepositoryError], str] = {
    errors.InvalidStatementError: """
        03000 0A000 0B000 21000 22022 22010 2202H 2202G 2200G 22002 22024 22P03 22P04 24000 25000 25001 25002 25008
        25003 25004 25005 25007 25P01 2D000 34000 3B000 3B001 42000 42601 42846 42803 42P20 42P19 42830 42602 42622
        42939 42P18 42P21 42P22 42809 428C9 42P02 42701 42P03 42P04 42723 42P06 42P07 42712 42710 42702 42725 42P08
        42883 42P09 42P10 42611 42P11 42P12 42P13 42P14 42P15 42P16 42P17 54001 54011 54023
    """,
    errors.ConnectionLostError: "08000 08003 08006 25P03 57P01 57P02 57P04 57P05",
    errors.ConnectError: "08001 08004 53300 57P03",
    errors.OutcomeUnknownError: "08007 40003",
    errors.DatabaseError: """
        08P01 09000 0F000 0F001 0L000 0LP01 0P000 0Z000 0Z002 10608 20000 2200H 27000 2B000 2BP01 2F000 2F005 2F002
        2F003 2F004 38000 38001 38002 38003 38004 39000 39001 39004 39P01 39P02 39P03 53000 53100 53400 55000 55006
        55P02 55P04 57000 58000 58030 58P01 58P02 58P03 F0000 F0001 HV000 HV005 HV002 HV010 HV021 HV024 HV007 HV008
        HV004 HV006 HV091 HV00B HV00C HV00D HV090 HV00A HV009 HV014 HV001 HV00P HV00J HV00K HV00Q HV00R HV00L HV00M
        HV00N P0000 P0002 P0003 P0004 XX000 XX001 XX002
    """,
    errors.InvalidDataError: """
        22000 2202E 22021 22008 22012 22005 2200B 22015 2201E 22014 22016 2201F 2201G 22018 22007 22019 2200D 22025
        22P06 22023 22013 2201B 2201W 2201X 22009 2200C 22004 22003 22026 22001 22011 22027 2200F 22P01 22P02 22P05
        2200L 2200M 2200N 2200S 2200T 22030 22031 22032 22033 22034 22035 22036 22037 22038 22039 2203A 2203B 2203C
        2203D 2203E 2203F 2203G 54000
    """,
    errors.ConstraintViolationError: "23000 P0001",
    errors.ForeignKeyViolationError: "23001 23503",
    errors.NotNullViolationError: "23502",
    errors.UniqueViolationError: "23505",
    errors.CheckViolationError: "23514 44000",
    errors.ExclusionViolationError: "23P01",
    errors.NotPermittedError: "25006 42501",
    errors.FailedTransactionError: "25P02",
    errors.StatementTimeoutError: "25P04 57014",
    errors.SettingsError: "26000 42P05",
    errors.CredentialsError: "28000 28P01",
    errors.UnknownDatabaseError: "3D000",
    errors.SchemaMismatchError: "3F000 42804 42703 42P01 42704",
    errors.TransientError: "40000 40002 53200",
    errors.SerializationError: "40001",
    errors.DeadlockError: "40P01",
    errors.LockNotAvailableError: "55P03",
}
"""The codes of errors in appendix A of PostgreSQL 18, in its order."""

PREPARED = """
    CREATE TABLE short (a varchar(2)); CREATE TABLE lists (a int[]); INSERT INTO lists VALUES ('{1,2}');
    CREATE TABLE collated (a text COLLATE "C", b text COLLATE "POSIX"); INSERT INTO collated VALUES ('a', 'b');
    CREATE SEQUENCE tiny MAXVALUE 2;
    CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1);
    CREATE TABLE child (id int REFERENCES parent); INSERT INTO child VALUES (1);
    CREATE TABLE restricted_parent (id int PRIMARY KEY); INSERT INTO restricted_parent VALUES (1);
    CREATE TABLE restricting (id int REFERENCES restricted_parent ON DELETE RESTRICT);
    INSERT INTO restricting VALUES (1);
    CREATE TABLE checked (id int CHECK (id > 0));
    CREATE TABLE excluded (id int, EXCLUDE USING gist (int4range(id, id, '[]') WITH &&));
    INSERT INTO excluded VALUES (1);
    CREATE VIEW only_positive AS SELECT id FROM excluded WHERE id > 0 WITH CHECK OPTION;
    CREATE VIEW parent_view_agg AS SELECT count(*) FROM parent;
    CREATE TABLE always (id int GENERATED ALWAYS AS IDENTITY); CREATE TYPE mood AS ENUM ('a');
    CREATE ROLE member; CREATE ROLE owner_of_things; CREATE TABLE things ();
    ALTER TABLE things OWNER TO owner_of_things;
    CREATE FUNCTION amb(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION amb(bigint) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION noret() RETURNS int LANGUAGE plpgsql AS 'BEGIN END';
    CREATE FUNCTION deep(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN deep($1); END';
    CREATE TABLE trig (a int); INSERT INTO trig VALUES (1);
    CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN UPDATE trig SET a = a + 1; RETURN NEW; END';
    CREATE TRIGGER again BEFORE UPDATE ON trig FOR EACH ROW WHEN (pg_trigger_depth() = 0)
        EXECUTE FUNCTION again();
"""
"""What the statements below meet."""

PROVOKED = {
    "0A000": "SELECT count(*) FROM pg_class FOR UPDATE",
    "0LP01": "GRANT postgres TO postgres",
    "0Z002": "DO 'BEGIN RAISE; END'",
    "20000": "DO 'BEGIN CASE 1 WHEN 2 THEN NULL; END CASE; END'",
    "21000": "SELECT (SELECT generate_series(1, 2))",
    "22001": "INSERT INTO short VALUES ('abc')",
    "22003": "SELECT 40000::int2",
    "22004": "SELECT json_object_agg(NULL::text, 1)",
    "22007": "SELECT 'x'::timestamp",
    "22008": "SELECT '2023-02-30'::date",
    "22009": "SELECT '2023-01-01 00:00+99'::timestamptz",
    "2200H": "SELECT nextval('tiny') FROM generate_series(1, 3)",
    "22011": "SELECT substring('a', 1, -1)",
    "22012": "SELECT 1/0",
    "22013": "SELECT sum(1) OVER (ORDER BY 1 ROWS -1 PRECEDING)",
    "22014": "SELECT ntile(0) OVER ()",
    "22016": "SELECT nth_value(1, 0) OVER ()",
    "2201B": "SELECT 'a' ~ '('",
    "2201E": "SELECT ln(0)",
    "2201F": "SELECT power(0, -1)",
    "2201G": "SELECT width_bucket(1, 0, 10, 0)",
    "2201W": "SELECT 1 LIMIT -1",
    "2201X": "SELECT 1 OFFSET -1",
    "22021": "SELECT convert_from('\\xff', 'UTF8')",
    "22023": "SELECT '\\xg'::bytea",
    "22025": "SELECT 'a' LIKE 'a' ESCAPE 'bb'",
    "2202E": "UPDATE lists SET a[1:2] = '{1}'",
    "2202G": "SELECT * FROM pg_class TABLESAMPLE SYSTEM (1) REPEATABLE (NULL)",
    "2202H": "SELECT * FROM pg_class TABLESAMPLE SYSTEM (101)",
    "22030": "SELECT json_object('a': 1, 'a': 2 WITH UNIQUE KEYS)",
    "22031": "SELECT jsonb_path_query('\"x\"', '$.datetime()')",
    "22033": "SELECT jsonb_path_query('[1]', 'strict $[3]')",
    "22034": "SELECT json_value('[1,2]'::jsonb, '$[*]' ERROR ON ERROR)",
    "22036": "SELECT jsonb_path_query('\"x\"', '$.double()')",
    "22038": "SELECT jsonb_path_query('[]', 'strict $ + 1')",
    "22039": "SELECT jsonb_path_query('1', 'strict $[0]')",
    "2203A": "SELECT jsonb_path_query('1', 'strict $.a')",
    "2203B": "SELECT jsonb_path_query('\"x\"', '-$')",
    "2203F": "SELECT json_value('[1,2]'::jsonb, '$' ERROR ON ERROR)",
    "22P02": "SELECT 'x'::int",
    "22P05": "SELECT convert_to(U&'\\0416', 'LATIN1')",
    "23001": "DELETE FROM restricted_parent",
    "23502": "INSERT INTO parent VALUES (NULL)",
    "23503": "DELETE FROM parent",
    "23505": "INSERT INTO parent VALUES (1)",
    "23514": "INSERT INTO checked VALUES (-1)",
    "23P01": "INSERT INTO excluded VALUES (1)",
    "25001": "VACUUM",
    "25006": "SET TRANSACTION READ ONLY; DELETE FROM child",
    "26000": "EXECUTE nothing",
    "27000": "UPDATE trig SET a = 2",
    "2BP01": "DROP ROLE owner_of_things",
    "2D000": "DO 'BEGIN COMMIT; END'",
    "2F005": "SELECT noret()",
    "34000": "CLOSE nothing",
    "3B001": "ROLLBACK TO SAVEPOINT nothing",
    "3F000": "CREATE TABLE nowhere.t ()",
    "42501": "SET ROLE member; SELECT * FROM parent",
    "42601": "SELECT FROM WHERE",
    "42602": "SELECT set_config('a b.c', 'x', false)",
    "42701": "CREATE TABLE t (a int, a int)",
    "42702": "SELECT id FROM parent a, parent b",
    "42703": "SELECT nothing",
    "42704": "SELECT 'x'::nothing",
    "42710": "CREATE ROLE postgres",
    "42712": "SELECT 1 FROM short a, short a",
    "42723": "CREATE FUNCTION amb(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "42725": "SELECT amb('1')",
    "42803": "SELECT relname, count(*) FROM pg_class",
    "42804": "INSERT INTO parent VALUES ('x'::text)",
    "42809": "SELECT nextval('parent')",
    "42830": "CREATE TABLE t (a int, b int, FOREIGN KEY (a, b) REFERENCES parent)",
    "42846": "SELECT 1::int::point",
    "42883": "SELECT nothing()",
    "428C9": "INSERT INTO always (id) VALUES (1)",
    "42939": "CREATE ROLE pg_x",
    "42P01": "SELECT * FROM nothing",
    "42P02": "SELECT $1",
    "42P03": "DECLARE c CURSOR FOR SELECT 1; DECLARE c CURSOR FOR SELECT 1",
    "42P05": "PREPARE p AS SELECT 1; PREPARE p AS SELECT 1",
    "42P06": "CREATE SCHEMA public",
    "42P07": "CREATE TABLE parent ()",
    "42P10": "INSERT INTO child VALUES (1) ON CONFLICT (id) DO NOTHING",
    "42P13": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT ''x''::text'",
    "42P15": "CREATE SCHEMA s CREATE TABLE other.t ()",
    "42P16": "CREATE TABLE t (a int PRIMARY KEY, b int PRIMARY KEY)",
    "42P17": "CREATE INDEX ON parent (now())",
    "42P18": "SELECT array[]",
    "42P19": "WITH RECURSIVE a AS (SELECT * FROM a) SELECT * FROM a",
    "42P20": "SELECT sum(row_number() OVER ()) OVER ()",
    "42P21": "SELECT 'a' COLLATE \"C\" < 'b' COLLATE \"POSIX\"",
    "42P22": "SELECT (a || b) < 'x' FROM collated",
    "44000": "INSERT INTO only_positive VALUES (-1)",
    "53400": "SET LOCAL temp_file_limit = 0; SELECT i FROM generate_series(1, 999999) i ORDER BY -i",
    "54000": "SELECT repeat('x', 2000000000)",
    "54001": "SELECT deep(1)",
    "54011": "SELECT {many}",
    "54023": "SELECT f({many})",
    "55000": "INSERT INTO parent_view_agg VALUES (1)",
    "55P02": "SET shared_buffers = '1MB'",
    "55P04": "ALTER TYPE mood ADD VALUE 'new'; SELECT 'new'::mood",
    "57014": "SET LOCAL statement_timeout = 1; SELECT pg_sleep(10)",
    "58P01": "SELECT pg_read_file('/nothing')",
    "P0001": "DO 'BEGIN RAISE EXCEPTION ''no''; END'",
    "P0002": "DO 'DECLARE i int; BEGIN SELECT 1 INTO STRICT i WHERE false; END'",
    "P0003": "DO 'DECLARE i int; BEGIN SELECT generate_series(1,2) INTO STRICT i; END'",
    "P0004": "DO 'BEGIN ASSERT false; END'",
}
"""A statement, in a transaction, that raises the code."""

OUTSIDE_A_TRANSACTION = {
    "25P01": "DECLARE c CURSOR FOR SELECT 1",
    "3D000": "ALTER DATABASE nothing SET work_mem = 64",
    "42P04": "CREATE DATABASE postgres",
    "55006": "DROP DATABASE postgres",
}

SINCE = {"22034": 17, "2203F": 17, "23001": 18, "25P04": 17}
"""The first version whose server raises the code for what provokes it here."""

UNTIL_16 = {"72000"}
"""Codes that later servers do not have: an unknown code is a `DatabaseError`."""
