"""Bytes of a file, whatever it is compressed or encoded with."""

from __future__ import annotations

import bz2
import codecs
import io
import sys
import zlib
from typing import TYPE_CHECKING, Any, Protocol, cast

import zstandard

from router_audit.errors import InputError
from router_audit.logfile.paths import STDIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from router_audit.logfile.paths import Source

HEAD = 64 * 1024
"""Bytes that are looked at to tell what a file is."""

BROKEN = (EOFError, OSError, zlib.error, zstandard.ZstdError)
"""What a stream raises that breaks off or is damaged."""

_BUFFER = 1024 * 1024
_READ = 128 * 1024
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class _Decompressor(Protocol):
    """What zlib, bz2 and zstandard share."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class Stream(io.RawIOBase):
    """A raw stream over a `read(size)` function, with a head that can be looked at first.

    Everything that came before a failure is handed out before the failure is raised.
    """

    def __init__(self, read: Callable[[int], bytes], *, packed: bool = False) -> None:
        self.packed = packed
        self._read = read
        self._ready = b""
        self._failure: Exception | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def head(self, size: int) -> bytes:
        """The first `size` bytes, or all there are; they stay to be read. Raises where not one can be read."""
        made = bytearray(self._ready)
        while len(made) < size and self._failure is None:
            try:
                block = self._read(size)
            except BROKEN as error:
                self._failure = error
                break
            if not block:
                break
            made += block
        self._ready = bytes(made)
        if self._failure is not None and not made:
            raise self._failure
        return self._ready[:size]

    def readinto(self, buffer: Buffer) -> int:
        """Fill the buffer with what is there; 0 at the end."""
        view = memoryview(buffer)
        if not self._ready:
            if self._failure is not None:
                raise self._failure
            self._ready = self._read(max(_READ, len(view)))
        size = min(len(view), len(self._ready))
        view[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size


def _unpacker(read: Callable[[int], bytes], make: Callable[[], _Decompressor]) -> Callable[[int], bytes]:
    """A read function over compressed bytes; several members or frames in a row are one stream."""
    member: _Decompressor | None = None
    rest = b""

    def unpacked(_: int) -> bytes:
        nonlocal member, rest
        while True:
            raw = rest or read(_READ)
            rest = b""
            if not raw:
                if member is not None:
                    raise EOFError("the compressed stream is cut short")
                return b""
            if member is None:
                if not raw.strip(b"\x00"):
                    continue  # padding after the last member
                member = make()
            made = member.decompress(raw)
            if member.eof:
                rest = member.unused_data
                member = None
            if made:
                return made

    return unpacked


def _utf8(read: Callable[[int], bytes], encoding: str) -> Callable[[int], bytes]:
    """A read function over text of another encoding, re-encoded as UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")

    def encoded(size: int) -> bytes:
        while True:
            raw = read(size)
            text = decoder.decode(raw, final=not raw)
            if text or not raw:
                return text.encode("utf-8", "replace")

    return encoded


def _remote(url: str) -> Any:
    try:
        import fsspec
    except ImportError:
        raise InputError(
            "reading from a URL needs fsspec (pip install fsspec, and s3fs, gcsfs or adlfs for its store);"
            " or copy the files here first",
            where=url,
        ) from None
    try:
        return fsspec.open(url, "rb").open()
    except (ImportError, ValueError) as error:
        raise InputError(f"this kind of URL cannot be read here ({error})", where=url) from None


def open_plain(source: Source) -> Any:
    """The file itself, open for reading bytes; raises OSError or InputError where it cannot be opened."""
    if source.path == STDIN:
        return sys.stdin.buffer
    if "://" in source.path:
        return _remote(source.path)
    return open(source.path, "rb", buffering=0)  # noqa: PTH123  the caller closes it


def compression(head: bytes) -> Callable[[], _Decompressor] | None:
    """A maker of decompressors for gz, zst or bz2, by magic bytes; None for plain bytes."""
    if head.startswith(b"\x1f\x8b"):
        return lambda: zlib.decompressobj(31)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return lambda: cast("_Decompressor", zstandard.ZstdDecompressor().decompressobj())
    if head.startswith(b"BZh"):
        return bz2.BZ2Decompressor
    return None


def unpack(file: Any) -> tuple[Stream, bytes]:
    """The stream decompressed and in UTF-8, and its head. Damage shows while it is read, as one of BROKEN."""
    stream = Stream(getattr(file, "read1", file.read))
    make = compression(stream.head(8))
    if make is not None:
        plain = stream
        stream = Stream(_unpacker(plain.read, make), packed=True)
    head = stream.head(HEAD)
    if head[:2] in _UTF16:
        inner = stream
        stream = Stream(_utf8(inner.read, "utf-16"), packed=True)
        head = stream.head(HEAD)
    return stream, head


def buffered(stream: Stream) -> io.BufferedReader:
    """The stream with fast lines."""
    return io.BufferedReader(stream, _BUFFER)
