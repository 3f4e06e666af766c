"""The builtin labeller: offline, without a key, from numbers trained ahead of time."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from router_audit.builtin.features import BUILTIN, build_features, view_prompts
from router_audit.classifier.fit import Prediction, predict
from router_audit.classifier.head import Head, load_head
from router_audit.errors import UserError
from router_audit.recipe.view import RECIPE_VERSION, PromptView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.builtin.features import FloatArray

HEAD_FOLDER = Path(__file__).parent / "builtin_head"
NO_TEXT = "no text"
_BATCH = 4096


class BuiltinLabeller:
    """Tells the profile of prompt records; the one forward pass is of the sentence that orders, each sentence once."""

    name = "builtin"

    def __init__(self, folder: Path = HEAD_FOLDER) -> None:
        head = _load(folder)
        if head.about.get("recipe") != RECIPE_VERSION:
            raise UserError(
                f"{folder}: trained with text recipe {head.about.get('recipe')!r}, this version has {RECIPE_VERSION!r}; train it again"
            )
        self.head = head.form()
        self.version = head.version

    def judge(self, views: Sequence[PromptView], features: FloatArray) -> list[Prediction]:
        """Return one Prediction per view; `features` (n, columns) are what `build_features` made of them."""
        return [
            verdict if view.has_text else replace(verdict, abstained=NO_TEXT)
            for view, verdict in zip(views, predict(self.head, features), strict=True)
        ]

    def label(self, records: Sequence[Mapping[str, object]]) -> list[Prediction]:
        """Return one Prediction per record (profile, calibrated probability, reason to abstain or "").

        Records that read alike after the recipe are decided once. A record without any text abstains.
        """
        verdicts: dict[tuple[str, str, tuple[float, ...]], Prediction] = {}
        result: list[Prediction] = []
        for start in range(0, len(records), _BATCH):
            views = view_prompts(records[start : start + _BATCH])
            keys = [(view.instruction, view.order, view.features) for view in views]
            fresh = {key: view for key, view in zip(keys, views, strict=True) if key not in verdicts}
            if fresh:
                unseen = list(fresh.values())
                judged = self.judge(unseen, build_features(unseen, None, form="full"))
                verdicts.update(zip(fresh, judged, strict=True))
            result.extend(verdicts[key] for key in keys)
        return result


@lru_cache(maxsize=4)
def _load(folder: Path) -> Head:
    head = load_head(folder)
    if any(member.stop > BUILTIN[1] for member in head.members):
        raise UserError(f"{folder}: the head does not fit this version's features; train it again")
    return head
