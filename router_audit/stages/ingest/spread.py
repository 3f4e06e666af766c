"""Many files, or large ones, over the machine's cores; a small input stays in this process."""

from __future__ import annotations

import gc
import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from router_audit.adapters.reading import reads_in_pieces
from router_audit.errors import InputError
from router_audit.logfile import STDIN, Piece, Source, glance, split
from router_audit.stages.ingest import decode
from router_audit.stages.ingest.decode import Options, Shards, Tally, Task
from router_audit.stages.ingest.loading import SHARDS_PER_TASK, shard_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future, ProcessPoolExecutor

    from router_audit.stages.ingest.loading import Arriving
    from router_audit.types.progress import Progress

SMALL = 16 * 1024 * 1024
"""Bytes that one process reads before another has started."""

_AHEAD = 3
"""Tasks that are given to each other process before it has done the first."""
_BATCH = 8 * 1024 * 1024
_PACKED = (".gz", ".zst", ".bz2")
_SWELL = 6
"""How much a packed log grows, roughly."""


def _size(source: Source) -> int:
    """Bytes to read, roughly; those behind a URL count as many, those of standard input stay in this process."""
    try:
        size = Path(source.path).stat().st_size
    except OSError:
        return SMALL if "://" in source.path else 0
    return size * _SWELL if source.path.endswith(_PACKED) else size


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decode_all(
    sources: Sequence[Source],
    folder: Path,
    options: Options,
    progress: Progress,
    workers: int | None = None,
    arriving: Arriving | None = None,
) -> Tally:
    """Decode all files into shards in the folder, counting what became of their records.

    `arriving` is told of every task that is done.
    """
    sizes = {source.name: _size(source) for source in sources}
    workers = cores() if workers is None else workers
    if workers < 2 or sum(sizes.values()) < SMALL:
        tally = _here(Task(0, tuple(sources)), folder, options, progress)
        if arriving is not None:
            arriving.done(0, tally.shards)
        return tally
    return _Spread(folder, options, progress, workers, arriving).run(sources, sizes)


def _here(task: Task, folder: Path, options: Options, progress: Progress) -> Tally:
    """Decode whole files in this process."""
    shards = Shards(folder, task.number * SHARDS_PER_TASK, options)
    for source in task.sources:
        for done in decode.read_file(source, shards):
            progress.advance(done)
    shards.flush()
    return shards.tally


@dataclass
class _File:
    """What is known of a file that is read in pieces."""

    source: Source
    tasks: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    in_order: bool = False
    """A piece found that the file must be read in order; its pieces do not count."""


class _Spread:
    """Hands out tasks, a few at a time so that memory stays flat, and adds up what comes back.

    This process is one of the workers: it does the tasks that the others have no room for. They take a second to begin.
    """

    def __init__(
        self, folder: Path, options: Options, progress: Progress, workers: int, arriving: Arriving | None
    ) -> None:
        self._folder = folder
        self._options = options
        self._progress = progress
        self._workers = workers
        self._arriving = arriving
        self._numbers = count()
        self._tally = Tally()
        self._files: dict[str, _File] = {}
        self._waiting: dict[Future[Tally | None], Task] = {}

    def run(self, sources: Sequence[Source], sizes: dict[str, int]) -> Tally:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(self._workers - 1, context, initializer=_begin)
        # Decoding makes millions of objects and no cycle among them: the collector would only walk them.
        collected = gc.isenabled()
        gc.disable()
        try:
            for task in self._tasks([source for source in sources if source.path != STDIN], sizes):
                self._submit(pool, task)
            # Another process has no standard input.
            piped = self._task(sources=tuple(source for source in sources if source.path == STDIN))
            self._count(piped, _here(piped, self._folder, self._options, self._progress))
            self._settle()
            again = [file for file in self._files.values() if file.in_order]
            if again and self._arriving is not None:
                self._arriving.abandon()
            for file in again:
                self._forget(file)
                self._submit(pool, self._task(sources=(file.source,)))
            self._settle()
        except BrokenProcessPool:
            raise InputError(
                "a reading process was killed; is memory short? --workers 1 needs the least"
            ) from None
        finally:
            if collected:
                gc.enable()
            pool.shutdown(wait=True, cancel_futures=True)
        for file in self._files.values():
            if not file.in_order:
                self._tally.add(file.tally)
        return self._tally

    def _forget(self, file: _File) -> None:
        """Remove the shards of the file's pieces."""
        numbers = set(file.tasks)
        for shard in self._folder.glob("*.arrow"):
            if shard_number(shard) // SHARDS_PER_TASK in numbers:
                shard.unlink()

    def _task(self, *, sources: tuple[Source, ...] = (), piece: Piece | None = None) -> Task:
        return Task(next(self._numbers), sources, piece)

    def _tasks(self, sources: Sequence[Source], sizes: dict[str, int]) -> Iterator[Task]:
        batch: list[Source] = []
        held = 0
        for source in sources:
            size = sizes[source.name]
            if size >= _BATCH and self._splits(source):
                file = self._files[source.path] = _File(source)
                for piece in split(source):
                    task = self._task(piece=piece)
                    file.tasks.append(task.number)
                    yield task
                    if file.in_order:
                        break
                continue
            batch.append(source)
            held += size
            if held >= _BATCH:
                yield self._task(sources=tuple(batch))
                batch, held = [], 0
        if batch:
            yield self._task(sources=tuple(batch))

    @staticmethod
    def _splits(source: Source) -> bool:
        kind, head = glance(source)
        return kind == "lines" and reads_in_pieces(head)

    def _submit(self, pool: ProcessPoolExecutor, task: Task) -> None:
        """Give the task to another process, or do it where those have enough to do."""
        for future in [one for one in self._waiting if one.done()]:
            self._finish(self._waiting.pop(future), future.result())
        if len(self._waiting) >= _AHEAD * (self._workers - 1):
            self._do(task)
            return
        with _interrupts_held():
            future = pool.submit(decode.run, task, self._folder, self._options)
        self._waiting[future] = task

    def _settle(self) -> None:
        """Wait until no task is under way; what no other process has begun is done here."""
        while self._waiting:
            future, task = self._waiting.popitem()
            if future.cancel():
                self._do(task)
            else:
                self._finish(task, future.result())

    def _do(self, task: Task) -> None:
        self._finish(task, decode.run(task, self._folder, self._options))

    def _finish(self, task: Task, tally: Tally | None) -> None:
        self._count(task, tally)
        if tally is not None:
            self._progress.advance(tally.records)

    def _count(self, task: Task, tally: Tally | None) -> None:
        file = self._files[task.piece.path] if task.piece is not None else None
        if tally is None:
            assert file is not None
            file.in_order = True
        else:
            (self._tally if file is None else file.tally).add(tally)
        if self._arriving is not None:
            self._arriving.done(task.number, 0 if tally is None else tally.shards)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits. Processes begun meanwhile inherit that, so it stays with the parent from their first moment."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """In a new process: end when the parent ends, however it ends."""
    import multiprocessing
    import threading

    gc.disable()
    os.environ["POLARS_MAX_THREADS"] = "1"
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
