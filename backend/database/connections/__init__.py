"""The connections of an engine: made, given out by the pool, and kept out of a forked child.

_async, _sync   makes a connection, with retries while the database wakes, and reports why the server refuses one
probe           the SQLSTATE of a refusal, which psycopg does not report for a failed connect
neon            its host names, and what the refusals of its proxy mean
places          which host and port failed, and how, for the text of the error
backoff         the delays between two attempts, of a connect and of a run
preparing       which connections may prepare statements: those through no pooler
cursors         cursors that read the columns of a result only where somebody asks for them
turns           callers of the pool wait in the order in which they came
checkout        a connection leaves the pool alive and in the requested mode
loops           an asynchronous pool is used in one event loop
failover        a server that takes no writes any more is left
forking         a forked child process uses no connection of its parent
"""
