"""A table's bytes are canonical, its digests follow its content, and edits show."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from router_audit.files.document import canonical, pretty, problems, sealed
from router_audit.policy import CELLS, Traffic, routes
from tests.test_policy import BUSY, LADDER

if TYPE_CHECKING:
    from router_audit.types import Ladder

SCHEMA = json.loads((files("router_audit") / "data" / "routing_table.schema.json").read_text("utf-8"))


def content(ladder: Ladder = LADDER, traffic: dict[object, Traffic] = BUSY) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "schema_version": 1,
        "code_version": "0.1.0",
        "classifier": None,
        "encoder": None,
        "prices": {"as_of": "2026-10-31", "source": "test", "models": {}},
        "log_window": {"first_at": None, "last_at": None, "requests": 60},
        "huge_context_tokens": 200_000,
        "epsilon": 0.05,
        "delta": 0.05,
        "ladder": {
            "name": ladder.name,
            "as_of": "2026-11-01",
            "tiers": list(ladder.tiers),
            "models": [{"model": m.ref, "tier": m.tier} for m in ladder.models],
            "long_context": None,
            "assumed": ladder.assumed,
        },
        "options": {"allow_provisional": False, "assume_capable": True},
        "routes": [asdict(route) for route in routes(ladder, traffic, {}, assume_capable=True)],
        "evidence": {},
        "gaps": [],
        "observational": [],
        "economy_share": {"before": 0.0, "after": 0.5},
        "savings": {"per_month_usd": {}, "probability_positive": None, "certified_share": 0.0},
        "unpriced_requests": 0,
    }


def test_the_same_content_has_the_same_digest_whatever_its_name() -> None:
    first = sealed(content(), version="v0001", parent=None)
    second = sealed(content(), version="v0002", parent="v0001")

    assert first["content_digest"] == second["content_digest"]
    assert first["digest"] != second["digest"]


def test_a_sealed_table_has_no_problems_and_reads_back_the_same() -> None:
    table = sealed(content(), version="v0001", parent=None)

    assert problems(table, SCHEMA) == []
    assert problems(json.loads(pretty(table)), SCHEMA) == []
    assert len(table["routes"]) == len(CELLS)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("routes", 0, "requests"), 11, "content_digest"),
        (("routes", 0, "model"), "anthropic/claude-opus-4-7", "content_digest"),
        (("routes", 0, "escalate_to"), ["a/b", "c/d"], "routes/0/escalate_to"),
        (("routes", 0, "escalate_again"), "a/b", "escalate_again"),
        (("routes", 0, "status"), "probably-fine", "routes/0/status"),
        (("parent",), "v0009", "digest"),
        (("note",), "hello", "note"),
    ],
)
def test_every_edit_shows(path: tuple[str | int, ...], value: object, said: str) -> None:
    table = sealed(content(), version="v0001", parent=None)
    place = table
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    assert any(said in problem for problem in problems(table, SCHEMA))


def test_not_a_number_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"p_value": float("nan")})
