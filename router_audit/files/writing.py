"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from router_audit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def write_once(path: Path, text: str) -> None:
    """Write a new file in one step. Raises InputError where it exists already or cannot be written."""
    _write(path, text, replace=False)


def write_whole(path: Path, text: str) -> None:
    """Write or overwrite a file in one step. Raises InputError where it cannot be written."""
    _write(path, text, replace=True)


def _write(path: Path, text: str, *, replace: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror}); choose another folder", where=str(path)
        ) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # noqa: PTH101  mkstemp makes it private; a report is meant to be read
        if replace:
            os.replace(name, path)  # noqa: PTH105
        else:
            os.link(name, path)
    except FileExistsError:
        raise InputError("already exists: another run wrote it first; run again", where=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", where=str(path)) from None
    finally:
        if os.path.exists(name):  # noqa: PTH110
            os.unlink(name)  # noqa: PTH108
