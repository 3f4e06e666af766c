"""The router: threads, sessions, reload, and one clear line for every file it cannot use."""

from __future__ import annotations

import json
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest

from router_audit import Router
from router_audit.embedding import CachedEncoder
from router_audit.errors import UserError
from router_audit.types import PROFILES, AnswerSignal
from tests.routed import HashEncoder, ask, content, write_table
from tests.test_policy import HAIKU, OPUS, SONNET

if TYPE_CHECKING:
    from pathlib import Path

MODELS = dict(zip(PROFILES, (HAIKU.ref, HAIKU.ref, SONNET.ref, OPUS.ref), strict=True))


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    write_table(tmp_path / "tables")
    return tmp_path / "tables"


def router_over(path: Path, **options: object) -> Router:
    return Router.from_table(path, encoder=HashEncoder(), **{"canary_share": 0.0, **options})  # type: ignore[arg-type]


def test_each_profile_lands_on_the_table_s_model(tables: Path) -> None:
    router = router_over(tables)
    for profile in PROFILES:
        for number in range(100, 120):
            decision = router.decide(ask(profile, number))

            assert (decision.profile, decision.model) == (profile, MODELS[profile])


@pytest.mark.parametrize(
    "name", ["claude-haiku-4-5", "anthropic/claude-haiku-4-5", "claude-haiku-4-5-20251001"]
)
def test_a_caller_s_model_is_known_by_any_of_its_names(tables: Path, name: str) -> None:
    decision = router_over(tables).decide(ask("classification", model=name))

    assert (decision.asked, decision.moved) == (HAIKU.ref, False)


def test_an_unknown_model_stays_where_it_is(tables: Path) -> None:
    decision = router_over(tables).decide(ask("classification", model="our-own-model"))

    assert (decision.model, decision.moved) == ("our-own-model", False)


def test_explain_decides_the_same_and_shows_its_grounds(tables: Path) -> None:
    router = router_over(tables, canary_share=0.5)
    request = ask("extraction", 3, model="claude-opus-4-7", request_id="r-3")
    found = router.explain(request)

    assert found.decision == router.decide(request)
    assert found.order in found.instruction
    assert sum(found.probabilities.values()) == pytest.approx(1.0, abs=1e-4)
    assert found.row is not None
    assert (found.asked_mtok, found.model_mtok) == (10.0, 2.0)
    assert (found.canary_draw < 0.5) == found.decision.canary


def test_a_session_stays_on_its_model_and_goes_only_up(tables: Path) -> None:
    router = router_over(tables)
    hard = router.decide(ask("reasoning", session_id="s"))
    easy = router.decide(ask("classification", session_id="s"))
    alone = router.decide(ask("classification", session_id="t"))

    assert (hard.model, easy.model, alone.model) == (SONNET.ref, SONNET.ref, HAIKU.ref)
    assert easy.escalate_to == OPUS.ref


