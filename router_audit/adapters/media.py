"""Images and files in a content block of whatever shape, as kind, size and hash."""

from __future__ import annotations

from typing import Any

from router_audit.adapters.messages import blob
from router_audit.types import Part

_KINDS = ("image", "audio", "video")
_HOLDERS = ("inlineData", "inline_data", "fileData", "file_data", "image_url", "input_audio", "file", "image",
            "document", "video", "audio", "source")  # fmt: skip


def media_token(text: str) -> Part | None:
    """The part a tracer's stand-in for uploaded media names, or None for other text."""
    if text.startswith("data:") and ";base64," in text[:200]:
        return blob(text)
    if text.startswith("@@@langfuseMedia:"):
        mime = text.partition("type=")[2].partition("|")[0] or None
        return Part("blob", modality=_modality(mime), mime_type=mime)
    return None


def blob_in(block: dict[str, Any]) -> Part | None:
    """The image, audio or file in a content block, as kind, size and hash."""
    kind = block.get("type") if isinstance(block.get("type"), str) else None
    if block.get("type") == "braintrust_attachment":
        mime = _named(block, "content_type")
        return Part("blob", name=_named(block, "filename"), mime_type=mime, modality=_modality(mime))
    for key in _HOLDERS:
        held = block.get(key)
        if key == "file" and kind not in {"file", "input_file"}:
            continue
        if isinstance(held, dict) and isinstance(held.get("url"), dict):
            held = held["url"]
        if isinstance(held, dict) and held.get("type") == "braintrust_attachment":
            return blob_in(held)
        if isinstance(held, dict):
            source = held["source"] if isinstance(held.get("source"), dict) else held
            data = next(
                (source[k] for k in ("data", "bytes", "url", "file_data", "fileUri") if source.get(k)), None
            )
            mime = _named({**held, **source}, "mimeType", "mime_type", "media_type", "format")
            return blob(data, _modality(f"{mime} {kind or key}"), mime)
        if isinstance(held, str) and (kind or key != "source"):
            return blob(
                held, _modality(f"{kind or key}"), _named(block, "mediaType", "mimeType", "media_type")
            )
    if kind in {"image", "input_image", "input_file", "file", "media"}:
        return blob(block.get("data"), _modality(str(kind)), _named(block, "mediaType", "mimeType"))
    return None


def _modality(hint: str | None) -> str:
    lowered = (hint or "").lower()
    found = next((kind for kind in _KINDS if kind in lowered), None)
    return found or ("document" if "document" in lowered or "pdf" in lowered or lowered == "txt" else "file")


def _named(block: dict[str, Any], *keys: str) -> str | None:
    return next((str(block[key]) for key in keys if isinstance(block.get(key), (str, int))), None)
