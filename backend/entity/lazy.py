"""A property that is computed once, at its first use."""

from collections.abc import Callable
from typing import Generic, Self, overload

from typing_extensions import TypeVar

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801 - read as a decorator
    """Cache a computed property without a lock.

    `functools.cached_property` of Python 3.11 computes under a lock, and a fork copies the lock as it is. Here two
    threads may both compute the value at its first use; both get the same one.
    """

    def __init__(self, compute: Callable[..., T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> T | Self:
        """Return the value and store it as an attribute of the instance."""
        if instance is None:
            return self
        values: dict[str, T] = vars(instance)
        return values.setdefault(self._name, self._compute(instance))
