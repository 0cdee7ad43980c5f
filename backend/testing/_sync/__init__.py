# Generated from backend/testing/_async/__init__.py by `python -m tools.generate_sync`: edit that one.
"""The asynchronous contract: the source of `_sync`."""
