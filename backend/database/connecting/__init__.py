"""Makes an engine's connections, with retries while the database wakes, and reports why the server refuses one.

_async, _sync   the attempts
probe           the SQLSTATE of a refusal, which psycopg does not report for a failed connect
places          which host and port failed, and how, for the text of the error
"""
