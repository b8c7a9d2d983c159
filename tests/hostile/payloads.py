"""What a way through the product gets, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Payload:
    """One hostile string."""

    id: str
    text: str


@dataclass(frozen=True)
class Site:
    """A built site, and which page shows which string (`exact`: the whole text, in a block)."""

    folder: Path
    manifest: list[dict[str, Any]]
    probe_options: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    """Codes of the checks that refused a hand-written file with a hostile string in it."""
