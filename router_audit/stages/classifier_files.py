"""The classifier beside the tables, so that a router needs no store: JSON and arrays, never a pickle."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from router_audit.classifier.head import save_head, unpack_head
from router_audit.errors import InputError
from router_audit.files.tables import classifier_folder

if TYPE_CHECKING:
    from router_audit.store import Store


def publish(store: Store, version: str, tables: Path) -> Path:
    """Write `classifiers/VERSION/` beside the tables unless it is there; it appears whole or not at all.

    Raises InputError where the folder cannot be written.
    """
    folder = classifier_folder(tables, version)
    if folder.is_dir():
        return folder
    row = store.query("classifier", version=version).row(0, named=True)
    metadata = json.loads(row["metadata"])["head"]
    if not metadata:  # the labeller's own verdicts predict: its head ships with the package
        return folder
    head = unpack_head(metadata, row["arrays"])
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{version}.") as staging:
            whole = Path(staging) / version
            save_head(head, whole)
            whole.rename(folder)
    except OSError as error:
        if folder.is_dir():
            return folder
        raise InputError(f"cannot be written ({error.strerror})", where=str(folder)) from None
    return folder
