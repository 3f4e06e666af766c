"""How much memory DuckDB gets: little, but for bodies so large that it cannot do with little."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BESIDE_MB = 100
"""While other processes decode."""
ALONE_MB = 256
VECTOR_ROWS = 2048
"""Rows that DuckDB handles at once, however large each is."""
_TIMES = 3
"""How often it holds them while it compresses a column, roughly: measured with bodies of 0.1 to 1 MB."""


class Room:
    """The room that the shards seen so far ask for, in the order in which they are inserted.

    It depends on the size of a record, not on the number of records.
    """

    def __init__(self, shards: Iterable[Path] = ()) -> None:
        self._rows = self._bytes = self._most_bytes = 0
        for path in shards:
            self.add(path)

    def add(self, path: Path) -> None:
        """Look at one more shard."""
        import pyarrow as pa

        with pa.memory_map(str(path)) as file:
            self._rows += pa.ipc.open_file(file).read_all().num_rows
        self._bytes += path.stat().st_size
        self._most_bytes = max(self._most_bytes, self._bytes)
        if self._rows >= VECTOR_ROWS:
            self._rows = self._bytes = 0

    def limit(self, least_mb: int) -> str:
        """As DuckDB's `memory_limit` takes it."""
        return f"{max(least_mb, _TIMES * self._most_bytes // 1_000_000)}MB"
