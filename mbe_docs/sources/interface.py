"""What an eval format has to offer: claim a file by its head, then stream what it states."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mbe_docs.records.evals import Excerpt, Observation, Run
from mbe_docs.records.findings import Finding

HEAD_BYTES = 4096

Item = Run | Observation | Excerpt | Finding
"""What a log is read into: a flat stream. A `Run` may come before or after its observations and may come
again with more facts; the last one with the same `run_key` counts."""

RowScorer = Callable[[Mapping[str, str]], float | None]
"""A plug-in scorer of the tabular source: one row as text → a value, or `None` where it declines."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file to read."""

    path: Path
    uri: str
    """How the log is called in records: relative to the ingested folder where there is one."""
    _digest: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    def head(self) -> bytes:
        """The first 4 KiB at most."""
        with self.path.open("rb") as file:
            return file.read(HEAD_BYTES)

    def sha256(self) -> str:
        """Hex digest of the whole file, read once and in constant memory."""
        if not self._digest:
            with self.path.open("rb") as file:
                self._digest.append(hashlib.file_digest(file, "sha256").hexdigest())
        return self._digest[0]


@dataclass(frozen=True, slots=True)
class Limits:
    """Guards against hostile archives and documents."""

    member_bytes: int = 512 * 2**20
    """Largest single uncompressed member."""
    ratio: int = 2000
    """Largest uncompressed : compressed ratio of a member above 1 MiB."""
    large_bytes: int = 32 * 2**20
    large_ratio: int = 500
    """The same of a member above `large_bytes`: such a text was made to fill memory."""
    members: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What reading may depend on besides the file."""

    mappings: tuple[Path, ...] = ()
    """Mapping files of the tabular source, in the order they are tried."""
    scorers: Mapping[str, RowScorer] = field(default_factory=dict)
    """Plug-in scorers by name, besides those of the entry-point group `mbe_docs.row_scorers`."""
    limits: Limits = Limits()
    excerpts: bool = False
    """Whether to read the text of attempts at all."""
    excerpt_chars: int = 4000
    """Longest text kept of an input or output; what is cut is said in the text."""


class Source(Protocol):
    """An eval format; a module of this package exposes one as `SOURCE`."""

    name: str
    """Short stable name, stored as `source_format`."""
    extensions: tuple[str, ...]
    """Lower-case file endings that are worth opening in a folder walk."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Whether this file is ours, by its name and first 4 KiB; exactly one source claims a file."""
        ...

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """Everything the log states, in file order, in constant memory.

        What cannot be read is a `Finding` with its place and lowers coverage; never a zero, never dropped
        in silence.

        Raises:
            SourceError: nothing of the file can be used; the message says why and what to do.
        """
        ...
