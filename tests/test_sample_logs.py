"""The demonstration logs: reproducible, broad enough, and without a word that gives a profile away."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from decimal import Decimal

import pytest

from tests.sample_logs.calls import PRICE, PROFILES
from tests.sample_logs.generate import DEFAULT_OUT, LABELS, LITELLM, OTEL, Logs
from tests.sample_logs.readme import group

WORD = re.compile(r"[^\W\d_]+")


@pytest.fixture(scope="module")
def logs() -> Logs:
    return Logs()


def lines(logs: Logs, file: str) -> list[str]:
    data = logs.files[file]
    return (gzip.decompress(data) if file.endswith(".gz") else data).decode().splitlines()


def test_the_committed_folder_is_what_the_generator_writes(logs: Logs) -> None:
    committed = {p.relative_to(DEFAULT_OUT).as_posix() for p in DEFAULT_OUT.rglob("*") if p.is_file()}
    assert committed == set(logs.files)
    for name, data in logs.files.items():
        assert (DEFAULT_OUT / name).read_bytes() == data, name
    assert LABELS.read_bytes() == logs.labels()


def test_the_generator_writes_the_same_bytes_twice(logs: Logs) -> None:
    again = Logs()
    assert again.files == logs.files
    assert again.labels() == logs.labels()


def test_size(logs: Logs) -> None:
    assert len(logs.requests) >= 1400
    assert sum(r.huge for r in logs.requests) >= 25
    assert sum(map(len, logs.files.values())) < 12_000_000
    with_outcome = sum(r.outcome is not None for r in logs.requests)
    assert 0.2 < with_outcome / len(logs.requests) < 0.4


def test_identifiers_are_unique(logs: Logs) -> None:
    assert len({(r.id, r.file) for r in logs.requests}) == len(logs.requests)


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_has_many_kinds_in_several_formats(logs: Logs, profile: str) -> None:
    mine = [r for r in logs.requests if r.profile == profile]
    assert len({r.kind for r in mine} - {"coding-agent"}) >= 6
    formats = Counter(group(r.file) for r in mine)
    assert sum(count >= 20 for count in formats.values()) >= 2


def test_no_word_gives_a_profile_away(logs: Logs) -> None:
    """No single word of the prompts may stand for a profile.

    A word is a giveaway when three things hold: it occurs in at least 30 requests (rarer ones cannot carry a
    classifier, and are how real texts differ), more than 95% of these have one profile (so that seeing the word is
    as good as knowing the profile), and they are at least 3% of that profile (so that the word covers a part of it
    worth having). A template that marks its profile ("classify the following") breaks all three at once. Counted
    are all words the model was sent: system prompt, every message, tool names; names of the schema's fields are not
    text. Each request counts once for each of its words, retries and the turns of one conversation included, which
    makes the test stricter, since a conversation repeats its words.
    """
    size = Counter(r.profile for r in logs.requests)
    seen: Counter[str] = Counter()
    within: Counter[tuple[str, str]] = Counter()
    for request in logs.requests:
        for word in set(WORD.findall(request.text.lower())):
            seen[word] += 1
            within[word, request.profile] += 1
    giveaways = sorted(
        (profile, word, count)
        for word, count in seen.items() if count >= 30
        for profile in PROFILES
        if within[word, profile] > 0.95 * count and within[word, profile] >= 0.03 * size[profile]
    )
    assert giveaways == []


def test_the_giveaway_test_would_notice(logs: Logs) -> None:
    """The obvious instruction words do occur, and in more than one profile each."""
    for word in ("find", "decide", "identify", "classify", "extract", "list", "plan"):
        profiles = {r.profile for r in logs.requests if word in WORD.findall(r.text.lower())}
        assert len(profiles) >= 2, word


def test_gateway_costs_follow_the_price_list(logs: Logs) -> None:
    unpriced = 0
    for line in lines(logs, LITELLM):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if row["status"] != "success" or "broken" in row["id"]:
            continue
        if row["model"] not in PRICE:
            assert row["response_cost"] == 0
            unpriced += 1
            continue
        rate_in, rate_out = map(Decimal, PRICE[row["model"]])
        usage = row["metadata"]["usage_object"]
        read, write = usage["prompt_tokens_details"]["cached_tokens"], usage.get("cache_creation_input_tokens", 0)
        paid_in = usage["prompt_tokens"] - read - write + Decimal("0.1") * read + Decimal("1.25") * write
        cost = (paid_in * rate_in + usage["completion_tokens"] * rate_out) / 1_000_000
        assert abs(Decimal(str(row["response_cost"])) - cost) < Decimal("1e-9")
    assert 0 < unpriced < 30


def test_ten_requests_stand_in_two_logs(logs: Logs) -> None:
    gateway = {r.id for r in logs.requests if r.file == LITELLM}
    spans = "\n".join(lines(logs, OTEL))
    assert len(logs.copied) == 10
    for own in logs.copied:
        assert own in gateway
        assert spans.count(f'"gen_ai.response.id", "value": {{"stringValue": "{own}"}}') >= 1
