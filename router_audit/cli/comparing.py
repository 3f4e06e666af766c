"""A person comparing answers in the terminal, one key each; every verdict is stored at once."""

from __future__ import annotations

import json
import os
import re
import select
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from router_audit.stages.grade import GradeResult, Shown, Waiting
    from router_audit.store import Store
    from router_audit.types.grading import Reply

KEYS = {"b": (True, True), "1": (True, False), "2": (False, True), "n": (False, False)}
HELP = "Which did the job?  b both  1 first only  2 second only  n neither  s skip  u undo  q quit"
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
"""What a log could move the cursor or turn the text with."""


def compare(store: Store, profile: str | None) -> GradeResult:
    """Offer the pairs that no person has graded until the last one or `q`."""
    from rich.console import Console

    from router_audit.stages import grade as stage

    console = Console(stderr=True, highlight=False)
    pairs = stage.waiting(store, profile)
    done: list[tuple[Waiting, bool]] = []
    if not pairs:
        console.print("Nothing to grade: `router-audit replay --for-humans` makes pairs.")
    with _key_by_key():
        while len(done) < len(pairs):
            pair = pairs[len(done)]
            _show(console, stage.shown(store, pair), len(done) + 1, len(pairs))
            key = _asked()
            if key == "q":
                break
            if key == "u":
                if done:
                    last, said = done.pop()
                    if said:
                        stage.unsay(store, last)
                continue
            if key != "s":
                first_ok, second_ok = KEYS[key]
                stage.say(store, pair, first_ok=first_ok, second_ok=second_ok)
            done.append((pair, key != "s"))
    graded = sum(said for _, said in done)
    return stage.result(store, done=graded, skipped=len(done) - graded)


def _show(console: Console, pair: Shown, place: int, total: int) -> None:
    from rich.text import Text

    console.rule(f"{place} of {total}: {pair.profile}")
    for name, value in pair.request.items():
        if name == "turns":
            for turn in value:
                console.print(Text(f"{turn['role']}: ", style="bold"), Text(_plain(turn["content"])), sep="")
        else:
            said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            console.print(Text(f"{name}: ", style="bold"), Text(_plain(said)), sep="")
    for name, reply in (("first", pair.first), ("second", pair.second)):
        console.print()
        console.print(Text(f"{name} answer", style="bold cyan"))
        console.print(Text(_plain(_answer(reply))))
    console.print()
    console.print(Text(HELP, style="dim"))


def _answer(reply: Reply) -> str:
    lines = [reply.text] if reply.text else []
    lines += [
        f"{call['name']}({json.dumps(call['arguments'], ensure_ascii=False)})" for call in reply.tool_calls
    ]
    if reply.status != "ok":
        lines.append(f"[{reply.status}]")
    return "\n".join(lines) or "[empty]"


def _plain(text: str) -> str:
    return _UNSAFE.sub("·", text)


def _asked() -> str:
    """The next key that means something."""
    while True:
        key = _key()
        if key in {"q", "\x03", "\x04", "\x1b", ""}:
            return "q"
        if key in {"s", " "}:
            return "s"
        if key == "u" or key in KEYS:
            return key
        sys.stderr.write("\a")
        sys.stderr.flush()


def _key() -> str:
    """One key as it is pressed; an arrow or function key is `?`, the end of input the empty text."""
    handle = sys.stdin.fileno()
    try:
        raw = os.read(handle, 1)
        if raw == b"\x1b" and select.select([handle], [], [], 0.02)[0]:
            raw += os.read(handle, 1)
            while raw[-1:] in b"[O;0123456789" and select.select([handle], [], [], 0.02)[0]:
                raw += os.read(handle, 1)
    except KeyboardInterrupt:
        return "q"
    return "?" if len(raw) > 1 else raw.decode("ascii", "replace").lower()


@contextmanager
def _key_by_key() -> Iterator[None]:
    """No waiting for enter, no echo; the terminal is put back whatever happens. What was typed ahead counts."""
    import termios
    import tty

    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    tty.setcbreak(handle, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)
