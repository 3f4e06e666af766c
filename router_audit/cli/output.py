"""Where a command's words go: the typed result on stdout, everything else on stderr."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from router_audit.store import default_path, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from router_audit.store import Store


@dataclass
class RichProgress:
    """Shows the stages of a command as bars on stderr; inert until a stage begins."""

    console: Console
    bars: Bars | None = None
    task: TaskID | None = None

    def stage(self, name: str, total: int | None) -> None:
        """Begin a stage of `total` steps (None where the end is not known)."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        if self.bars is None:
            self.bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=self.console,
                transient=True,
            )
            self.bars.start()
        if self.task is not None:
            self.bars.remove_task(self.task)
        self.task = self.bars.add_task(name, total=total)

    def advance(self, n: int = 1) -> None:
        """`n` more steps of the stage are done."""
        if self.bars is not None and self.task is not None:
            self.bars.advance(self.task, n)

    def close(self) -> None:
        """Take the bars off the screen."""
        if self.bars is not None:
            self.bars.stop()
            self.bars = None
            self.task = None


@dataclass
class Out:
    """One command's output."""

    json: bool
    quiet: bool
    progress: RichProgress = field(init=False)
    console: Console = field(init=False)

    def __post_init__(self) -> None:
        from rich.console import Console

        self.console = Console(
            file=sys.stderr if self.json else sys.stdout, quiet=self.quiet, highlight=False
        )
        shown = not self.quiet and sys.stderr.isatty()
        self.progress = RichProgress(Console(stderr=True, quiet=not shown))

    def result(self, value: Any, human: Callable[[Console], None]) -> None:
        """Print `value` as JSON on stdout under `--json`, else show it by `human`."""
        self.progress.close()
        if self.json:
            sys.stdout.write(to_json(value) + "\n")
        elif not self.quiet:
            human(self.console)


def to_json(value: Any) -> str:
    """One line of JSON; dataclasses become objects, Decimal becomes a number, dates become ISO text."""
    import msgspec

    return msgspec.json.Encoder(decimal_format="number").encode(value).decode()


@contextmanager
def output(*, json: bool, quiet: bool) -> Iterator[Out]:
    """The output of one command; takes its progress off the screen however the command ends."""
    out = Out(json=json, quiet=quiet)
    try:
        yield out
    finally:
        out.progress.close()


@contextmanager
def opened(db: Path | None, wait_s: float) -> Iterator[Store]:
    """The store that `--db` or the environment names."""
    with open_store(db or default_path(), wait_s=wait_s) as store:
        yield store
