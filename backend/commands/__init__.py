"""The operator's commands: tools to see that a database works, not a user interface for tasks."""
