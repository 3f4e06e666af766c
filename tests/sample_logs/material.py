"""The hand-written material and the slots that make each use of it different."""

from __future__ import annotations

import re
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

HERE = Path(__file__).parent
PLACEHOLDER = re.compile(r"\{([a-z_0-9]+(?::[a-z]+:\d+)?)\}")
MASKS = {
    "name": "[NAME]",
    "first": "[NAME]",
    "email": "[EMAIL]",
    "phone": "[PHONE]",
    "street": "[ADDRESS]",
    "city": "[ADDRESS]",
    "order": "[REF]",
    "claim": "[REF]",
    "policy": "[REF]",
    "tracking": "[REF]",
    "inv": "[REF]",
    "plate": "[REF]",
    "card": "[CARD]",
    "apikey": "[KEY]",
    "iban": "[REF]",
}


def read(name: str) -> dict[str, Any]:
    with (HERE / f"{name}.toml").open("rb") as f:
        return tomllib.load(f)


def euro(cents: int) -> str:
    return f"€{cents // 100:,}.{cents % 100:02d}"


def plain(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


class Material:
    def __init__(self) -> None:
        self.fragments = read("fragments")
        self.slots = read("slots")
        self.house = read("house")
        self.tools = read("tools")
        huge = read("huge")
        self.bundles: list[str] = huge["bundles"]
        self.kinds: list[dict[str, Any]] = []
        for profile in ("classification", "extraction", "reasoning", "coordination"):
            self.kinds += [{**kind, "profile": profile} for kind in read(profile)["kind"]]
        self.kinds += [{**kind, "huge": True} for kind in huge["kind"]]
        self.sessions: list[dict[str, Any]] = read("agent_sessions")["session"]

    def draw(self, rng: random.Random, today: date) -> dict[str, str]:
        """One value for each slot: sums agree with one another, dates with the day of the request."""
        out = {
            key: rng.choice(self.slots[key])
            for key in (
                "item",
                "city",
                "street",
                "carrier",
                "vendor",
                "service",
                "host",
                "plate",
                "card",
                "iban",
                "name",
            )
        }
        out["first"] = out["name"].split()[0]
        plain_first = out["first"].lower().replace("é", "e").replace("á", "a")
        out["email"] = f"{plain_first}{rng.randint(2, 98)}@{rng.choice(self.slots['mail_domain'])}"
        out["phone"] = f"+44 1632 960{rng.randint(100, 999)}"
        day = today - timedelta(days=rng.randint(2, 24))
        written = rng.choice(["%Y-%m-%d", "%d.%m.%Y", "%d %B", "%d/%m/%Y"])
        out["date"] = day.strftime(written)
        out["date0"] = (day - timedelta(days=rng.randint(1, 20))).strftime(written)
        out["date2"] = (today + timedelta(days=rng.randint(3, 30))).strftime(written)
        out["stamp"] = f"{today}T{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:07Z"
        out["order"] = f"HF-{rng.randint(70500, 98999)}"
        out["claim"] = f"C-{rng.randint(410000, 499999)}"
        out["policy"] = f"P{rng.randint(10, 99)}-{rng.randint(100000, 999999)}"
        out["inv"] = rng.choice(["RE-2026-{}", "INV{}", "26/{}", "F-{}"]).format(rng.randint(1000, 9999))
        out["tracking"] = f"{rng.choice(['NP', 'PW', 'SV', 'KH'])}{rng.randint(10**9, 10**10 - 1)}"
        out["hex"] = f"{rng.getrandbits(32):08x}"
        out["apikey"] = f"sk_live_EXAMPLE{rng.getrandbits(64):016x}"
        out["n"] = str(rng.randint(21, 190))
        amount, excess = rng.randint(60000, 900000), rng.choice([150, 200, 250, 300]) * 100
        smaller = rng.randint(2900, 24000)
        net = rng.randint(20000, 400000) // 100 * 100
        out |= {
            "amount": euro(amount),
            "amount2": euro(smaller),
            "each": euro(smaller // 6),
            "excess": euro(excess),
            "excess2": euro(2 * excess),
            "paid": euro(amount - excess),
            "paid2": euro(amount - 2 * excess),
            "minus400": euro(amount - 40000),
            "net": euro(net),
            "vat": euro(net // 5),
            "total": euro(net + net // 5),
            "net_plain": plain(net),
            "total_plain": plain(net + net // 5),
        }
        return out

    def fill(self, text: str, slots: dict[str, str]) -> str:
        def one(found: re.Match[str]) -> str:
            key = found.group(1)
            if key.startswith("frag:"):
                _, pool, index = key.split(":")
                return self.fill(self.fragments[pool][int(index)]["t"], slots)
            return slots.get(key, found.group(0))

        return PLACEHOLDER.sub(one, text)
