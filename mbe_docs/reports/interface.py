"""What a report format offers."""

from __future__ import annotations

from typing import Protocol

from mbe_docs.registry.diff import Diff


class Report(Protocol):
    """A report format; a module of this package exposes one as `REPORT`."""

    name: str
    """The value of `--format`; machine formats carry their version and never change under it."""

    def render(self, diff: Diff) -> str:
        """The whole report, ending in a line end."""
        ...
