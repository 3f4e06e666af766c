"""A command in a pseudo-terminal, typed at key by key."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time

from tests.conftest import ROOT


class Terminal:
    """The running command and what it has shown since the last key."""

    def __init__(self, *words: str) -> None:
        self.handle, child = pty.openpty()
        environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "TERM": "xterm"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "router_audit", *words],
            stdin=child, stdout=child, stderr=child, cwd=ROOT, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(child)
        self.seen = ""

    def wait_for(self, text: str) -> str:
        deadline = time.monotonic() + 90
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen[-2000:]
            ready, _, _ = select.select([self.handle], [], [], 0.2)
            if ready:
                try:
                    data = os.read(self.handle, 65536)
                except OSError:
                    data = b""
                assert data, self.seen[-2000:]
                self.seen += data.decode("utf-8", "replace")
        return self.seen

    def press(self, key: str) -> None:
        self.seen = ""
        os.write(self.handle, key.encode())

    def end(self) -> int:
        code = self.process.wait(60)
        os.close(self.handle)
        return code
