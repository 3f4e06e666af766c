"""Every target gets the table's own models, at most one spare each, and decides as the router does."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from router_audit.cli import app
from router_audit.exporters import EXPORTERS
from router_audit.exporters.csv import CSV
from router_audit.exporters.python import PYTHON
from router_audit.exporters.typescript import TYPESCRIPT
from router_audit.files.document import sealed
from router_audit.routing import WINDOW_MARGIN, Facts, decide, rules_of
from router_audit.types import PROFILES
from tests.routed import PRICES, ask, content, write_table
from tests.test_policy import LADDER

if TYPE_CHECKING:
    from pathlib import Path

TABLE = json.loads(json.dumps(sealed(content("none"), version="v0003", parent=None)))
RULES = rules_of(TABLE)
TSC = "ROUTER_AUDIT_TSC"

cases = st.fixed_dictionaries(
    {
        "profile": st.none() | st.sampled_from(PROFILES),
        "model": st.none() | st.sampled_from([*PRICES, "nobody/knows"]),
        "input_tokens": st.integers(0, 1_500_000),
        "output_tokens": st.integers(0, 64_000),
        "request_id": st.text(max_size=300),
        "canary_key": st.text(max_size=20),
        "canary_share": st.floats(0, 1),
    }
)
SAME = ("model", "served_by", "escalate_to", "threshold", "canary", "propensity", "moved", "huge_context")


def ours(case: dict[str, Any]) -> dict[str, Any]:
    facts = Facts(
        case["profile"],
        0.9,
        case["input_tokens"],
        case["request_id"],
        case["model"],
        None,
        case["output_tokens"],
    )
    found = decide(
        RULES,
        facts,
        canary_key=case["canary_key"].encode("utf-8", "surrogatepass"),
        canary_share=case["canary_share"],
    )
    return {name: getattr(found, name) for name in SAME}


@pytest.fixture(scope="module")
def module() -> dict[str, Any]:
    found: dict[str, Any] = {"__name__": "route"}
    exec(compile(PYTHON.export(TABLE), "route.py", "exec"), found)
    return found


@pytest.mark.parametrize("member", EXPORTERS, ids=lambda member: member.name)
def test_the_same_table_gives_the_same_text_and_names_itself(member: Any) -> None:
    text = member.export(TABLE)

    assert text == member.export(TABLE)
    assert "v0003" in text
    assert text.endswith("\n")


def test_exported_python_decides_as_the_router(module: dict[str, Any]) -> None:
    @settings(max_examples=300)
    @given(cases)
    def same(case: dict[str, Any]) -> None:
        found = module["decide"](case["profile"], **{name: case[name] for name in case if name != "profile"})

        assert {name: found[name] for name in SAME} == ours(case)

    same()
    assert module["WINDOW_MARGIN"] == WINDOW_MARGIN


def test_exported_python_routes_a_task_by_a_classifier_of_yours(module: dict[str, Any]) -> None:
    heard: list[str] = []

    def model(prompt: str) -> str:
        heard.append(prompt)
        return " Extraction.\n"

    decision = module["route"]("Copy the dates: ...", model, canary_share=0.0)

    assert "Copy the dates" in heard[0]
    assert "extraction" in heard[0]
    assert (decision["profile"], decision["model"]) == ("extraction", "anthropic/claude-haiku-4-5")
    assert module["escalate"](decision, weak=True) == "anthropic/claude-sonnet-4-6"
    assert module["escalate"](decision) is None
    assert module["escalate"]({**decision, "threshold": 0.5}, confidence=0.4) == "anthropic/claude-sonnet-4-6"


def test_litellm_fallbacks_are_one_each_and_aliases_name_known_models() -> None:
    config = yaml.safe_load(next(m for m in EXPORTERS if m.name == "litellm").export(TABLE))
    known = {entry["model_name"] for entry in config["model_list"]}
    calls = {entry["model_name"]: entry["litellm_params"]["model"] for entry in config["model_list"]}
    fallbacks = [item for entry in config["router_settings"]["fallbacks"] for item in entry.items()]

    assert known == {rung.ref for rung in LADDER.models} | {"google/gemini-2.5-flash"}
    assert calls["google/gemini-2.5-flash"] == "gemini/gemini-2.5-flash"
    assert all(len(spares) == 1 and {model, *spares} <= known for model, spares in fallbacks)
    assert set(config["router_settings"]["model_group_alias"].values()) <= known
    assert config["litellm_settings"]["callbacks"] == ["router_audit.integrations.litellm.plugin"]


def test_csv_has_a_line_per_route_and_no_formula() -> None:
    table = json.loads(json.dumps(TABLE))
    table["routes"][0]["incumbent"] = "=cmd|' /C calc'!A0"
    lines = list(csv.DictReader(io.StringIO(CSV.export(table))))

    assert [(line["profile"], line["context"]) for line in lines] == [
        (route["profile"], route["context"]) for route in TABLE["routes"]
    ]
    assert lines[0]["incumbent"] == "'=cmd|' /C calc'!A0"
    assert lines[0]["model"] == "anthropic/claude-haiku-4-5"


def test_the_command_writes_a_file_or_prints(tmp_path: Path) -> None:
    tables = write_table(tmp_path / "tables").parent
    runner = CliRunner()
    printed = runner.invoke(app, ["export", "--to", "csv", "--table", str(tables)])
    written = runner.invoke(
        app, ["export", "--to", "csv", "--table", str(tables), "--out", str(tmp_path / "t.csv")]
    )
    wrong = runner.invoke(app, ["export", "--to", "fax", "--table", str(tables)])

    assert printed.output == (tmp_path / "t.csv").read_text("utf-8")
    assert (written.exit_code, wrong.exit_code) == (0, 2)
    assert "takes one of litellm, openrouter" in wrong.output


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported module through `tsc --strict`."""
    tsc = os.environ.get(TSC)
    if not tsc:
        pytest.skip(f"needs the TypeScript compiler, named by {TSC}: make test-exports")
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "route.ts").write_text(TYPESCRIPT.export(TABLE), "utf-8")
    (folder / "package.json").write_text('{"type": "module"}', "utf-8")
    done = subprocess.run(
        [tsc, "--strict", "--noUncheckedIndexedAccess", "--noUnusedLocals", "--target", "es2022", "--module", "es2022",
         "route.ts"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout
    return folder


def in_node(folder: Path, script: str, data: object) -> Any:
    program = (
        f"import * as m from {json.dumps((folder / 'route.js').as_uri())};"
        "const read = async () => { let t = ''; for await (const c of process.stdin) t += c; return JSON.parse(t); };"
        f"console.log(JSON.stringify(await (async (data) => {{ {script} }})(await read())));"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", program],
        input=json.dumps(data), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_exported_typescript_is_strict_and_decides_as_the_router(compiled: Path) -> None:
    drawn: list[dict[str, Any]] = []

    @settings(max_examples=200, database=None, suppress_health_check=[HealthCheck.filter_too_much])
    @given(cases)
    def collect(case: dict[str, Any]) -> None:
        assume(case["request_id"].isprintable() and case["canary_key"].isprintable())
        drawn.append(case)

    collect()
    script = """
        return data.map((c) => m.decide(c.profile, {model: c.model, inputTokens: c.input_tokens,
            outputTokens: c.output_tokens, requestId: c.request_id, canaryKey: c.canary_key, canaryShare: c.canary_share}));
    """
    names = {"served_by": "servedBy", "escalate_to": "escalateTo", "huge_context": "hugeContext"}
    found = in_node(compiled, script, drawn)

    assert len(drawn) > 50
    for case, theirs in zip(drawn, found, strict=True):
        assert {name: theirs[names.get(name, name)] for name in SAME} == ours(case)


def test_exported_typescript_gives_the_models_of_the_route_command(compiled: Path, tmp_path: Path) -> None:
    from router_audit.incoming import read_request
    from router_audit.router import Router
    from tests.routed import HashEncoder

    router = Router.from_table(write_table(tmp_path / "tables"), encoder=HashEncoder(), canary_key="key")
    asked = [None, "anthropic/claude-opus-4-7", "google/gemini-2.5-flash", "nobody/knows"]
    requests = [ask(PROFILES[n % 4], n, model=asked[n // 4 % 4], request_id=f"r{n}") for n in range(200)]
    decisions = [router.decide(request) for request in requests]
    answers = [
        {"profile": decision.profile, "model": request["model"], "requestId": request["request_id"],
         "inputTokens": read_request(request).input_tokens}
        for request, decision in zip(requests, decisions, strict=True)
    ]  # fmt: skip
    found = in_node(
        compiled, "return data.map((c) => m.decide(c.profile, {...c, canaryKey: 'key'}));", answers
    )

    assert [one["model"] for one in found] == [decision.model for decision in decisions]
    assert [one["servedBy"] for one in found] == [decision.served_by for decision in decisions]


def test_exported_typescript_asks_the_classifier_and_escalates_once(compiled: Path) -> None:
    script = """
        const d = await m.route(data.task, async (p) => p.includes(data.task) ? "Classification" : "none", {canaryShare: 0});
        return [d.profile, d.model, m.escalate(d, {weak: true}), m.escalate(d, {}), m.escalate({...d, threshold: 0.5}, {})];
    """

    assert in_node(compiled, script, {"task": "Is this spam? é 漢 😀"}) == [
        "classification", "anthropic/claude-haiku-4-5", "anthropic/claude-sonnet-4-6", None, "anthropic/claude-sonnet-4-6",
    ]  # fmt: skip
