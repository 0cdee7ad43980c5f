"""The asynchronous contracts: the source of `_sync`."""
