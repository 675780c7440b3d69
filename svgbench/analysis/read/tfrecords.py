"""The records of an event file: framed, and checked against their checksums.

A record is its length (uint64, little endian), a checksum of these eight bytes, the data, and a checksum of the data.
A checksum is a masked CRC-32C. Source: tensorboard, summary/writer/record_writer.py. The library's own reader ends
silently at a record that is torn; here it is an error.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = np.uint32(0x82F63B78)  # CRC-32C, reflected
_MASK = np.uint32(0xA282EAD8)
_BATCH = 4096  # pieces that are checked at one time
CUT = "is cut; is the run still being written?"


class TornRecordError(Exception):
    """A record, counted from 1, that is cut or damaged."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"event {number} {why}")


def records(data: bytes) -> Iterator[bytes]:
    """The data of every record. Raises TornRecordError for the first that is not whole."""
    at = done = 0
    batch: list[tuple[bytes, int]] = []  # two pieces per record, with their checksums
    while at < len(data):
        whole = len(data) - at >= 12
        length, checksum = struct.unpack_from("<QI", data, at) if whole else (0, 0)
        end = at + 12 + length
        if not whole or end + 4 > len(data):
            if whole:
                batch.append((data[at : at + 8], checksum))
            _check(batch, done)
            raise TornRecordError(done + len(batch) // 2 + 1, CUT)
        batch += [(data[at : at + 8], checksum), (data[at + 12 : end], struct.unpack_from("<I", data, end)[0])]
        at = end + 4
        if len(batch) >= _BATCH:
            yield from _check(batch, done)
            done, batch = done + len(batch) // 2, []
    yield from _check(batch, done)


def framed(pieces: Sequence[bytes]) -> bytes:
    """The records of these pieces of data, ready to be appended to an event file."""
    if not pieces:
        return b""
    lengths = [struct.pack("<Q", len(piece)) for piece in pieces]
    of_lengths, of_data = (_masked(parts).tolist() for parts in (lengths, pieces))
    each = zip(lengths, of_lengths, pieces, of_data, strict=True)
    return b"".join(n + struct.pack("<I", check) + piece + struct.pack("<I", sum_) for n, check, piece, sum_ in each)


def _check(batch: list[tuple[bytes, int]], done: int) -> list[bytes]:
    """The data of the batch's records, if all pieces fit their checksums; `done` records stand before them."""
    if not batch:
        return []
    checksums = np.array([checksum for _, checksum in batch], dtype=np.uint32)
    wrong = np.flatnonzero(_masked([piece for piece, _ in batch]) != checksums)
    if len(wrong):
        raise TornRecordError(done + int(wrong[0]) // 2 + 1, "does not fit its checksum; the file is damaged")
    return [piece for piece, _ in batch[1::2]]


def _masked(pieces: Sequence[bytes]) -> NDArray[np.uint32]:
    """The checksum of each piece."""
    crc = _crc(pieces)
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + _MASK


def _crc(pieces: Sequence[bytes]) -> NDArray[np.uint32]:
    """The CRC-32C of each piece, a byte of all pieces at a time, the longest first."""
    lengths = np.array([len(piece) for piece in pieces])
    order = np.argsort(-lengths, kind="stable")
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])[order]
    whole = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    sizes, table = lengths[order], _table()
    crc = np.full(len(pieces), 0xFFFFFFFF, dtype=np.uint32)
    for place in range(int(sizes[0])):
        left = np.searchsorted(-sizes, -place)  # pieces that are longer than this
        part = crc[:left]
        crc[:left] = table[(part ^ whole[starts[:left] + place]) & 0xFF] ^ (part >> np.uint32(8))
    found = np.empty_like(crc)
    found[order] = crc ^ np.uint32(0xFFFFFFFF)
    return found


@functools.cache
def _table() -> NDArray[np.uint32]:
    """The CRC of each byte."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ np.where(table & 1, _POLYNOMIAL, np.uint32(0))
    return table
