"""The numbers of a trained classifier, and their file form: JSON and plain arrays, never pickle."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from router_audit.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

FORMAT = 1
Form = Literal["", "full", "light"]
"""Which form of a head a member is part of; empty: of both."""


@dataclass(frozen=True)
class Layer:
    """One affine map: `weight` (inputs, outputs) and `bias` (outputs,)."""

    weight: FloatArray
    bias: FloatArray


@dataclass(frozen=True)
class Member:
    """One voter: the feature columns [start, stop) it reads, how it scales them, and its layers (ReLU between)."""

    start: int
    stop: int
    mean: FloatArray
    scale: FloatArray
    layers: tuple[Layer, ...]
    share: float = 1.0
    form: Form = ""


@dataclass(frozen=True)
class Neighbours:
    """A voter by likeness: training rows near the new row vote with weights that fall off exponentially."""

    start: int
    stop: int
    axes: FloatArray
    """(stop - start, k): the directions in which rows are compared, after which they are scaled to length 1 again."""
    points: NDArray[np.int8]
    """(m, k) training rows along the axes, in steps of `step`."""
    step: float
    votes: FloatArray
    """(m, classes) weight of each row for each class."""
    reach: float
    """Difference in cosine at which a vote falls to 1/e."""
    share: float = 1.0
    form: Form = ""

    @cached_property
    def unit_points(self) -> FloatArray:
        """`points` as (k, m) float32, worked out once: a live decision has no time for it.

        One point a column: so a single row reads it straight through, in a third of the time.
        """
        import numpy as np

        scaled: FloatArray = np.ascontiguousarray(self.points.T).astype(np.float32) * np.float32(self.step)
        return scaled

    def placed(self, rows: FloatArray) -> FloatArray:
        """Return rows (n, stop - start) along the axes: (n, k), of length 1, or 0 where a row was."""
        import numpy as np

        along = rows @ self.axes
        lengths = np.sqrt((along * along).sum(axis=1, keepdims=True))
        scaled: FloatArray = along / np.maximum(lengths, np.float32(1e-9))
        return scaled


@dataclass(frozen=True)
class Head:
    """A trained classifier as numbers: members whose log-probabilities are averaged, then divided by a temperature."""

    classes: tuple[str, ...]
    members: tuple[Member | Neighbours, ...]
    temperature: float = 1.0
    light_temperature: float = 1.0
    minimum_probability: float = 0.0
    prototypes: FloatArray | None = None
    """(m, d) rows of the training features, to measure how far a new row lies from all of them; None = not measured."""
    maximum_distance: float = float("inf")
    about: dict[str, Any] = field(default_factory=dict)
    """Provenance: encoder, recipe version, seed, sources."""

    def form(self, *, light: bool = False) -> Head:
        """Return the head without the members of the other form, and with the temperature of this one."""
        other = "full" if light else "light"
        return replace(
            self,
            members=tuple(member for member in self.members if member.form != other),
            temperature=self.light_temperature if light else self.temperature,
        )

    @property
    def version(self) -> str:
        """Content hash of the numbers and the settings, 16 hex digits."""
        digest = hashlib.sha256()
        metadata, arrays = _pack(self)
        digest.update(json.dumps(metadata, sort_keys=True).encode())
        for name in sorted(arrays):
            digest.update(name.encode())
            digest.update(arrays[name].tobytes())
        return digest.hexdigest()[:16]


def save_head(head: Head, folder: Path) -> None:
    """Write `head.json` and `head.npz` (no pickle) into `folder`; the same head gives the same bytes."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    metadata, arrays = _pack(head)
    document = {**metadata, "version": head.version}
    (folder / "head.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    with (folder / "head.npz").open("wb") as file:
        np.savez(file, **{name: arrays[name] for name in sorted(arrays)})


def load_head(folder: Path) -> Head:
    """Read a head written by `save_head`; a missing, changed or foreign file is a UserError."""
    try:
        document = json.loads((folder / "head.json").read_text(encoding="utf-8"))
        head = unpack_head(document, (folder / "head.npz").read_bytes())
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(f"{folder}: not a readable classifier: {error}") from error
    if document.get("version") != head.version:
        raise UserError(
            f"{folder}: the classifier's numbers do not match its version {document.get('version')!r}; train it again"
        )
    return head


def pack_head(head: Head) -> tuple[dict[str, Any], bytes]:
    """Return a head as JSON metadata and the bytes of an npz without pickle."""
    import io

    import numpy as np

    metadata, arrays = _pack(head)
    buffer = io.BytesIO()
    np.savez(buffer, **{name: arrays[name] for name in sorted(arrays)})
    return metadata, buffer.getvalue()


def unpack_head(metadata: dict[str, Any], arrays: bytes) -> Head:
    """Return the head that `pack_head` took apart; ValueError, KeyError or TypeError where it is none."""
    import io

    import numpy as np

    if metadata.get("format") != FORMAT:
        raise ValueError(f"format {metadata.get('format')!r}, expected {FORMAT}")
    with np.load(io.BytesIO(arrays), allow_pickle=False) as stored:
        found = {name: np.asarray(stored[name]) for name in stored.files}
    distance = metadata["maximum_distance"]
    return Head(
        tuple(metadata["classes"]),
        tuple(_unpack_member(entry, found) for entry in metadata["members"]),
        float(metadata["temperature"]),
        float(metadata.get("light_temperature", 1.0)),
        float(metadata["minimum_probability"]),
        found.get("prototypes"),
        float("inf") if distance is None else float(distance),
        dict(metadata["about"]),
    )


def _pack(head: Head) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a head into JSON metadata and named arrays."""
    arrays: dict[str, Any] = {}
    members = []
    for number, member in enumerate(head.members):
        prefix = f"m{number}_"
        entry: dict[str, Any] = {
            "name": prefix,
            "start": member.start,
            "stop": member.stop,
            "share": member.share,
            "form": member.form,
        }
        if isinstance(member, Neighbours):
            arrays[prefix + "points"], arrays[prefix + "votes"] = member.points, member.votes
            arrays[prefix + "axes"] = member.axes
            entry |= {"kind": "neighbours", "step": member.step, "reach": member.reach}
        else:
            arrays[prefix + "mean"], arrays[prefix + "scale"] = member.mean, member.scale
            for depth, layer in enumerate(member.layers):
                arrays[f"{prefix}w{depth}"], arrays[f"{prefix}b{depth}"] = layer.weight, layer.bias
            entry |= {"kind": "layers", "layers": len(member.layers)}
        members.append(entry)
    if head.prototypes is not None:
        arrays["prototypes"] = head.prototypes
    distance = None if head.maximum_distance == float("inf") else head.maximum_distance
    metadata = {
        "format": FORMAT, "classes": list(head.classes), "members": members, "temperature": head.temperature, "light_temperature": head.light_temperature,
        "minimum_probability": head.minimum_probability, "maximum_distance": distance, "about": head.about,
    }  # fmt: skip
    return metadata, arrays


def _unpack_member(entry: dict[str, Any], arrays: dict[str, Any]) -> Member | Neighbours:
    prefix, start, stop, share = entry["name"], int(entry["start"]), int(entry["stop"]), float(entry["share"])
    if entry["kind"] == "neighbours":
        return Neighbours(
            start,
            stop,
            arrays[prefix + "axes"],
            arrays[prefix + "points"],
            float(entry["step"]),
            arrays[prefix + "votes"],
            float(entry["reach"]),
            share,
            entry.get("form", ""),
        )
    layers = tuple(
        Layer(arrays[f"{prefix}w{depth}"], arrays[f"{prefix}b{depth}"]) for depth in range(entry["layers"])
    )
    return Member(
        start, stop, arrays[prefix + "mean"], arrays[prefix + "scale"], layers, share, entry.get("form", "")
    )
