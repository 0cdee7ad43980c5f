"""Makes an engine's connections: again while the database is waking, and with the server's own code where it refuses.

refusal         why the server refuses, as the SQLSTATE that psycopg does not pass on for a failed connect
_async, _sync   the attempts
"""
