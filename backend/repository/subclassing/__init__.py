"""The calls for subclasses.

_async       the text: a SELECT in scope, a change of one row, and what runs them
_sync        the same, generated from it
"""
