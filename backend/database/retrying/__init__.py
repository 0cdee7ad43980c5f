"""Runs a transaction again when the database says that it may be, and finds out what became of a lost commit.

writes          whether a transaction may have written
receipt         a transaction's id before its COMMIT, and its fate by that id
hold            the level of its transaction, which the work does not end
result          what the work returns
_async, _sync   the runs
"""
