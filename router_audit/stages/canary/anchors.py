"""Gradings of the anchor set that were made elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from router_audit.errors import InputError
from router_audit.stages.canary.judging import add_anchors

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.store import Store


class AnchorGrade(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line: a judge's verdict on one item of the anchor set."""

    judge: str
    item: str
    passed: bool


def import_anchors(store: Store, path: Path) -> dict[str, int]:
    """Keep one more grading per judge of the file; the number of each, 0 for a reference.

    Nothing is stored where one line cannot be used. Raises InputError, which names it.
    """
    grades: dict[str, dict[str, bool]] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            grade = msgspec.json.decode(line, type=AnchorGrade)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(str(error), where=f"{path}:{number}") from None
        own = grades.setdefault(grade.judge, {})
        if own.setdefault(grade.item, grade.passed) != grade.passed:
            raise InputError(
                f"{grade.item} is graded twice, and not alike; one file is one grading",
                where=f"{path}:{number}",
            )
    if not grades:
        raise InputError("holds no grade", where=str(path))
    with store.transaction():
        return {judge: add_anchors(store, judge, own) for judge, own in sorted(grades.items())}
