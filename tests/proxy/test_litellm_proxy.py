"""The real LiteLLM proxy obeys the table, escalates once, keeps its canary, logs what it did, and never fails for our sake."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from scipy.stats import binom

from router_audit.embedding import load_encoder
from router_audit.routing import CANARY_SHARE, in_canary
from router_audit.stages.ingest import IngestOptions, ingest
from router_audit.store import open_store
from router_audit.types import PROFILES
from router_audit.types.progress import Unwatched
from tests.proxy.conftest import MINI, MIXED, NANO, OPUS, SONNET
from tests.routed import ask, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.proxy.conftest import Answer, Proxies, Proxy

REQUESTS = int(os.environ.get("ROUTER_AUDIT_PROXY_REQUESTS", "2000"))
WORKERS = 8
WAYS = ("chat", "chat", "chat", "stream", "messages", "responses")
MODELS = dict(zip(PROFILES, (NANO, NANO, SONNET, OPUS), strict=True))
RUNG = {NANO.model: SONNET.model, SONNET.model: OPUS.model}


@dataclass(frozen=True)
class Sent:
    """One request, and what came back."""

    mark: str
    profile: str
    way: str
    weak: bool
    answer: Answer


def send(
    proxy: Proxy, way: str, profile: str, mark: str, *, number: int = 0, said: str = "", **more: Any
) -> Answer:
    """One request to the model `auto`, in one of the wire formats, under an id that follows from its mark.

    With ids drawn afresh a sound canary would leave its 99% interval in one run of a hundred.
    """
    known = {"x-litellm-call-id": str(uuid.uuid5(uuid.NAMESPACE_OID, mark))}
    body: dict[str, Any] = {"model": "auto", **ask(profile, number % 7), **more}
    body["messages"][0]["content"] += said
    if way == "responses":
        body["input"] = body.pop("messages")[0]["content"]
        return proxy.send("/v1/responses", {**body, "user": f"mark-{mark}"}, **known)
    if way == "messages":
        return proxy.send(
            "/v1/messages", {**body, "max_tokens": 100, "metadata": {"user_id": f"mark-{mark}"}}, **known
        )
    return proxy.send(
        "/v1/chat/completions", {**body, "user": f"mark-{mark}", "stream": way == "stream"}, **known
    )


@pytest.fixture(scope="session")
def traffic(proxy: Proxy) -> list[Sent]:
    """The requests of all profiles and wire formats; one in ten gets a weak answer from the table's model."""

    def one(number: int) -> Sent:
        profile, way = PROFILES[number % 4], WAYS[number // 4 % len(WAYS)]
        weak = number % 10 == 3 and way != "responses"
        said = f" [weak {MODELS[profile].model}]" if weak else ""
        answer = send(proxy, way, profile, f"t{number}", number=number, said=said)
        return Sent(f"t{number}", profile, way, weak, answer)

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, range(REQUESTS)))


def canary(sent: Sent) -> bool:
    """What the hash says, for a request that was moved."""
    return sent.profile != "coordination" and in_canary(sent.answer.call_id, b"key", CANARY_SHARE)


def test_every_request_is_answered_and_lands_on_the_table_s_model(proxy: Proxy, traffic: list[Sent]) -> None:
    time.sleep(2)
    for sent in traffic:
        assert sent.answer.status == 200, sent.answer.text
        assert sent.answer.about("profile") == sent.profile
        assert sent.answer.about("table") == "v0001"
        asked = proxy.upstream.asked[sent.mark]
        routed = MODELS[sent.profile].model
        assert asked[0] == (OPUS.model if canary(sent) else routed), sent


