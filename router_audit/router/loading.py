"""A table and its classifier from files, and what tells one state of them from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router_audit import routing
from router_audit.errors import InputError, UserError
from router_audit.files.tables import newest_table, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.embedding import Encoder
    from router_audit.live_classifier import LiveClassifier
    from router_audit.routing import Rules


@dataclass(frozen=True, slots=True)
class Loaded:
    """One version of a table, ready to decide."""

    rules: Rules
    classifier: LiveClassifier
    signature: tuple[Any, ...]
    """The file it was read from, and that file's identity, size and time."""
    prices_as_of: str


def file_of(path: Path) -> Path:
    """The table itself, or the newest of a folder."""
    return newest_table(path) if path.is_dir() else path


def signature_of(path: Path) -> tuple[Any, ...] | None:
    """What tells one state of the table from another; None where there is none to read."""
    try:
        file = file_of(path)
        found = file.stat()
    except (OSError, UserError):
        return None
    return (str(file), found.st_ino, found.st_size, found.st_mtime_ns)


def load(path: Path, encoder: Encoder | None, *, fast: bool) -> Loaded:
    """Read a table and the classifier beside it. Raises UserError where either cannot be used."""
    from router_audit.live_classifier import load_classifier

    signature = signature_of(path)
    file = file_of(path)
    table = read_table(file)
    rules = routing.rules_of(table)
    if table["classifier"] is None or table["encoder"] is None:
        raise InputError(
            "names no classifier, so it cannot decide; run `router-audit train`, then build the table again",
            where=str(file),
        )
    return Loaded(
        rules=rules,
        classifier=load_classifier(
            file.parent, table["classifier"], table["encoder"], encoder=encoder, fast=fast
        ),
        signature=signature or (),
        prices_as_of=table["prices"]["as_of"],
    )
