"""The list of all checks of hand-written files, and their reference page."""

from __future__ import annotations

from typing import Final

from mbe_docs.curated.checks import Check
from mbe_docs.curated.checks_files import FILE_CHECKS
from mbe_docs.curated.checks_models import MODEL_CHECKS
from mbe_docs.curated.checks_notes import NOTE_CHECKS
from mbe_docs.curated.checks_prose import PROSE_CHECKS

CHECKS: Final[tuple[Check, ...]] = tuple(
    sorted((*FILE_CHECKS, *MODEL_CHECKS, *NOTE_CHECKS, *PROSE_CHECKS), key=lambda check: check.code)
)
"""In order of code."""

_HEAD = """# Checks of hand-written files

`mbe-docs check` reads everything below `behaviors/` and reports every mistake at once, each with its place,
a code and a fix. A code never changes its meaning. An *error* keeps an entry out of the registry or makes it
doubtful; a *warning* does not. Generated from the checks themselves.

| Code | Severity | What holds |
| --- | --- | --- |
"""


def render_check_reference() -> str:
    """`docs/reference/checks.md`: a table of all checks, then why each matters and how to mend it."""
    rows = "".join(f"| [{c.code}](#{c.code.lower()}) | {c.severity} | {c.name} |\n" for c in CHECKS)
    parts = (
        f"\n## {c.code}: {c.name} {{ #{c.code.lower()} }}\n\n*{c.severity}.* {c.why}\n\n**Fix:** {c.fix}\n"
        for c in CHECKS
    )
    return _HEAD + rows + "".join(parts)
