"""Routing tables as files: `vNNNN.json`, written once, never edited."""

from __future__ import annotations

import json
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router_audit.errors import InputError
from router_audit.files.document import content_digest, pretty, problems, sealed
from router_audit.files.writing import write_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.types import RoutingTable

TABLES = Path("routing_tables")


def versions(folder: Path) -> list[Path]:
    """The tables of a folder, oldest first."""
    return sorted(folder.glob("v[0-9]*.json"), key=lambda path: int(path.stem[1:]))


def newest_table(folder: Path) -> Path:
    """The newest `vNNNN.json`. Raises InputError where there is none."""
    found = versions(folder)
    if not found:
        raise InputError(
            "holds no routing table yet; run `router-audit build-table` first", where=str(folder)
        )
    return found[-1]


def classifier_folder(tables: Path, version: str) -> Path:
    """Where a classifier stands beside the tables that name it."""
    return tables / "classifiers" / version


def schema() -> dict[str, Any]:
    """The JSON Schema of the table, as published beside the code."""
    text = (files("router_audit") / "data" / "routing_table.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def read_table(path: Path) -> RoutingTable:
    """A table from its file. Raises InputError where it is no sound table."""
    table: RoutingTable = read_document(path)
    wrong = problems(table, schema())
    if wrong:
        raise InputError(f"is not a sound routing table: {wrong[0]}", where=str(path))
    return table


def read_document(path: Path) -> Any:
    """The JSON of a table file, unchecked but for this: one meaning, whoever reads it.

    Raises InputError where it cannot be read, is no JSON, writes a name twice or a number JSON has no word for.
    """
    try:
        return json.loads(
            path.read_text("utf-8"), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
        )
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON ({error})", where=str(path)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {twice!r} stands twice")
    return found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text} is too large")
    return value


def draft_next(content: Mapping[str, Any], folder: Path) -> tuple[RoutingTable, Path, bool]:
    """The table with this content, the file it has or would have, and whether it would be a new one.

    Nothing is written.
    """
    existing = versions(folder)
    newest = existing[-1] if existing else None
    if newest is not None:
        document = read_table(newest)
        if document["content_digest"] == content_digest(content):
            return document, newest, False
    number = int(newest.stem[1:]) + 1 if newest else 1
    document = sealed(content, version=f"v{number:04d}", parent=newest.stem if newest else None)
    wrong = problems(document, schema())
    if wrong:
        raise AssertionError(wrong)
    return document, folder / f"v{number:04d}.json", True


def write_next(content: Mapping[str, Any], folder: Path) -> tuple[RoutingTable, Path, bool]:
    """The table with this content, its file, and whether it had to be written.

    Nothing is written where the newest table already says exactly this. Raises InputError where the folder
    cannot be written.
    """
    document, path, new = draft_next(content, folder)
    if new:
        write_once(path, pretty(document))
    return document, path, new
