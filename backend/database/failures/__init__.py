"""Translates errors of psycopg and SQLAlchemy into those of `backend.errors`.

translate    the error for what was raised, by phase, state and SQLSTATE
sqlstates    the class for each SQLSTATE
messages     the text of an error
violations   the fields that a violated constraint concerns
frames       where an error was raised
effects      whether a statement may write, and a lost answer may hide a write
"""