def test_a_weak_answer_goes_up_exactly_once(proxy: Proxy, traffic: list[Sent]) -> None:
    for sent in traffic:
        if canary(sent):
            continue
        routed = MODELS[sent.profile].model
        up = sent.weak and routed in RUNG
        wanted = [routed, RUNG[routed]] if up else [routed]
        assert proxy.upstream.asked[sent.mark] == wanted, sent
        if sent.way != "stream":
            assert sent.answer.about("escalated") == ("empty" if up else "no")
        if up and sent.way != "stream":
            assert f"{RUNG[routed]} answers." in sent.answer.text
        if up and sent.way == "stream":
            assert RUNG[routed] in sent.answer.text


def test_the_canary_is_the_hash_s_own_and_near_its_share(proxy: Proxy, traffic: list[Sent]) -> None:
    eligible = [sent for sent in traffic if sent.profile != "coordination"]
    chosen = [sent for sent in eligible if sent.answer.about("canary") == "yes"]
    low, high = binom.interval(0.99, len(eligible), CANARY_SHARE)

    assert all(sent.answer.call_id == str(uuid.uuid5(uuid.NAMESPACE_OID, sent.mark)) for sent in traffic)
    assert [sent.mark for sent in chosen] == [sent.mark for sent in eligible if canary(sent)]
    assert low <= len(chosen) <= high
    for sent in chosen:
        assert sorted(proxy.upstream.asked[sent.mark]) == sorted([OPUS.model, MODELS[sent.profile].model])


def test_the_log_reads_back_with_the_same_counts(proxy: Proxy, traffic: list[Sent], tmp_path: Path) -> None:
    calls = sum(len(proxy.upstream.asked[sent.mark]) for sent in traffic)
    proxy.lines(calls)
    log = tmp_path / "log.jsonl"
    shutil.copy(proxy.log, log)
    with open_store(tmp_path / "audit.duckdb") as store:
        result = ingest(store, [str(log)], IngestOptions(), Unwatched())
        rows = store.connection.execute(
            "SELECT source, routing, response_model, session_id FROM requests"
        ).fetchall()
    told = [json.loads(row[1]) for row in rows]
    ours = {sent.answer.call_id for sent in traffic}
    mine = [one for one in told if one.get("request_id") in ours]
    roles = Counter(one["role"] for one in mine)
    canaries = [sent for sent in traffic if canary(sent)]
    ups = [sent for sent in traffic if sent.weak and MODELS[sent.profile].model in RUNG and not canary(sent)]

    assert (result.rejected, result.filtered) == (0, 0)
    assert {row[0] for row in rows} == {"litellm"}
    assert roles == {"answer": len(traffic), "escalation": len(ups), "shadow": len(canaries)}
    assert Counter(one["profile"] for one in mine if one["role"] == "answer") == Counter(
        s.profile for s in traffic
    )
    assert {one["request_id"] for one in mine if one["canary"]} == {sent.answer.call_id for sent in canaries}
    assert {one["propensity"] for one in mine if one["moved"]} == {CANARY_SHARE}
    assert all(one["shadow_of"] == one["request_id"] for one in mine if one["role"] == "shadow")
    assert all(
        one["escalated_from"] == MODELS[one["profile"]].ref for one in mine if one["role"] == "escalation"
    )
    assert {one["table_version"] for one in mine} == {"v0001"}


def test_a_caller_s_explicit_model_is_not_touched(proxy: Proxy) -> None:
    answer = proxy.send(
        "/v1/chat/completions", {"model": OPUS.model, **ask("classification"), "user": "mark-explicit"}
    )

    assert answer.status == 200
    assert proxy.upstream.asked["explicit"] == [OPUS.model]
    assert answer.about("model") is None


def test_a_session_stays_on_its_model(proxy: Proxy) -> None:
    session = {"metadata": {"session_id": "one-talk"}}
    send(proxy, "chat", "reasoning", "hard", **session)
    answer = send(proxy, "chat", "classification", "easy", **session)

    assert answer.about("profile") == "classification"
    assert proxy.upstream.asked["easy"] == [SONNET.model]


