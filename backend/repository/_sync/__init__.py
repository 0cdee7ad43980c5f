# Generated from backend/repository/_async/__init__.py by `python -m tools.generate_sync`: edit that one.
"""The asynchronous contracts: the source of `_sync`."""
