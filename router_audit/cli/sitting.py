"""A person judging requests in the terminal, one key each; every verdict is stored at once."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from router_audit.types import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.stages.label import Review, SittingResult
    from router_audit.store import Store

KEYS = {"1": PROFILES[0], "2": PROFILES[1], "3": PROFILES[2], "4": PROFILES[3]}
KEYS |= {profile[0]: profile for profile in PROFILES if profile[0] != "c"} | {
    "c": PROFILES[0],
    "o": PROFILES[3],
}
HELP = "enter confirm   1/c classification  2/e extraction  3/r reasoning  4/o coordination   s skip   u undo   q quit"
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def sit(store: Store, *, last: int | None) -> SittingResult:
    """Offer the contents worth a person's look until the last one or `q`."""
    from rich.console import Console

    from router_audit.stages import label as stage

    console = Console(stderr=True, highlight=False)
    reviews = stage.to_review(store, last=last)
    counts = {"confirmed": 0, "corrected": 0, "skipped": 0}
    done: list[tuple[str, str]] = []
    place = 0
    if not reviews:
        console.print("Nothing to look at: run `router-audit tag` first, or every label has been confirmed.")
    with _key_by_key():
        while place < len(reviews):
            review = reviews[place]
            _show(console, review, place + 1, len(reviews))
            what, profile = _choice(review)
            if what == "quit":
                break
            if what == "undo":
                if done:
                    name, kind = done.pop()
                    stage.unsay(store, name)
                    counts[kind] -= 1
                    place -= 1
                continue
            if profile is not None:
                stage.say(store, [(review.content_hash, profile, review.stratum)])
                console.print(f"  {profile}", style="bold green")
            counts[what] += 1
            done.append((review.content_hash, what))
            place += 1
    return stage.SittingResult(**counts, human_labels=len(stage.human_labels(store)))


def _choice(review: Review) -> tuple[str, str | None]:
    while True:
        key = _key()
        if key in {"q", "\x03", "\x04", "\x1b", ""}:
            return "quit", None
        if key == "u":
            return "undo", None
        if key in {"s", " "}:
            return "skipped", None
        if key in {"\r", "\n", "y"} and review.profile is not None:
            return "confirmed", review.profile
        if key in KEYS:
            profile = KEYS[key]
            return ("confirmed" if profile == review.profile else "corrected"), profile
        sys.stderr.write("\a")
        sys.stderr.flush()


def _key() -> str:
    """One key as it is pressed; an arrow or function key is `?`, the end of input the empty text."""
    import os
    import select

    handle = sys.stdin.fileno()
    try:
        raw = os.read(handle, 1)
        if raw == b"\x1b" and select.select([handle], [], [], 0.02)[0]:
            raw += os.read(handle, 1)
            while raw[1:2] in {b"[", b"O"} and (len(raw) < 3 or not 0x40 <= raw[-1] <= 0x7E):
                raw += os.read(handle, 1)  # an arrow or function key ends with a letter or ~
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


def _show(console: object, review: Review, place: int, total: int) -> None:
    from rich.console import Console
    from rich.text import Text

    assert isinstance(console, Console)
    console.rule(f"{place} of {total}")
    for name, value in review.shown.items():
        text = (
            value
            if isinstance(value, str)
            else ", ".join(map(str, value))
            if isinstance(value, list)
            else str(value)
        )
        console.print(Text(f"{name}: ", style="bold"), Text(_UNSAFE.sub("·", text)), sep="")
    said = review.profile or f"no verdict ({review.reason})"
    mark = "  looks wrong" if review.suspect else ""
    console.print()
    console.print(
        Text(
            f"{review.labeller} says {said} ({review.probability:.2f}); {review.requests:,} requests{mark}",
            style="cyan",
        )
    )
    console.print(Text(HELP, style="dim"))
