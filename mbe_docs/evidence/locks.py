"""Who works on a store: any number who add to it, or one alone who deletes from it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows; nothing is deleted there
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def adding(root: Path) -> Iterator[None]:
    """Nobody deletes files of the store meanwhile: parts that no manifest lists yet are safe."""
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root, exclusive=False):
        yield


@contextlib.contextmanager
def alone(root: Path) -> Iterator[bool]:
    """Whether nobody adds to the store, and nobody begins to for as long as the `with` lasts."""
    with _locked(root, exclusive=True) as is_alone:
        yield is_alone


@contextlib.contextmanager
def _locked(root: Path, *, exclusive: bool) -> Iterator[bool]:
    """The folder itself is locked: no file to leave behind, and the system drops it with the process."""
    if fcntl is None or not root.is_dir():
        yield False
        return
    handle = os.open(root, os.O_RDONLY)
    try:
        how = fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH
        try:
            fcntl.flock(handle, how)
        except OSError:  # somebody is at work, or this file system has no locks
            yield False
        else:
            yield True
    finally:
        os.close(handle)
