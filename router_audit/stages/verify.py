"""A routing table checked against itself: schema, digests, evidence, routes, escalation, ladder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.errors import CheckFailed
from router_audit.files.tables import read_document, schema
from router_audit.proof.verification import hypotheses, table_problems

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = 3


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """A table that holds."""

    path: str
    version: str
    digest: str
    routes: int
    hypotheses: int
    """Exact tests that were recomputed from their counts."""
    sound: bool = True


def verify(path: Path) -> VerifyResult:
    """Recompute all that follows from the counts, the ladder and the options of a table.

    Raises CheckFailed with every problem where it does not hold, InputError where the file cannot be read.
    """
    document = read_document(path)
    wrong = table_problems(document, schema())
    if not wrong and re.fullmatch(r"v\d+", path.stem) and path.stem != document["version"]:
        wrong = [f"version: says {document['version']}, the file is named {path.stem}"]
    if wrong:
        more = f"; and {len(wrong) - SHOWN} more (--json lists them)" if len(wrong) > SHOWN else ""
        raise CheckFailed(
            f"does not verify: {'; '.join(wrong[:SHOWN])}{more}", where=str(path), problems=tuple(wrong)
        )
    return VerifyResult(
        path=str(path),
        version=document["version"],
        digest=document["digest"],
        routes=len(document["routes"]),
        hypotheses=hypotheses(document),
    )
