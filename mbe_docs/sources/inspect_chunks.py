"""Samples that Inspect wrote in pieces, put together as it writes them whole.

```
samples/<id>_epoch_<n>/sample.json          the sample without what follows
samples/<id>_epoch_<n>/metadata.json
samples/<id>_epoch_<n>/messages/<from>.json  a pool; `message_refs` of the sample says which are its own
samples/<id>_epoch_<n>/attachments/<from>.json   texts, `attachment://<index>` elsewhere
```

Events and calls are not read, as in whole samples.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import Final

import msgspec

from mbe_docs.sources.archive import Archive, MemberError

SHELL: Final = "/sample.json"
_PIECE: Final = re.compile(r"(.+)/(messages|attachments)/([0-9]{1,12})\.json", re.DOTALL)


class _Refs(msgspec.Struct):
    message_refs: list[tuple[int, int]] = []


class Chunks:
    """The pieces of an archive, by sample."""

    def __init__(self, archive: Archive, limit: int) -> None:
        self._archive, self._limit = archive, limit

    @cached_property
    def _names(self) -> dict[tuple[str, str], list[str]]:
        """Names of the pieces of each sequence, in its order."""
        found: defaultdict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        for name in self._archive.contents.members:
            if piece := _PIECE.fullmatch(name):
                found[piece[1], piece[2]].append((int(piece[3]), name))
        return {key: [name for _, name in sorted(some)] for key, some in found.items()}

    def whole(self, name: str, shell: bytes) -> bytes:
        """A sample as one document; one that is whole already, or no object, is returned as it is.

        Raises:
            MemberError: a piece of it cannot be read.
        """
        body = shell.rstrip()
        if not name.endswith(SHELL) or not body.endswith(b"}"):
            return shell
        sample = name.removesuffix(SHELL)
        parts = [body[:-1]]
        if (metadata := f"{sample}/metadata.json") in self._archive.contents.members:
            parts.append(b',"metadata":' + self._read([metadata])[0])
        if texts := self._items(sample, "attachments"):
            entries = (b"%s:%s" % (json.dumps(str(n)).encode(), text) for n, text in enumerate(texts))
            parts.append(b',"attachments":{' + b",".join(entries) + b"}")
        if pool := self._items(sample, "messages"):
            own = (message for begin, end in _refs(shell) for message in pool[max(0, begin) : max(0, end)])
            parts.append(b',"messages":[' + b",".join(own) + b"]")
        return b"".join([*parts, b"}"])

    def _items(self, sample: str, sequence: str) -> list[bytes]:
        try:
            return [
                bytes(item)
                for piece in self._read(self._names.get((sample, sequence), ()))
                for item in msgspec.json.decode(piece, type=list[msgspec.Raw])
            ]
        except msgspec.MsgspecError as error:
            raise MemberError(f"its {sequence} are not readable: {error}") from error

    def _read(self, names: Iterable[str]) -> list[bytes]:
        members = [self._archive.contents.members[name] for name in names]
        size = sum(member.size for member in members)
        if size > self._limit:
            raise MemberError(f"its pieces have {size:,} bytes, above the limit of {self._limit:,} bytes")
        return [self._archive.read(member) for member in members]


def _refs(shell: bytes) -> list[tuple[int, int]]:
    try:
        return msgspec.json.decode(shell, type=_Refs).message_refs
    except msgspec.MsgspecError:
        return []
