"""`verify` notices every edit, also where whoever made it signed the table again."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from router_audit.cli import app
from router_audit.errors import CheckFailed, InputError
from router_audit.files.document import content_digest, digest, pretty
from router_audit.files.tables import schema
from router_audit.proof.verification import table_problems
from router_audit.stages.build_table import TableOptions, build_table
from router_audit.stages.trials import import_trials
from router_audit.stages.verify import verify
from router_audit.store import open_store
from tests.audited import HAIKU, OPUS, SONNET, Said, audited_store, request_ids, trial_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Classification certified for the economy model, extraction refuted there and provisional a rung up."""
    folder = tmp_path_factory.mktemp("verify")
    calls = [Said(f"Is message {n} spam?", "no") for n in range(200)]
    calls += [Said(f"Extract the date of letter {n}.", "3 May", "extraction") for n in range(80)]
    with open_store(folder / "a.duckdb") as store:
        audited_store(store, folder, calls)
        ids = request_ids(store)
        lines = [trial_line(ids[n], ok=n != 7) for n in range(200)]
        lines += [trial_line(ids[200 + n], ok=n % 3 > 0) for n in range(80)]
        lines += [trial_line(ids[200 + n], candidate=SONNET) for n in range(30)]
        (folder / "trials.jsonl").write_text("".join(lines))
        import_trials(store, folder / "trials.jsonl")
        result = build_table(store, TableOptions(folder=folder / "tables", assume_capable=True))
    found: dict[str, Any] = json.loads(result.path.read_text())
    return found


def problems(document: Any) -> list[str]:
    return table_problems(document, schema())


