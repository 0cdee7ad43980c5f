"""The commands of `python -m backend`: they show that a database works; they are no user interface for tasks."""
