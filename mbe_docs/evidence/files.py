"""Publishing files so that a reader sees all of one or nothing, whoever is killed and whenever."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mbe_docs.errors import EvidenceError, Location

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows; left-overs stay there until a person deletes `tmp/`
    fcntl = None  # type: ignore[assignment]

_PREFIX = "write.tmp-"
_checked: dict[tuple[str, int, int], str] = {}


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new empty file to write, locked for as long as its writer lives, and gone afterwards.

    The lock is what tells a left-over from a file at work (see `sweep`): the system drops it with the
    process, however that ends. No clock and no process id is looked at.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, file = _locked(folder)
    try:
        with file:
            yield path, file
    finally:
        with contextlib.suppress(OSError):  # mostly it has its final name by now; else `sweep` will find it
            path.unlink()


def _locked(folder: Path) -> tuple[Path, BinaryIO]:
    while True:
        # Not `tempfile`: its files are for their owner only, whatever the umask says.
        path = folder / f"{_PREFIX}{secrets.token_hex(16)}"
        file = path.open("x+b")
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        # A sweep may have come between the two lines above; then the name is gone, and so is the file.
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()


def sweep(folder: Path) -> int:
    """Delete what killed writers left in the folder of scratch files, and say how many files that was.

    A file that can be locked has no living writer. Nothing is deleted where files cannot be locked.
    """
    if fcntl is None or not folder.is_dir():
        return 0
    count = 0
    for path in sorted(folder.glob(f"{_PREFIX}*")):
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
            count += 1
    return count


@contextlib.contextmanager
def writing(root: Path) -> Iterator[None]:
    """What the system refuses to write, as an `EvidenceError`."""
    try:
        yield
    except OSError as error:
        raise EvidenceError(
            f"cannot write to the evidence store: {error.strerror or error}",
            at=Location(str(error.filename or root)),
            fix="make room or mend the permissions, then ingest again; what was there is unharmed",
        ) from error


def flush(file: BinaryIO) -> None:
    """Have the bytes written so far survive a power cut."""
    file.flush()
    os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut, where the system can promise it."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish(path: Path, target: Path) -> None:
    """Give a complete, flushed file its final name; one of the same content may be there already."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Not `link`: a copy that was damaged since must give way to the one just written.
    path.replace(target)


def publish_new(path: Path, target: Path) -> bool:
    """Give a complete, flushed file its final name unless that is taken; whether it was free."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except FileExistsError:
        return False
    return True


def sha256_of(path: Path) -> str:
    """Hex digest of a file, read in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(path: Path, sha256: str) -> bool:
    """Whether a file is there with these bytes.

    Read in full once per process, and again whenever its size or time of change differs.
    """
    try:
        stat = path.stat()
        key = (str(path), stat.st_size, stat.st_mtime_ns)
        if key not in _checked:
            _checked[key] = sha256_of(path)
    except OSError:
        return False
    return _checked[key] == sha256
