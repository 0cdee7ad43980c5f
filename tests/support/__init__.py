"""What the tests share.

models/papers        an owned table with a document, whose values a view may refuse
models/suite         the entities of the behaviour suite beside `Task`: owned or not, parent and child, a composite key
models/keyed         a model with a key of one column or several, of any type
models/types         an entity with a column of every kind, and one whose model has rules of its own
models/invalid       what wrong and right classes are defined of, in a registry of their own
models/walk          an owned entity to sort by, with NULLs and ties, for lists that are read in pieces
models/upserted      a kind of unique key each, for upserts
models/bulk          columns with defaults of every kind, and three kinds of key, for calls on many rows
bulk_rows            values of the columns of `models/bulk` as Hypothesis draws them, and keys of the client
models/mutable       an entity that SQLAlchemy itself takes part in: mutable JSON, relationships, a routed session
models/related       entities with relationships of every kind, with foreign keys across owners
models/declared      an application for `check --models`, with keys, checks and indexes of several kinds
models/unindexed     models whose repositories read what no index serves
secrets_model        a server whose every secret is the canary, and a table that repeats it in errors
wire                 the proxy that counts round trips, shows what was sent and injects faults
wire/faults          the faults: what strikes, at which statement and at which step
wire/clients         clients of the proxy: psycopg, and sockets that speak the protocol
wire/tls             certificates made for a test, and TLS at the client's side of the proxy
wire/scram           a server's part of SCRAM, with channel binding
neon                 an imitation of Neon: TLS, SCRAM, host names, suspends, wakes and refusals
stalls               a server that stops answering at a step of a connect
returned             what a connection is as it goes back to its pool
leftovers            what a test leaves behind: connections, transactions, statements of a session
cancellation         cancels a task at each of its waits
clusters             servers that a test may crash, and a standby
extensions           extensions of the server, which not every wheel has
forks                a program that forks with connections open
pgbouncer            the distribution's PgBouncer in front of the server of the run
concurrency          callers that begin together: threads or tasks
statement_log        reads sent statements as text: which owned tables bind the owner
owner_model          what repositories of several owners should answer, in plain Python
compiling            statements as the SQL that psycopg gets, without a database
edge_values          values at the edges of every column type
every_type           every column type
column_loop          a table for each column type, and what becomes of values that are written and read
sqlstates            PostgreSQL's codes, the class of each, and statements that raise them
cli                  `python -m backend` as processes of their own
docs_examples        the code of the pages, run as a reader would
sources              the package's modules as syntax trees
source_rules         the rules over them: floors, names, imports
sql_rules            the rules against SQL in strings
"""
