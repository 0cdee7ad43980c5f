"""The context manager of one transaction, as `Database.transaction()` and `AsyncDatabase.transaction()` return it."""
