"""Read members of a zip archive without trusting it: nothing is extracted, every size is bounded.

Python's own `zipfile` reads neither Zstandard members (before 3.14) nor archives that lost their directory,
and it believes the sizes that it is told.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

import zstandard
from isal.isal_zlib import crc32  # an eighth of the time of zlib's, which is a fifth of reading a log

from mbe_docs.sources.interface import Limits
from mbe_docs.sources.zip_directory import (
    LOCAL,
    LOCAL_HEADER,
    ArchiveError,
    Directory,
    Member,
    TooManyError,
    recover_directory,
    zip_directory,
)

STORED, DEFLATED, ZSTANDARD = 0, 8, 93
EXTRA = 64
"""Bytes of extra fields in a local header that are read along with it: 64-bit sizes and times fit."""
RATIO_FREE = 2**20
"""Unpacked bytes up to which the compression ratio is not judged: small JSON compresses very well."""

_LENGTHS = struct.Struct("<HH")


class MemberError(Exception):
    """One member cannot be read; the message says why, without the member's name."""


class Contents(NamedTuple):
    """What an archive holds."""

    members: dict[str, Member]
    """By name; of members with the same name the last, as the format wants it."""
    notes: tuple[str, ...]
    """Oddities of the structure that a person should know."""
    losses: tuple[str, ...]
    """Members that are there in part only, and why; filled for damaged archives."""
    is_recovered: bool
    """Whether the directory was missing or broken, and the members were found by walking the file."""


class Archive:
    """An open archive; members are read one at a time into memory."""

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._zstandard = zstandard.ZstdDecompressor()
        directory = self._directory()
        members: dict[str, Member] = {}
        notes = list(directory.notes)
        repeated = 0
        for member in directory.members:
            repeated += member.name in members
            members.pop(member.name, None)  # the place of the last one counts, too
            members[member.name] = member
        if repeated:
            notes.append(f"{repeated} members are there more than once; the last of each name counts")
        self.contents = Contents(members, tuple(notes), directory.losses, directory.is_recovered)

    def _directory(self) -> Directory:
        try:
            listed = zip_directory(self._file, self._limits)
        except TooManyError:
            raise
        except ArchiveError as error:
            found = recover_directory(self._file, self._limits)
            if not found.members and not found.losses:
                raise
            return found._replace(notes=(*found.notes, str(error)))
        if not listed.members and listed.has_unlisted:
            found = recover_directory(self._file, self._limits)
            return found._replace(notes=(*found.notes, "its directory is empty, the file is not"))
        return listed

    def read(self, member: Member) -> bytes:
        """The unpacked bytes of a member.

        Raises:
            MemberError: above a limit, encrypted, packed in an unknown way, cut off, or damaged.
        """
        size = self._refuse(member)
        packed = self._packed(member)
        match member.method:
            case 0:
                data = bytes(packed)
            case 8:
                data = _inflate(packed, size)
            case _:
                data = self._unpack_zstandard(packed, size)
        if len(data) != size:
            raise MemberError(f"it unpacks to {len(data):,} bytes; its directory entry says {size:,}")
        if crc32(data) != member.crc:
            raise MemberError("its checksum does not match: the bytes are damaged")
        return data

    def misplaced(self, names: Iterable[str]) -> int:
        """How many of these members are not where and what the directory says; their data is not read."""
        count = 0
        for name in names:
            member = self.contents.members[name]
            self._file.seek(member.offset)
            header = self._file.read(LOCAL_HEADER.size + len(member.raw_name))
            count += header[:4] != LOCAL or header[LOCAL_HEADER.size :] != member.raw_name
        return count

    def _refuse(self, member: Member) -> int:
        """The size that the member claims, where it is within the limits."""
        limit = self._limits.member_bytes
        if member.flags & 1:
            raise MemberError("it is encrypted")
        if member.method not in (STORED, DEFLATED, ZSTANDARD):
            raise MemberError(f"compression method {member.method} is unknown; expected 0, 8 or 93")
        if max(member.size, member.packed) > limit:
            raise MemberError(
                f"it unpacks to {member.size:,} bytes, above the limit of {limit:,} bytes for one member"
            )
        is_large = member.size > self._limits.large_bytes
        ratio = self._limits.large_ratio if is_large else self._limits.ratio
        if member.size > RATIO_FREE and member.size > ratio * member.packed:
            raise MemberError(
                f"{member.packed:,} bytes unpack to {member.size:,}, above the limit of {ratio:,} to 1"
            )
        return member.size

    def _packed(self, member: Member) -> memoryview:
        """The packed bytes, taken from the file in one read unless the local header is longer than usual."""
        name_end = LOCAL_HEADER.size + len(member.raw_name)
        self._file.seek(member.offset)
        data = self._file.read(name_end + EXTRA + member.packed)
        if len(data) < LOCAL_HEADER.size or data[:4] != LOCAL:
            raise MemberError("there is no member where the directory says")
        name_length, extra_length = _LENGTHS.unpack_from(data, 26)
        if name_length != len(member.raw_name) or data[LOCAL_HEADER.size : name_end] != member.raw_name:
            raise MemberError("its name in the file differs from its name in the directory")
        start = name_end + extra_length
        if extra_length > EXTRA:
            self._file.seek(member.offset + start)
            start, data = 0, self._file.read(member.packed)
        packed = memoryview(data)[start : start + member.packed]
        if len(packed) < member.packed:
            raise MemberError(f"it is cut off after {len(packed):,} of {member.packed:,} bytes")
        return packed

    def _unpack_zstandard(self, packed: memoryview, size: int) -> bytes:
        try:
            stated = zstandard.frame_content_size(packed)
            if stated > size:
                raise MemberError(f"it unpacks to {stated:,} bytes; its directory entry says {size:,}")
            data = self._zstandard.decompress(packed, max_output_size=size) if size else b""
            if len(data) == size:
                return data
            # Inspect begins another frame every 200 MiB of input.
            with self._zstandard.stream_reader(packed, read_across_frames=True) as reader:
                return reader.read(size + 1)
        except zstandard.ZstdError as error:
            raise MemberError(
                f"its Zstandard data is damaged, or unpacks to more than the {size:,} bytes"
                f" that its directory entry says ({error})"
            ) from error


def _inflate(packed: memoryview, size: int) -> bytes:
    inflater = zlib.decompressobj(-15)
    try:
        data = inflater.decompress(packed, size + 1)
    except zlib.error as error:
        raise MemberError(f"its deflate data is damaged ({error})") from error
    if len(data) > size:
        raise MemberError(f"it unpacks to more than the {size:,} bytes that its directory entry says")
    if not inflater.eof and len(data) < size:
        raise MemberError("its deflate data ends too early")
    return data
