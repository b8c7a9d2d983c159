"""Places and the one error family: every complaint says where, what was expected, and how to fix it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place a person can open: a path, and where known a 1-based line and column."""

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


class MbeDocsError(Exception):
    """Something a person can mend: the problem, its place, and the fix. Commands exit with 2 on it."""

    def __init__(self, problem: str, *, at: Location | None = None, fix: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at
        self.fix = fix

    def __str__(self) -> str:
        place = f"{self.at}: " if self.at else ""
        fix = f"\n  fix: {self.fix}" if self.fix else ""
        return f"{place}{self.problem}{fix}"


class ConfigError(MbeDocsError):
    """The project's configuration or the command line must change."""


class CuratedError(MbeDocsError):
    """A hand-written file must change."""


class SourceError(MbeDocsError):
    """A log cannot be read, or not as what it claims to be."""


class EvidenceError(MbeDocsError):
    """The evidence store is damaged or in use."""


class TemplateError(MbeDocsError):
    """A page template or a link in it must change."""


class GeneratorError(MbeDocsError):
    """MkDocs or Zensical failed on the generated pages."""
