"""Sessions and their transactions.

sessions        the sessions that a database opens
transactions    begins, joins and ends a transaction, without hiding that a statement of it failed
_async, _sync   the context manager of one transaction, and the roll back of what raises
"""
