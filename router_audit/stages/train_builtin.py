"""`train --builtin`: rebuild the shipped labeller from a corpus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.builtin.training import train_builtin as fit
from router_audit.classifier.head import save_head
from router_audit.labellers.builtin import HEAD_FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router_audit.types.progress import Progress


@dataclass(frozen=True, slots=True)
class BuiltinResult:
    """What `train --builtin` did."""

    version: str
    folder: str
    """Where head.json and head.npz were written."""
    rows: int
    own_tasks: int
    sources: dict[str, int]
    """Rows by where they came from; "own" is the corpus of tasks written for this project."""


def train_builtin(corpus: Sequence[Path], out: Path | None, progress: Progress) -> BuiltinResult:
    """Fit the builtin head on the tasks and licensed rows of `corpus`, and write it to `out` or over the shipped one.

    The same files give the same bytes. Raises UserError where a file is absent or malformed.
    """
    progress.stage("training", None)
    head = fit(corpus)
    folder = out or HEAD_FOLDER
    save_head(head, folder)
    return BuiltinResult(
        head.version, str(folder), head.about["rows"], head.about["own_tasks"], head.about["sources"]
    )
