"""The demonstration logs: reproducible, broad enough, and without a word that gives a profile away."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
import zstandard

from tests.sample_logs.calls import PRICE, PROFILES
from tests.sample_logs.generate import DEFAULT_OUT, LABELS, LITELLM, OTEL, Logs, Written
from tests.sample_logs.readme import group

WORD = re.compile(r"[^\W\d_]+")


@pytest.fixture(scope="module")
def logs() -> Logs:
    return Logs()


def opened(file: str, data: bytes) -> bytes:
    if file.endswith(".gz"):
        return gzip.decompress(data)
    if file.endswith(".zst"):
        return zstandard.ZstdDecompressor().decompress(data)
    return data


def lines(logs: Logs, file: str) -> list[str]:
    return opened(file, logs.files[file]).decode().split("\n")[:-1]


def test_the_committed_folder_is_what_the_generator_writes(logs: Logs) -> None:
    """Byte for byte; of the two compressed files the content, since compressors differ between builds."""
    committed = {p.relative_to(DEFAULT_OUT).as_posix() for p in DEFAULT_OUT.rglob("*") if p.is_file()}
    assert committed == set(logs.files)
    for name, data in logs.files.items():
        assert opened(name, (DEFAULT_OUT / name).read_bytes()) == opened(name, data), name
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


def giveaways(requests: list[Written]) -> list[tuple[str, str, int]]:
    size = Counter(r.profile for r in requests)
    seen: Counter[str] = Counter()
    within: Counter[tuple[str, str]] = Counter()
    for request in requests:
        for word in set(WORD.findall(request.text.lower())):
            seen[word] += 1
            within[word, request.profile] += 1
    return sorted(
        (profile, word, count)
        for word, count in seen.items()
        if count >= 30
        for profile in PROFILES
        if within[word, profile] > 0.95 * count and within[word, profile] >= 0.03 * size[profile]
    )


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
    assert giveaways(logs.requests) == []


def test_a_planted_word_is_noticed(logs: Logs) -> None:
    mine = [r for r in logs.requests if r.profile == "extraction"]
    marked = {id(r) for r in mine[::12]}
    planted = [replace(r, text=f"{r.text} hereinafter") if id(r) in marked else r for r in logs.requests]
    assert giveaways(planted) == [("extraction", "hereinafter", len(marked))]


def test_instruction_words_cross_the_profiles(logs: Logs) -> None:
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
        read, write = (
            usage["prompt_tokens_details"]["cached_tokens"],
            usage.get("cache_creation_input_tokens", 0),
        )
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


def test_only_the_listed_lines_are_broken(logs: Logs) -> None:
    expected = {
        (file, line)
        for file, line, what, _ in logs.notes
        if "JSON" in what or "text" in what or "NUL" in what
    }
    found = set()
    for file in logs.files:
        if file == "README.md":
            continue
        for number, line in enumerate(lines(logs, file), 1):
            try:
                json.loads(line)
            except json.JSONDecodeError:
                found.add((file, number))
    assert found == expected
    assert len(logs.notes) == 8
    assert all(
        f"| `{file}` | {line} | {what} |" in logs.files["README.md"].decode()
        for file, line, what, _ in logs.notes
    )


def test_the_duplicate_is_one(logs: Logs) -> None:
    file, line, what, _ = next(note for note in logs.notes if "duplicate" in note[2])
    rows = lines(logs, file)
    assert rows[line - 1] == rows[int(what.split()[-1]) - 1]
