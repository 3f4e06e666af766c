"""Matrix products on the calling thread alone, where threadpoolctl is installed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_lock = threading.Lock()
_inside = 0
_before: list[int] = []


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep the matrix library to one thread while any thread of the process is inside.

    A product of a fraction of a millisecond gains little from a second thread, and waits for it for a whole time slice
    where another process has the core. Setting the number costs a few microseconds, unlike threadpoolctl's own limits.
    """
    global _inside  # noqa: PLW0603  (the number of threads is the process's)
    pools = _pools()
    with _lock:
        if not _inside:
            _before[:] = [pool.get_num_threads() for pool in pools]
            for pool in pools:
                pool.set_num_threads(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                for pool, number in zip(pools, _before, strict=True):
                    pool.set_num_threads(number)


@cache
def _pools() -> tuple[Any, ...]:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return ()
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)
