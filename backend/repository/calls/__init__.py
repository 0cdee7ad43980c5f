"""The calls, each one synchronous function over `Bound`: an asynchronous repository runs it on a greenlet."""
