"""Runs a transaction again after a retryable error, and finds out whether it committed when COMMIT got no answer.

_async, _sync    the attempts
guard            the isolation level of an attempt, and a refusal to end its transaction early
result           calls the work and checks what it returns
identity         a transaction's id, read before COMMIT, and its commit status by that id
"""
