"""Canary pairs out of a gateway's log, graded, and counted once each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from router_audit.files.trials import trial_id
from router_audit.graders import grade
from router_audit.policy import cell_of
from router_audit.stages.canary.judging import judge_of
from router_audit.stages.replay.plan import bodies, labels_of, task_of
from router_audit.stages.replay.requests import logged_reply
from router_audit.stages.trials import add_trials
from router_audit.types.grading import EVIDENCE_LADDER, Grade, rung_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    import polars as pl

    from router_audit.stages.canary.options import CanaryOptions
    from router_audit.store import Store
    from router_audit.types import Profile

CHUNK = 500
FAILED = "one of the two calls failed"
NO_RULE = "no rule applies: name a --judge, or import human grades"


def grade_pairs(store: Store, options: CanaryOptions) -> tuple[int, dict[str, int]]:
    """Grade every pair of the log that has no grade; how many were graded, and why others were not.

    Grades are stored chunk by chunk, so a check that is stopped loses at most one chunk's work.
    """
    waiting = store.query("canary_ungraded")
    judge = judge_of(store, options)
    graded, reasons = 0, Counter[str]()
    for part in waiting.iter_slices(CHUNK):
        rows = part.to_dicts()
        whole = bodies(store, [row[name] for row in rows for name in ("request_id", "shadow_id")])
        labels = labels_of(store, {whole[row["request_id"]]["template_id"] for row in rows})
        said: dict[str, Grade | str] = {}
        for row in rows:
            said[row["request_id"]] = _by_rule(row, whole, labels, judged=judge is not None)
        if judge is not None:
            said |= judge.verdicts([row for row in rows if said[row["request_id"]] == NO_RULE], whole)
        trials = []
        for row in rows:
            found = said[row["request_id"]]
            if isinstance(found, Grade):
                trials.append(_trial(row, found))
            else:
                reasons[found] += 1
        with store.transaction():
            add_trials(store, trials)
        graded += len(trials)
    if judge is not None:
        judge.model.client.close()
    return graded, dict(sorted(reasons.items()))


def _by_rule(
    row: Mapping[str, Any],
    whole: Mapping[str, dict[str, Any]],
    labels: Mapping[str, frozenset[str]],
    *,
    judged: bool,
) -> Grade | str:
    if row["shadow_failed"] or row["answer_failed"]:
        return FAILED
    answer, shadow = whole[row["request_id"]], whole[row["shadow_id"]]
    profile = cast("Profile", row["profile"])
    found = grade(task_of(answer, profile, labels), logged_reply(answer), logged_reply(shadow))
    if isinstance(found, Grade):
        return found
    return found.settled if judged and found.settled is not None else NO_RULE


def _trial(row: Mapping[str, Any], said: Grade) -> dict[str, Any]:
    return {
        "trial_id": trial_id(row["request_id"], row["model"], said.grader),
        "request_id": row["request_id"],
        "profile": row["profile"],
        "huge_context": row["context"] == "huge",
        "candidate": row["model"],
        "candidate_ok": said.candidate_ok,
        "incumbent_ok": said.incumbent_ok,
        "grader": said.grader,
        "candidate_latency_ms": row["latency_ms"],
        "origin": "canary",
    }


def count_pairs(store: Store, *, today: date, huge_context_tokens: int) -> int:
    """Give each graded pair its day in the test; how many have no profile and are in no test.

    A pair counts on the day of its request, or on the last day already counted where that is later: what is
    known late is not bet on in hindsight. Of several grades of one pair the best rung of the evidence
    ladder counts; where that rung is of two minds, the pair is a tie.
    """
    import polars as pl

    latest = store.query("latest_classifier")
    frame = store.query(
        "canary_uncounted",
        classifier=latest["version"][0] if latest.height else "",
        huge_context_tokens=huge_context_tokens,
    )
    last = {(route, model): day for route, model, day in store.query("canary_last_days").iter_rows()}
    epochs = Counter(
        (row["route"], row["model"])
        for row in store.query("canary_alarms").iter_rows(named=True)
        if row["cleared"] is not None
    )
    rows, unplaced = [], 0
    for records in _by_pair(frame):
        row = records[0]
        if row["profile"] is None:
            unplaced += 1
            continue
        route = "/".join(cell_of(row["profile"], huge=row["huge_context"]))
        key = (route, row["model"])
        grader, difference = _settled(records)
        day = row["day"] or today
        rows.append(
            {
                "request_id": row["request_id"],
                "route": route,
                "model": row["model"],
                "epoch": epochs[key],
                "day": max(day, last.get(key, day)),
                "difference": difference,
                "grader": grader,
                "table_version": row["table_version"],
            }
        )
    if rows:
        with store.transaction():
            store.append(
                "canary_pairs",
                pl.DataFrame(rows, schema_overrides={"table_version": pl.String}),
                on_conflict="ignore",
            )
    return unplaced


def _by_pair(frame: pl.DataFrame) -> Iterator[list[dict[str, Any]]]:
    for _, part in frame.group_by("request_id", "model", maintain_order=True):
        yield part.to_dicts()


def _settled(records: Sequence[Mapping[str, Any]]) -> tuple[str, int]:
    """The grader that counts, and the pair's difference: 1 where the routed model alone failed."""
    best = min(EVIDENCE_LADDER.index(rung_of(row["grader"])) for row in records)
    counted = [row for row in records if EVIDENCE_LADDER.index(rung_of(row["grader"])) == best]
    said = {int(row["incumbent_ok"]) - int(row["candidate_ok"]) for row in counted}
    return str(counted[0]["grader"]), said.pop() if len(said) == 1 else 0
