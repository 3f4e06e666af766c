"""What tests share: the folder of real logs where it is present, and a store of their own."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from router_audit.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """A shell starts background jobs with SIGINT ignored, and every child inherits that: no Ctrl-C could be tested."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