def test_a_provider_that_is_down_leads_sideways_else_one_rung_up(proxy: Proxy) -> None:
    sideways = send(proxy, "chat", "classification", "down1", said=f" [down {NANO.model}]")
    up = send(proxy, "chat", "reasoning", "down2", said=f" [down {SONNET.model}]")

    assert (sideways.status, up.status) == (200, 200)
    assert proxy.upstream.asked["down1"] == [NANO.model, MINI.model]
    assert (sideways.about("model"), sideways.about("escalated")) == (MINI.ref, "no")
    assert proxy.upstream.asked["down2"] == [SONNET.model, OPUS.model]
    assert up.about("escalated") == "provider error: unavailable"


def test_a_second_answer_that_fails_leaves_the_first(proxy: Proxy) -> None:
    answer = send(proxy, "chat", "classification", "both", said=f" [weak {NANO.model}] [down {SONNET.model}]")

    assert answer.status == 200
    assert proxy.upstream.asked["both"][0] == NANO.model
    assert OPUS.model not in proxy.upstream.asked["both"]
    assert answer.about("escalated") == "no"


def test_litellm_s_own_plug_point_gets_the_tier(proxy: Proxy) -> None:
    for profile, model in MODELS.items():
        body = {"model": "auto-by-tier", **ask(profile), "user": f"mark-tier{profile}"}

        assert proxy.send("/v1/chat/completions", body).status == 200
        assert proxy.upstream.asked[f"tier{profile}"] == [model.model]


def test_no_request_fails_while_the_table_is_deleted_corrupted_and_replaced(
    proxy: Proxy, traffic: list[Sent]
) -> None:
    assert traffic
    stop = threading.Event()
    answers: list[Answer] = []

    def keep_asking(worker: int) -> None:
        number = 0
        while not stop.is_set():
            answers.append(
                send(proxy, "chat", PROFILES[number % 4], f"reload{worker}x{number}", number=number)
            )
            number += 1

    threads = [threading.Thread(target=keep_asking, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    table = proxy.tables / "v0001.json"
    whole = table.read_text("utf-8")
    table.unlink()
    time.sleep(3)
    table.write_text(whole[: len(whole) // 2], "utf-8")
    time.sleep(3)
    document = json.loads(whole)
    from router_audit.files.document import pretty, sealed

    names = {"version", "parent", "digest", "content_digest"}
    content = {key: value for key, value in document.items() if key not in names}
    (proxy.tables / "v0002.json").write_text(
        pretty(sealed(content, version="v0002", parent="v0001")), "utf-8"
    )
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and (not answers or answers[-1].about("table") != "v0002"):
        time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()

    assert {answer.status for answer in answers} == {200}
    assert {answer.about("table") for answer in answers} == {"v0001", "v0002"}


def test_without_a_table_requests_go_to_the_default_until_there_is_one(proxies: Proxies) -> None:
    proxy = proxies.bare.wait()
    lost = send(proxy, "chat", "classification", "lost")
    write_table(proxy.tables, encoder=load_encoder(), ladder=MIXED)
    deadline = time.monotonic() + 90
    found = lost
    while time.monotonic() < deadline and found.about("table") == "none":
        time.sleep(1)
        found = send(proxy, "chat", "classification", "found")
    told = proxy.lines(1)[0]["metadata"]["requester_metadata"]["router_audit"]

    assert (lost.status, lost.about("table")) == (200, "none")
    assert proxy.upstream.asked["lost"] == [OPUS.model]
    assert "no table" in str(lost.about("trouble"))
    assert "no table" in told["trouble"]
    assert found.about("table") == "v0001"
    assert proxy.upstream.asked["found"][-1] in {NANO.model, OPUS.model}


def test_a_decision_that_is_too_slow_is_not_waited_for(proxies: Proxies) -> None:
    hurried = proxies.hurried.wait()
    answer = send(hurried, "chat", "classification", "slow")

    assert (answer.status, answer.about("trouble")) == (200, "timeout")
    assert hurried.upstream.asked["slow"] == [OPUS.model]
