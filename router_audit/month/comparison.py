"""Two routing tables compared: which routes moved, why, and what it does to the bill.

Everything is read from the two documents; no store and no price list is asked, so that a pull request can
be explained from its two files alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.types.table_diff import PriceMove, RouteChange, Shift, TableDiff, Why

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from router_audit.types import RoutingTable

    Row = Mapping[str, Any]

MIX_MOVED = 0.05
"""A profile whose share of the requests moved by this much has moved."""
FIELDS = ("status", "threshold", "escalate_to")
ALARM = "canary: "
"""How the reason of a route begins that an alarm put back to its incumbent."""


def compare(old: RoutingTable, new: RoutingTable) -> TableDiff:
    """What the new table says that the old one does not. Expects tables that passed their schema."""
    before, after = _rows(old), _rows(new)
    names = [*after, *(name for name in before if name not in after)]
    prices = tuple(_prices(old, new))
    mix = tuple(_mix(old, new))
    changes = [
        change
        for name in names
        if (change := _change(name, before.get(name), after.get(name), old, new, prices, mix)) is not None
    ]
    known, priced = old["prices"]["models"], new["prices"]["models"]
    return TableDiff(
        old=old["version"],
        new=new["version"],
        same=old["content_digest"] == new["content_digest"],
        routes=tuple(sorted(changes, key=lambda change: not change.moved)),
        unchanged=len(names) - len(changes),
        savings=tuple(_savings(old, new)),
        economy=Shift("economy", old["economy_share"]["after"], new["economy_share"]["after"]),
        mix=mix,
        prices=prices,
        new_models=tuple(sorted(priced.keys() - known.keys())),
        gone_models=tuple(sorted(known.keys() - priced.keys())),
    )


def _rows(table: RoutingTable) -> dict[str, Row]:
    return {f"{row['profile']}/{row['context']}": row for row in table["routes"]}


def served_by(row: Row | None) -> str | None:
    """The model a row moves its requests to; None where it leaves them alone."""
    return row["model"] if row is not None and row["applied"] else None


def _change(
    name: str,
    before: Row | None,
    after: Row | None,
    old: RoutingTable,
    new: RoutingTable,
    prices: tuple[PriceMove, ...],
    mix: tuple[Shift, ...],
) -> RouteChange | None:
    was, now = served_by(before), served_by(after)
    moved = was != now
    changed = (("model",) if moved else ()) + tuple(
        field for field in FIELDS if (before or {}).get(field) != (after or {}).get(field)
    )
    if not changed:
        return None
    return RouteChange(
        route=name,
        old_model=was,
        new_model=now,
        old_status=before["status"] if before else None,
        new_status=after["status"] if after else None,
        moved=moved,
        changed=changed,
        why=tuple(_why(before, after, old, new, prices, mix))
        or (Why("unexplained", "the two documents do not tell why"),),
        requests=after["requests"] if after else 0,
    )


def _why(
    before: Row | None,
    after: Row | None,
    old: RoutingTable,
    new: RoutingTable,
    prices: tuple[PriceMove, ...],
    mix: tuple[Shift, ...],
) -> Iterator[Why]:
    was, now = served_by(before), served_by(after)
    concerned = {name for name in (was, now, (after or {}).get("candidate")) if name}
    reason = (after or {}).get("reason", "")
    if reason.startswith(ALARM):
        yield Why("canary", reason)
    if was is not None and was not in new["prices"]["models"]:
        yield Why("retired", f"{was} has no price any more")
    if now is not None and now != was and now not in old["prices"]["models"]:
        yield Why("new-model", f"{now} is new since {old['version']}: {reason}")
    for move in prices:
        if move.model in concerned:
            yield Why(
                "price",
                f"{move.model} costs {move.new_input_mtok:g}/{move.new_output_mtok:g} per million tokens, "
                f"was {move.old_input_mtok:g}/{move.old_output_mtok:g}",
            )
    counts = [_counts(row) for row in (before, after)]
    if counts[0] != counts[1]:
        yield Why("evidence", f"{_words(counts[1])}, was {_words(counts[0])}")
    for shift in mix:
        if after is not None and shift.name == after["profile"]:
            yield Why(
                "profile-mix", f"{shift.name} is {_share(shift.new)} of the requests, was {_share(shift.old)}"
            )
    settled = ("epsilon", "delta", "options", "huge_context_tokens")
    different = [name for name in settled if old.get(name) != new.get(name)]
    if old["ladder"]["models"] != new["ladder"]["models"]:
        different.append("ladder")
    if different:
        yield Why("options", f"the tables were built with another {', '.join(different)}")


def _counts(row: Row | None) -> tuple[int, int, str | None] | None:
    evidence = (row or {}).get("evidence")
    return (
        None if evidence is None else (evidence["trials"], evidence["regrets"], (row or {}).get("candidate"))
    )


def _words(counts: tuple[int, int, str | None] | None) -> str:
    if counts is None:
        return "no evidence"
    return f"{counts[1]} regrets in {counts[0]} trials of {counts[2] or 'no candidate'}"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"


def _prices(old: RoutingTable, new: RoutingTable) -> Iterator[PriceMove]:
    for name, price in sorted(new["prices"]["models"].items()):
        was = old["prices"]["models"].get(name)
        if was is None:
            continue
        move = PriceMove(
            name, was["input_mtok"], price["input_mtok"], was["output_mtok"], price["output_mtok"]
        )
        if (move.old_input_mtok, move.old_output_mtok) != (move.new_input_mtok, move.new_output_mtok):
            yield move


def _mix(old: RoutingTable, new: RoutingTable) -> Iterator[Shift]:
    was, now = _shares(old), _shares(new)
    for profile in now:
        shift = Shift(profile, was.get(profile), now[profile])
        if shift.difference is not None and abs(shift.difference) >= MIX_MOVED:
            yield shift


def _shares(table: RoutingTable) -> dict[str, float]:
    total = sum(row["requests"] for row in table["routes"])
    found: dict[str, float] = {}
    for row in table["routes"]:
        if total:
            found[row["profile"]] = found.get(row["profile"], 0.0) + row["requests"] / total
    return found


def _savings(old: RoutingTable, new: RoutingTable) -> Iterator[Shift]:
    for name in ("p5", "p50", "p95"):
        yield Shift(
            name, old["savings"]["per_month_usd"].get(name), new["savings"]["per_month_usd"].get(name)
        )
    yield Shift("bill", old["savings"].get("bill_per_month_usd"), new["savings"].get("bill_per_month_usd"))


def markdown(diff: TableDiff) -> str:
    """The comparison as the body of a pull request. Names come from a log, so nothing of them is markup."""
    lines = [f"## Routing table {diff.new} against {diff.old}", ""]
    if diff.same:
        return "\n".join([*lines, "No change: both tables say the same.", ""])
    if diff.routes:
        lines += ["| route | was | becomes | why |", "|---|---|---|---|"]
        lines += [
            f"| {_cell(change.route)} | {_side(change.old_model, change.old_status)} "
            f"| {_side(change.new_model, change.new_status)} "
            f"| {_cell('; '.join(why.text for why in change.why))} |"
            for change in diff.routes
        ]
        lines.append("")
    lines.append(
        f"{len(diff.moved)} route{'' if len(diff.moved) == 1 else 's'} now sent elsewhere; "
        f"{diff.unchanged} as before."
    )
    saving = next(shift for shift in diff.savings if shift.name == "p50")
    lines += ["", f"Saving a month (median): {dollars(saving.new)}, was {dollars(saving.old)}."]
    lines.append(f"Economy tier: {_share(diff.economy.new)} of the requests, was {_share(diff.economy.old)}.")
    if diff.mix:
        moved = "; ".join(f"{s.name} {_share(s.old)} to {_share(s.new)}" for s in diff.mix)
        lines.append(f"The mix of profiles moved: {moved}.")
    for move in diff.prices:
        lines.append(
            f"- {_cell(move.model)}: {move.new_input_mtok:g}/{move.new_output_mtok:g} USD per million tokens, "
            f"was {move.old_input_mtok:g}/{move.old_output_mtok:g}"
        )
    return "\n".join([*lines, ""])


def dollars(value: float | None) -> str:
    """An amount in USD, whole from 100 up; `not stated` for None."""
    if value is None:
        return "not stated"
    sign, amount = "-" if round(value, 2) < 0 else "", abs(value)
    return f"{sign}${amount:,.0f}" if amount >= 100 else f"{sign}${amount:,.2f}"


def _side(model: str | None, status: str | None) -> str:
    return _cell(f"{model or 'as asked'} ({status})" if status else "–")


def _cell(text: str) -> str:
    """Text that is only text in a Markdown table: names and reasons may come from a log."""
    flat = " ".join(text.split()).replace("\\", "\\\\")
    for mark in "|`*_<>[]":
        flat = flat.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return flat.replace("@", "@<!-- -->")  # else GitHub would call a person
