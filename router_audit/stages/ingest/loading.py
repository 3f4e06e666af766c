"""Shards on disk into DuckDB: all of one kind once they are there, or each as soon as it is decoded."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from router_audit.stages.ingest.columns import schema as requests_schema
from router_audit.stages.ingest.room import BESIDE_MB, Room

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from router_audit.store import Store

SHARDS_PER_TASK = 1 << 16
PLACES_PER_SHARD = 1 << 20


def shard_path(folder: Path, kind: str, number: int) -> Path:
    """Where the rows of one kind in a shard stand, if it has any."""
    return folder / f"{kind}-{number:06}.arrow"


def shard_number(path: Path) -> int:
    """Of which shard this is a file."""
    return int(path.stem.rpartition("-")[2])


class Loaded:
    """The shards of one kind, in order, as the relation `shards` of a query."""

    def __init__(self, store: Store, folder: Path, kind: str) -> None:
        self._store = store
        self.paths = sorted(folder.glob(f"{kind}-*.arrow"), key=shard_number)

    def run(self, name: str, columns: tuple[str, ...] | None = None, /) -> int:
        """Run a statement over the shards, once through; the rows it changed, where DuckDB says."""
        import pyarrow as pa

        with pa.ipc.open_file(str(self.paths[0])) as first:
            schema = (
                first.schema if columns is None else pa.schema([first.schema.field(one) for one in columns])
            )
        return _run(self._store, name, schema, self.paths)

    def run_at(self, places: NDArray[np.int64], name: str, /, **params: Any) -> None:
        """Run a statement over the rows at these places, which are read into memory; it may look at them twice."""
        with _shards(self._store, self._at(places)):
            self._store.run(name, **params)

    def _at(self, places: NDArray[np.int64]) -> pa.Table:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pa.array(places)
        numbers = {*np.unique(places // PLACES_PER_SHARD).tolist()}
        found = [
            batch.filter(pc.is_in(batch["place"], wanted))
            for batch in _batches(
                requests_schema(), (one for one in self.paths if shard_number(one) in numbers)
            )
        ]
        return pa.Table.from_batches(found, requests_schema())


def _run(store: Store, name: str, schema: pa.Schema, paths: Iterable[Path]) -> int:
    import pyarrow as pa

    with _shards(store, pa.RecordBatchReader.from_batches(schema, _batches(schema, paths))):
        return store.run(name)


@contextmanager
def _shards(store: Store, rows: pa.Table | pa.RecordBatchReader) -> Iterator[None]:
    """The rows as the relation `shards`."""
    store.connection.register("shards", rows)
    try:
        yield
    except BaseException:
        # A broken transaction forgets nothing, and the first error is the one to tell.
        with suppress(Exception):
            store.connection.unregister("shards")
        raise
    store.connection.unregister("shards")


def _batches(schema: pa.Schema, paths: Iterable[Path]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for path in paths:
        with pa.memory_map(str(path)) as file:
            reader = pa.ipc.open_file(file)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number).select(schema.names)


class Arriving:
    """Inserts the requests of tasks that are done while others are being decoded, in the order of the tasks.

    DuckDB works in a thread beside the decoding. Each record goes in as if it were a call of its own; which are
    not is known at the end. Within the caller's transaction, which no one else may use meanwhile.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self.whole = True
        """Whether what is inserted is all that was decoded."""
        self._store = store
        self._room = Room()
        self._folder = folder
        self._next = 0
        self._waiting: dict[int, int] = {}
        self._ready: SimpleQueue[Path | None] = SimpleQueue()
        self._stopped = False
        self._error: Exception | None = None
        self._thread = Thread(target=self._insert, name="insert", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._ready.put(None)
            if kind is None:
                self._thread.join()
        finally:
            # Also where the wait was interrupted: the connection must be free before it is used again.
            if self._thread.is_alive():
                self._stopped = True
                self._store.connection.interrupt()
                self._thread.join()
        if kind is None:
            self._check()

    def done(self, task: int, shards: int) -> None:
        """The task wrote that many shards. Raises what the insertion raised, if it failed."""
        self._check()
        self._waiting[task] = shards
        while self._next in self._waiting:
            first = self._next * SHARDS_PER_TASK
            for number in range(first, first + self._waiting.pop(self._next)):
                path = shard_path(self._folder, "requests", number)
                if self.whole and path.exists():
                    before = self._room.limit(BESIDE_MB)
                    self._room.add(path)
                    if (limit := self._room.limit(BESIDE_MB)) != before:
                        self._store.run_aside("bound_memory", limit=limit)
                    self._ready.put(path)
            self._next += 1

    def abandon(self) -> None:
        """What was inserted turned out wrong: take in no more. Returns when no shard is being read."""
        self.whole = False
        self._ready.put(None)
        self._thread.join()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _insert(self) -> None:
        try:
            _run(self._store, "insert_all", requests_schema(), self._paths())
        except Exception as error:  # noqa: BLE001  told to the thread that waits
            self._error = error

    def _paths(self) -> Iterator[Path]:
        while (path := self._ready.get()) is not None:
            yield path
        if self._stopped:
            raise InterruptedError
