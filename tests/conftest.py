"""What tests share: the folder of real logs where it is present, and a store of their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from router_audit.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real logs and corpus kept beside the project; skips where they are absent."""
    folder = Path(os.environ.get("ROUTER_AUDIT_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"needs the shared folder of real logs, absent at {folder.name}")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A fresh store in a real file."""
    with open_store(tmp_path / "audit.duckdb") as opened:
        yield opened
