"""The asynchronous contract: the source of `_sync`."""
