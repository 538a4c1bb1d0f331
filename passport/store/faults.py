"""Turn the driver's errors into the domain's, in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from pymongo.errors import PyMongoError

from passport.errors import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")


def translated(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Raise StoreUnavailable for whatever the driver raises and the method did not handle.

    Such an error means that the outcome is unknown, so callers must be safe to repeat.
    """

    @wraps(method)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except PyMongoError as error:
            raise StoreUnavailable from error

    return wrapper