def test_escalation_is_the_same_rung_from_every_thread(tables: Path) -> None:
    router = router_over(tables)
    decision = router.decide(ask("classification"))
    found: set[str | None] = set()

    def up() -> None:
        for _ in range(200):
            step = router.escalate(decision, AnswerSignal(empty=True))
            found.add(step.model if step else None)

    threads = [threading.Thread(target=up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {SONNET.ref}


def test_a_new_version_is_taken_up_without_a_dropped_request(tables: Path) -> None:
    router = router_over(tables, check_every_s=0.01)
    stop = threading.Event()
    seen: set[str] = set()
    failures: list[BaseException] = []

    def work(offset: int) -> None:
        number = offset
        while not stop.is_set():
            try:
                decision = router.decide(ask(PROFILES[number % 4], number))
                assert decision.model == MODELS[PROFILES[number % 4]]
                seen.add(decision.table_version)
            except BaseException as error:  # noqa: BLE001  whatever it is, it is the finding
                failures.append(error)
            number += 1

    threads = [threading.Thread(target=work, args=(n * 1000,)) for n in range(4)]
    for thread in threads:
        thread.start()
    write_table(tables, "v0002", "v0001")
    _until(lambda: "v0002" in seen)
    (tables / "v0003.json").write_text("{ half a table", "utf-8")
    time.sleep(0.2)
    shutil.rmtree(tables)
    time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()

    assert failures == []
    assert seen == {"v0001", "v0002"}
    assert router.version == "v0002"


def test_a_named_file_is_followed_when_it_is_replaced(tables: Path) -> None:
    router = router_over(tables / "v0001.json", check_every_s=0.01)
    write_table(tables, "v0002", "v0001")
    (tables / "v0002.json").replace(tables / "v0001.json")

    assert router.reload()
    assert router.version == "v0002"
    assert not router.reload()


def test_a_table_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    path = write_table(folder)
    document = json.loads(path.read_text("utf-8"))
    shutil.rmtree(folder / "classifiers")
    with pytest.raises(UserError, match="copy it along") as missing:
        router_over(folder)
    path.write_text(json.dumps(document | {"unpriced_requests": 7}), "utf-8")
    with pytest.raises(UserError, match="content_digest"):
        router_over(folder)
    with pytest.raises(UserError, match="cannot be read"):
        router_over(tmp_path / "none.json")
    with pytest.raises(UserError, match="share"):
        router_over(folder, canary_share=7)

    assert "\n" not in str(missing.value)


def test_a_changed_classifier_is_refused(tables: Path) -> None:
    head = next((tables / "classifiers").iterdir()) / "head.json"
    head.write_text(head.read_text("utf-8").replace('"temperature": 1.0', '"temperature": 2.0'), "utf-8")

    with pytest.raises(UserError, match="do not match its version"):
        router_over(tables)


def test_a_table_without_a_classifier_says_what_to_do(tmp_path: Path) -> None:
    from router_audit.files.document import pretty, sealed

    path = tmp_path / "v0001.json"
    path.write_text(
        pretty(sealed(json.loads(json.dumps(content(None))), version="v0001", parent=None)), "utf-8"
    )

    with pytest.raises(UserError, match="router-audit train"):
        router_over(path)


@pytest.mark.parametrize(
    "request_",
    [
        {"messages": []},
        {"messages": "not a list"},
        {"messages": [None, 7, {"role": None, "content": {"type": "text"}}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:" + "A" * 9}}]}
            ]
        },
        {"prompt": "\ud800 \x00"},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Classify: a or b"}]}]},
        {
            "messages": [{"role": "user", "content": "x"}],
            "tools": {"a": {}},
            "response_format": 3,
            "metadata": [],
        },
        {"system": [{"type": "text", "text": "hi"}], "messages": [], "max_tokens": "many", "model": 5},
    ],
)
def test_odd_requests_get_a_decision(tables: Path, request_: dict[str, object]) -> None:
    assert router_over(tables).decide(request_).table_version == "v0001"


def test_the_cache_answers_equal_texts_and_forgets_the_oldest() -> None:
    encoder = CachedEncoder(HashEncoder(), size=2)
    first = encoder.encode(["a b", "c"])
    again = encoder.encode(["c", "a b", "c"])
    encoder.encode(["d", "e"])
    encoder.encode(["c"])

    assert (again == first[[1, 0, 1]]).all()
    assert (encoder.hits, encoder.misses) == (3, 5)


def _until(done: object, seconds: float = 60.0) -> None:
    assert callable(done)
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_schema_whose_types_are_lists_is_decided(tables: Path) -> None:
    nullable = {"type": "object", "properties": {"total": {"type": ["string", "null"]}}}
    tool = {"type": "function", "function": {"name": "save", "parameters": nullable}}
    form = {"type": "json_schema", "json_schema": {"name": "result", "schema": nullable}}
    decision = router_over(tables).decide(ask("extraction", 5, tools=[tool], response_format=form))

    assert decision.model == HAIKU.ref
