"""List the members of a zip archive: from its directory, or by walking the file where that is lost."""

from __future__ import annotations

import os
import struct
import zlib
from typing import Any, BinaryIO, NamedTuple

import zstandard

from mbe_docs.sources.interface import Limits

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
END_64, DESCRIPTOR = b"PK\x06\x06", b"PK\x07\x08"
ZSTANDARD_FRAME = b"\x28\xb5\x2f\xfd"
LOCAL_HEADER = struct.Struct("<4s5H3I2H")
CENTRAL_HEADER = struct.Struct("<4s6H3I5H2I")
END_HEADER = struct.Struct("<4s4H2IH")
END_64_HEADER = struct.Struct("<4sQ2H2I4Q")
UNKNOWN_32 = 0xFFFFFFFF
CHUNK = 2**16


class ArchiveError(Exception):
    """The archive as a whole cannot be listed; the message says why."""


class TooManyError(ArchiveError):
    """The archive has more members than the limit."""


class Member(NamedTuple):
    """Where a member is and what it claims to be."""

    name: str
    raw_name: bytes
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    offset: int
    """Of its local header, in bytes from the start of the file."""


class Directory(NamedTuple):
    """Members in file order, and what is odd about them."""

    members: tuple[Member, ...]
    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    has_unlisted: bool = False
    """Whether the file holds members that the directory does not name."""
    is_recovered: bool = False


def shown(name: str) -> str:
    """A name from an archive as it may be printed: quoted, escaped, at most 120 characters."""
    return ascii(name if len(name) <= 120 else name[:119] + "…")


def zip_directory(file: BinaryIO, limits: Limits) -> Directory:
    """What the directory at the end of the file lists; of several directories the longest.

    Raises:
        ArchiveError: there is no directory, or it is damaged, or longer than the limit.
    """
    size = file.seek(0, os.SEEK_END)
    tail_at = max(0, size - 2**16 - END_HEADER.size)
    file.seek(tail_at)
    tail = file.read()
    found: list[tuple[int, list[Member], int]] = []
    problem = "it has no directory: not a zip archive, or cut off"
    at = tail.rfind(END)
    while at >= 0:
        try:
            found.append(_listed(file, tail, at, tail_at, limits))
        except TooManyError:
            raise
        except (ArchiveError, struct.error) as error:
            problem = f"its directory is damaged ({error})"
        at = tail.rfind(END, 0, at)
    if not found:
        raise ArchiveError(problem)
    prefix, members, end = max(found, key=lambda one: len(one[1]))
    notes = ["it has more than one directory; the longest counts"] if len(found) > 1 else []
    if prefix:
        notes.append(f"{prefix:,} bytes come before the archive")
    members.sort(key=lambda member: member.offset)
    kept, overlapping = _apart(members)
    if overlapping:
        notes.append(f"{overlapping} members overlap others; they are not read")
    unlisted = _unlisted(file, kept, prefix, end)
    if unlisted:
        notes.append(f"at least {unlisted} members in the file are not in its directory; they are not read")
    return Directory(tuple(kept), tuple(notes), has_unlisted=unlisted > 0)


def _listed(
    file: BinaryIO, tail: bytes, at: int, tail_at: int, limits: Limits
) -> tuple[int, list[Member], int]:
    """Bytes before the archive, members in directory order, and where the directory begins."""
    _, disk, _, _, count, length, start, comment = END_HEADER.unpack_from(tail, at)
    end = tail_at + at
    if disk not in (0, 0xFFFF) or at + END_HEADER.size + comment > len(tail):
        raise ArchiveError("its end record does not fit the file")
    if UNKNOWN_32 in (length, start) or count == 0xFFFF:
        file.seek(max(0, end - 20 - END_64_HEADER.size))
        record = file.read(END_64_HEADER.size)
        if record[:4] == END_64:
            count, length, start = END_64_HEADER.unpack(record)[7:10]
            end -= 20 + END_64_HEADER.size
    prefix = end - length - start
    if prefix < 0:
        raise ArchiveError("its directory does not fit the file")
    if count > limits.members:
        raise TooManyError(f"it lists {count:,} members, above the limit of {limits.members:,}")
    file.seek(end - length)
    data = file.read(length)
    members = []
    position = 0
    for _ in range(count):
        member, position = _central(data, position, prefix)
        if member.offset + LOCAL_HEADER.size > end - length:
            raise ArchiveError(f"{shown(member.name)} lies outside the file")
        members.append(member)
    return prefix, members, end - length


def _central(data: bytes, at: int, prefix: int) -> tuple[Member, int]:
    fields = CENTRAL_HEADER.unpack_from(data, at)
    signature, _, _, flags, method, _, _, crc, packed, size, name_length, extra_length, comment = fields[:13]
    if signature != CENTRAL:
        raise ArchiveError(f"entry at byte {at:,} of the directory is not one")
    at += CENTRAL_HEADER.size
    raw = data[at : at + name_length]
    extra = data[at + name_length : at + name_length + extra_length]
    size, packed, offset = _wide(extra, size, packed, fields[16])
    member = Member(_name(raw), raw, method, flags, crc, packed, size, prefix + offset)
    return member, at + name_length + extra_length + comment


