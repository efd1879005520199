"""
One gzip member out of pieces that were deflated apart, so that only what changed is deflated.

Every piece ends with a full flush and therefore stands alone. One member and never several: curl
stops after the first.
"""

import struct
import zlib
from collections.abc import Iterable

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""Magic, deflate, no flags, no time, fastest algorithm, unknown system (RFC 1952)."""
_END = b"\x03\x00"
"""An empty last block (RFC 1951)."""


class Piece:
    """Some bytes of a page, and their deflated form, which is made when it is first asked for."""

    __slots__ = ("_deflated", "data")

    def __init__(self, data: bytes) -> None:
        """Hold `data`."""
        self.data = data
        self._deflated: bytes | None = None

    @property
    def deflated(self) -> bytes:
        """The raw deflate blocks; safe to ask for in a thread, at worst they are made twice."""
        if self._deflated is None:
            self._deflated = deflate(self.data)
        return self._deflated


class Member:
    """Pieces made ready for gzip: their deflated forms and the checksum, without the end."""

    __slots__ = ("_blocks", "_checksum", "_size")

    def __init__(self, pieces: Iterable[Piece]) -> None:
        """Deflate what is not yet; this takes long and may run in a thread."""
        blocks = [_HEADER]
        checksum = size = 0
        for piece in pieces:
            blocks.append(piece.deflated)
            checksum = zlib.crc32(piece.data, checksum)
            size += len(piece.data)
        self._blocks = tuple(blocks)
        self._checksum = checksum
        self._size = size

    def ended(self, tail: bytes) -> tuple[bytes, ...]:
        """Return the whole member, with `tail` as the last of its content."""
        checksum = zlib.crc32(tail, self._checksum)
        size = (self._size + len(tail)) & 0xFFFFFFFF
        return (*self._blocks, deflate(tail), _END + struct.pack("<II", checksum, size))


def deflate(data: bytes) -> bytes:
    """Return raw deflate blocks that can be followed by others."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush(zlib.Z_FULL_FLUSH)