def signed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with both digests made to fit again."""
    document["content_digest"] = content_digest(document)
    document["digest"] = digest(document)
    return document


def test_the_table_says_what_the_fixture_means(table: dict[str, Any]) -> None:
    classification, extraction = table["routes"][:2]

    assert (classification["status"], classification["model"]) == ("certified", HAIKU)
    assert (extraction["status"], extraction["candidate"]) == ("provisional", SONNET)
    assert (extraction["applied"], HAIKU in extraction["reason"]) == (False, True)
    assert classification["escalate_to"] == SONNET


def test_a_table_as_built_verifies(table: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "v0001.json"
    path.write_text(pretty(table))
    result = verify(path)

    assert problems(table) == []
    assert (result.sound, result.routes) == (True, 6)
    assert result.hypotheses == sum(len(r["hypotheses"]) for r in table["evidence"]["routes"])


def put(*path: str | int, value: Any) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        assert not isinstance(place, dict) or place.get(path[-1]) != value
        place[path[-1]] = value

    return edit


def both(*edits: Edit) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        for one in edits:
            one(document)

    return edit


FIRST_STEP = ("evidence", "routes", 0, "hypotheses", 0)

EDITS: dict[str, tuple[Edit, str]] = {
    "a count in the evidence": (put(*FIRST_STEP, "regrets", value=0), "evidence.routes[0]"),
    "a count on the route": (put("routes", 0, "evidence", "trials", value=400), "routes/0/evidence"),
    "a count in both": (
        both(put(*FIRST_STEP, "trials", value=400), put("routes", 0, "evidence", "trials", value=400)),
        "evidence.routes[0]",
    ),
    "a model": (put("routes", 0, "model", value=SONNET), "routes/0/model"),
    "a model that was refuted": (
        both(put("routes", 1, "model", value=HAIKU), put("routes", 1, "applied", value=True)),
        "routes/1/model",
    ),
    "a status": (put("routes", 1, "status", value="certified"), "routes/1/status"),
    "a kept route applied": (put("routes", 3, "applied", value=False), "routes/3/applied"),
    "an assumption hidden": (put("routes", 3, "assumed", value=False), "routes/3/assumed"),
    "an escalation two rungs up": (
        put("routes", 0, "escalate_to", value=f"anthropic/{OPUS}"),
        "routes/0/escalate_to",
    ),
    "a second escalation": (
        put("routes", 0, "escalate_to", value=[SONNET, f"anthropic/{OPUS}"]),
        "routes/0/escalate_to",
    ),
    "a second escalation under a name of its own": (
        put("routes", 0, "then_escalate_to", value=f"anthropic/{OPUS}"),
        "then_escalate_to",
    ),
    "a threshold": (put("routes", 0, "threshold", value=0.5), "routes/0/threshold"),
    "a reason": (put("routes", 0, "reason", value="trust us"), "routes/0/reason"),
    "a refuted candidate left out": (
        put("evidence", "routes", 1, "refuted", value=[]),
        "evidence.routes[1].refuted",
    ),
    "a p-value in the evidence": (put(*FIRST_STEP, "p_value", value=1e-9), "p_value"),
    "a p-value on the route": (put("routes", 0, "evidence", "p_value", value=1e-9), "routes/0/evidence"),
    "a bound": (put(*FIRST_STEP, "upper_bound", value=0.001), "upper_bound"),
    "a worst cost": (put(*FIRST_STEP, "worst_cost_usd", value=0.0001), "worst cost"),
    "a level": (put("evidence", "routes", 0, "level", value=0.05), "evidence.routes[0].level"),
    "epsilon of the table": (put("epsilon", value=0.01), "evidence.epsilon"),
    "delta of the table": (put("delta", value=0.001), "evidence.delta"),
    "the evidence taken away": (put("evidence", value={}), "routes/0"),
    "a test left out": (lambda d: d["evidence"]["routes"].pop(0), "routes/0"),
    "an option": (put("options", "assume_capable", value=False), "routes/"),
    "the ladder's order": (lambda d: d["ladder"]["models"].reverse(), "ladder/models"),
    "a rung": (put("ladder", "models", 1, "model", value=f"anthropic/{OPUS}"), "ladder/models"),
    "a tier that is not there": (put("ladder", "models", 1, "tier", value="gold"), "ladder/models"),
    "more requests than the log": (put("log_window", "requests", value=1), "routes: serve more"),
    "a row left out": (lambda d: d["routes"].pop(), "routes: are not"),
    "an unknown field": (put("note", value="hello"), "note"),
    "an unknown field on a route": (put("routes", 0, "fallbacks", value=[]), "fallbacks"),
    "an unknown field in a route's evidence": (
        put("routes", 0, "evidence", "n", value=1),
        "routes/0/evidence",
    ),
    "an unknown field in the evidence": (put("evidence", "seal", value="ok"), "evidence.seal"),
    "an unknown field in the savings": (put("savings", "guaranteed", value=True), "savings"),
    "an unknown field on a control": (
        put("savings", "controls", 0, "note", value="ok"),
        "savings/controls/0",
    ),
    "an unknown field on a test": (put(*FIRST_STEP, "note", value="ok"), "note"),
    "an unknown field on the ladder": (put("ladder", "fallback", value=HAIKU), "ladder"),
    "evidence of another kind": (put("evidence", value={"routes": 3}), "evidence"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_shows_without_and_with_new_digests(name: str, table: dict[str, Any]) -> None:
    edit, said = EDITS[name]
    plain = copy.deepcopy(table)
    edit(plain)
    again = signed(copy.deepcopy(plain))

    assert problems(plain)
    found = problems(again)
    assert any(said in problem for problem in found), found
    assert not any("was changed after" in problem for problem in found)


def test_a_changed_digest_shows(table: dict[str, Any]) -> None:
    for name in ("digest", "content_digest"):
        changed = copy.deepcopy(table)
        changed[name] = "sha256:" + "0" * 64

        assert any(problem.startswith(name) for problem in problems(changed))


def test_a_route_withdrawn_for_another_reason_claims_nothing_and_passes(table: dict[str, Any]) -> None:
    kept = copy.deepcopy(table)
    kept["routes"][0] |= {
        "model": kept["routes"][0]["incumbent"],
        "tier": "premium",
        "status": "keep-incumbent",
        "applied": False,
        "reason": "limits: too many calls",
        "escalate_to": None,
    }

    assert problems(signed(kept)) == []
    kept["routes"][0]["reason"] = "because"
    assert problems(signed(kept))


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    if isinstance(value, list):
        return [leaf for at, inner in enumerate(value) for leaf in leaves(inner, (*path, at))]
    return [path]


FREE = {"version", "parent", "digest", "content_digest", "code_version", "classifier", "encoder"}


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_figure_of_evidence_or_route_can_be_changed_alone(
    table: dict[str, Any], data: st.DataObject
) -> None:
    """Any single leaf of the evidence and the routes, set to any other value of its kind, signed again.

    Left out: what the table takes from the log (requests, incumbent, costs), from the store (how many audits and
    looks there were) or from its reader.
    """
    given_by_log = {"requests", "incumbent", "expected_cost_usd", "worst_cost_usd", "audit", "look"}
    paths = [
        p
        for part in ("evidence", "routes")
        for p in leaves(table[part], (part,))
        if p[-1] not in given_by_log and "graders" not in p
    ]
    path = data.draw(st.sampled_from(paths))
    edited = copy.deepcopy(table)
    place: Any = edited
    for step in path[:-1]:
        place = place[step]
    old = place[path[-1]]
    new = data.draw(
        st.one_of(
            st.integers(0, 500),
            st.floats(0, 1),
            st.booleans(),
            st.none(),
            st.sampled_from([HAIKU, SONNET, "certified"]),
        )
    )
    if type(new) is type(old) and (
        new == old or (isinstance(new, float) and abs(new - old) <= 2e-9 * abs(old))
    ):
        return
    if (
        isinstance(new, int | float)
        and isinstance(old, int | float)
        and not isinstance(new, bool)
        and new == old
    ):
        return
    place[path[-1]] = new

    if path[-1] == "escalate_to" and new is None and place["threshold"] == 0:
        return  # less than the evidence allows is no claim
    assert problems(signed(edited)), (path, old, new)


@settings(max_examples=60, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda c: st.lists(c, max_size=3) | st.dictionaries(st.text(max_size=6), c, max_size=3),
        max_leaves=8,
    ),
    data=st.data(),
)
def test_whatever_stands_there_it_answers(table: dict[str, Any], value: Any, data: st.DataObject) -> None:
    edited = copy.deepcopy(table)
    name = data.draw(st.sampled_from(sorted(table)))
    edited[name] = value

    assert problems(edited) or table[name] == value
    assert problems(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ('{"a": NaN}', "no JSON number"),
        ('{"a": 1e999}', "too large"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_file_with_two_meanings_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "v0001.json"
    path.write_text(text)

    with pytest.raises(InputError, match=said):
        verify(path)


def test_the_command_exits_1_and_lists_every_problem(table: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "v0001.json"
    edited = copy.deepcopy(table)
    edited["routes"][0]["model"] = SONNET
    path.write_text(pretty(edited))
    runner = CliRunner()
    shown = runner.invoke(app, ["verify", str(path)])
    as_json = runner.invoke(app, ["verify", str(path), "--json"])
    error = json.loads(as_json.stdout)["error"]

    assert (shown.exit_code, as_json.exit_code) == (1, 1)
    assert shown.stderr.count("\n") == 1
    assert error["kind"] == "check"
    assert any("routes/0/model" in problem for problem in error["problems"])
    assert any(problem.startswith("digest") for problem in error["problems"])


def test_a_table_under_another_version_s_name_is_refused(table: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "v0009.json"
    path.write_text(pretty(table))

    with pytest.raises(CheckFailed, match="v0009"):
        verify(path)


def test_a_sound_table_is_exit_0_and_json(table: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "v0001.json"
    path.write_text(pretty(table))
    done = CliRunner().invoke(app, ["verify", str(path), "--json"])

    assert done.exit_code == 0
    assert json.loads(done.stdout)["sound"] is True


def built(folder: Path, name: str, lines: list[str], calls: list[Said]) -> dict[str, Any]:
    """The table that these trials make, in a store of its own; `#N` in a line names the N-th request."""
    (folder / name).mkdir()
    with open_store(folder / name / "a.duckdb") as store:
        audited_store(store, folder / name, calls)
        ids = request_ids(store)
        text = "".join(lines)
        for number in sorted(range(len(ids)), reverse=True):
            text = text.replace(f'"#{number}"', f'"{ids[number]}"')
        (folder / name / "t.jsonl").write_text(text)
        import_trials(store, folder / name / "t.jsonl")
        result = build_table(store, TableOptions(folder=folder / name / "tables"))
    found: dict[str, Any] = json.loads(result.path.read_text())
    return found


def test_the_order_of_trials_changes_no_byte_and_a_session_counts_once(tmp_path: Path) -> None:
    calls = [Said(f"Is message {n} spam?", "no", session=f"s{n // 2}") for n in range(160)]
    lines = [trial_line(f"#{n}", ok=n % 40 != 7) for n in range(160)]
    forward = built(tmp_path, "forward", lines, calls)
    backward = built(tmp_path, "backward", lines[::-1] + lines[:5], calls)

    assert pretty(forward) == pretty(backward)
    assert forward["routes"][0]["evidence"]["trials"] == 80


def test_more_regrets_never_certify(tmp_path: Path) -> None:
    calls = [Said(f"Is message {n} spam?", "no") for n in range(130)]
    statuses = []
    for regrets in (0, 2, 4, 12, 40):
        lines = [trial_line(f"#{n}", ok=n >= regrets) for n in range(130)]
        statuses.append(built(tmp_path, f"r{regrets}", lines, calls)["routes"][0]["status"])

    assert statuses == ["certified", "certified", "provisional", "keep-incumbent", "keep-incumbent"]