def _name(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp437")


def _wide(extra: bytes, size: int, packed: int, offset: int = 0) -> tuple[int, int, int]:
    """Size, packed size and offset with their 64-bit values, where the 32-bit ones say so."""
    if UNKNOWN_32 not in (size, packed, offset):
        return size, packed, offset
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            numbers = [number for (number,) in struct.iter_unpack("<Q", extra[at + 4 :][: length // 8 * 8])]
            values = [
                numbers.pop(0) if value == UNKNOWN_32 and numbers else value
                for value in (size, packed, offset)
            ]
            return values[0], values[1], values[2]
        at += 4 + length
    return size, packed, offset


def _apart(members: list[Member]) -> tuple[list[Member], int]:
    """Members that share no bytes with one before them, and how many do."""
    kept: list[Member] = []
    end = 0
    for member in members:
        if member.offset >= end:
            kept.append(member)
            end = member.offset + LOCAL_HEADER.size + len(member.raw_name) + member.packed
    return kept, len(members) - len(kept)


def _unlisted(file: BinaryIO, members: list[Member], prefix: int, end: int) -> int:
    """Gaps between listed members in which another one begins."""
    offsets = [member.offset for member in members] + [end]
    count = int(_begins_member(file, prefix, offsets[0]))
    for member, following in zip(members, offsets[1:], strict=True):
        at = member.offset + LOCAL_HEADER.size + len(member.raw_name) + member.packed
        if following - at >= LOCAL_HEADER.size:
            file.seek(member.offset + 28)
            count += _begins_member(file, at + int.from_bytes(file.read(2), "little"), following)
    return count


def _begins_member(file: BinaryIO, at: int, end: int) -> bool:
    """Whether a member begins in a gap, right away or after a data descriptor of at most 24 bytes."""
    if end - at < LOCAL_HEADER.size:
        return False
    file.seek(at)
    return LOCAL in file.read(24 + len(LOCAL))


def recover_directory(file: BinaryIO, limits: Limits) -> Directory:
    """The members found by walking the file from its first local header; what is cut off is a loss."""
    size = file.seek(0, os.SEEK_END)
    members: list[Member] = []
    losses: list[str] = []
    at = _next_local(file, 0)
    while at is not None:
        if len(members) > limits.members:
            raise TooManyError(f"it holds more members than the limit of {limits.members:,}")
        file.seek(at)
        header = file.read(LOCAL_HEADER.size)
        if header[:4] in (CENTRAL, END, END_64):
            break
        if header[:4] != LOCAL or len(header) < LOCAL_HEADER.size:
            if at < size:
                losses.append(f"bytes from {at:,} on are not a member")
            at = _next_local(file, at + 1)
            continue
        flags, method, _, _, crc, packed, unpacked, name_length, extra_length = LOCAL_HEADER.unpack(header)[
            2:
        ]
        raw, extra = file.read(name_length), file.read(extra_length)
        unpacked, packed, _ = _wide(extra, unpacked, packed)
        start = at + LOCAL_HEADER.size + name_length + extra_length
        after = start + packed
        if flags & 8 and not packed:
            measured = _measured(file, start, method, limits)
            if measured is None:
                losses.append(f"{shown(_name(raw))} is cut off or damaged")
                at = _next_local(file, start)
                continue
            packed, unpacked, crc = measured
            after = start + packed
            file.seek(after)
            after += 16 if file.read(4) == DESCRIPTOR else 12
        if start + packed > size:
            losses.append(f"{shown(_name(raw))} is cut off: {max(0, size - start):,} of {packed:,} bytes")
            at = _next_local(file, start)
            continue
        members.append(Member(_name(raw), raw, method, flags, crc, packed, unpacked, at))
        at = after
    return Directory(tuple(members), losses=tuple(losses), is_recovered=True)


def _next_local(file: BinaryIO, start: int) -> int | None:
    """Where the next local header begins, if there is one."""
    file.seek(start)
    kept = b""
    while chunk := file.read(CHUNK):
        found = (kept + chunk).find(LOCAL)
        if found >= 0:
            return start - len(kept) + found
        start += len(chunk)
        kept = (kept + chunk)[-3:]
    return None


def _measured(file: BinaryIO, start: int, method: int, limits: Limits) -> tuple[int, int, int] | None:
    """Packed size, size and checksum of data that a writer streamed without stating them."""
    file.seek(start)
    if method == 8:
        return _measured_frame(file, zlib.decompressobj(-15), limits, zlib.error)
    if method != 93:
        return None
    packed = size = crc = 0
    while True:
        file.seek(start + packed)
        if packed and file.read(4) != ZSTANDARD_FRAME:
            return packed, size, crc
        file.seek(start + packed)
        frame = _measured_frame(
            file, zstandard.ZstdDecompressor().decompressobj(), limits, zstandard.ZstdError, crc
        )
        if frame is None or size + frame[1] > limits.member_bytes:
            return None
        packed, size, crc = packed + frame[0], size + frame[1], frame[2]


def _measured_frame(
    file: BinaryIO, unpacker: Any, limits: Limits, failure: type[Exception], crc: int = 0
) -> tuple[int, int, int] | None:
    packed = size = 0
    # A Zstandard block of a few bytes may unpack to 128 KiB, so little is fed at a time.
    while chunk := file.read(512):
        try:
            data = unpacker.decompress(chunk)
        except failure:
            return None
        packed, size, crc = packed + len(chunk), size + len(data), zlib.crc32(data, crc)
        if size > limits.member_bytes:
            return None
        if unpacker.eof:
            return packed - len(unpacker.unused_data), size, crc
    return None
