"""Which files an ingest looks at: paths, folders, globs and URLs, each log once, in name order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mbe_docs.errors import ConfigError
from mbe_docs.project.remote import find_remote, is_url


@dataclass(frozen=True, slots=True)
class FoundLog:
    """A file that may be a log, wherever it lies."""

    place: str
    """A path, or a URL that fsspec opens."""
    uri: str
    """How it is called in records: relative to the ingested folder where there is one."""
    is_named: bool = False
    """Whether it was named itself, not found in a folder or by a pattern."""
    bytes: int | None = None
    """Its size, where listing told it."""
    version: str = ""
    """What listing said that changes when a remote file does."""

    @property
    def is_remote(self) -> bool:
        """Whether it has to be fetched before it can be read."""
        return is_url(self.place)

    def size(self) -> int:
        """In bytes; 0 where it cannot be told."""
        if self.bytes is None and not self.is_remote:
            try:
                return Path(self.place).stat().st_size
            except OSError:
                return 0
        return self.bytes or 0


def find_logs(given: Sequence[str], extensions: Iterable[str]) -> list[FoundLog]:
    """Files named by paths, folders, globs and URLs, each once: in the order given, then of their names.

    In a folder only files with a known ending are looked at; a file named by hand always is.

    Raises:
        ConfigError: a path matches nothing, or a URL cannot be listed.
    """
    endings = tuple(extensions)
    seen: set[str] = set()
    found: list[FoundLog] = []
    for name in given:
        for key, log in _remote(name, endings) if is_url(name) else _local(name, endings):
            if key not in seen:
                seen.add(key)
                found.append(log)
    return found


def _remote(url: str, endings: tuple[str, ...]) -> Iterator[tuple[str, FoundLog]]:
    for file in find_remote(url, endings):
        yield file.url, FoundLog(file.url, file.uri, file.is_named, file.bytes, file.version)


def _local(given: str, endings: tuple[str, ...]) -> Iterator[tuple[str, FoundLog]]:
    """Each file with its real path."""
    path = Path(given).expanduser()
    if path.is_dir():
        yield from _inside(path, endings)
        return
    is_named = path.is_file()
    matches = [str(path)] if is_named else sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  may be absolute
    files = [name for name in matches if Path(name).is_file()]
    if not files:
        raise ConfigError(
            f"nothing is at {given}; expected a log, a folder or a glob",
            fix="check the path; quote a glob so that the shell leaves it alone",
        )
    for name in files:
        yield os.path.realpath(name), FoundLog(name, _text(Path(name).name), is_named)


def _inside(root: Path, endings: tuple[str, ...]) -> Iterator[tuple[str, FoundLog]]:
    """Files below a folder; hidden ones are left out.

    Names are looked at before anything is asked of the file system, and a folder's real path is found once:
    a folder with a hundred thousand files is listed in a second or two.
    """
    found: list[tuple[tuple[str, ...], str]] = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        wanted = [name for name in files if not name.startswith(".") and name.lower().endswith(endings)]
        if wanted:
            parts = Path(folder).relative_to(root).parts
            real = os.path.realpath(folder)
            found += [((*parts, name), real) for name in wanted]
    for parts, real in sorted(found):
        path = root.joinpath(*parts)
        key = os.path.realpath(path) if path.is_symlink() else os.path.join(real, parts[-1])  # noqa: PTH118
        if path.is_file():
            yield key, FoundLog(str(path), _text("/".join(parts)))


def _text(name: str) -> str:
    """A file name as text: one that is not UTF-8 holds lone surrogates, which no record can."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
