"""Checks as data: a code for ever, why it matters, how to mend it, and the function that looks."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from mbe_docs.curated.claims import Prose, read_prose
from mbe_docs.curated.files import CuratedFile
from mbe_docs.errors import Location
from mbe_docs.records.behaviors import Behavior, Taxonomy
from mbe_docs.records.findings import Finding, Severity
from mbe_docs.records.models import Family
from mbe_docs.records.quirks import Quirk
from mbe_docs.safe_yaml import shorten

Note = CuratedFile[Behavior] | CuratedFile[Quirk]
AnyFile = Note | CuratedFile[Family] | CuratedFile[Taxonomy]


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is shown as Markdown, and where it begins."""

    body: str
    body_at: Location


@dataclass(frozen=True)
class Everything:
    """All files as read: what a check looks at."""

    families: tuple[CuratedFile[Family], ...] = ()
    behaviors: tuple[CuratedFile[Behavior], ...] = ()
    quirks: tuple[CuratedFile[Quirk], ...] = ()
    taxonomy: CuratedFile[Taxonomy] | None = None
    as_of: datetime.date | None = None
    """Date of the newest evidence; what depends on a date is not checked without it."""

    @cached_property
    def files(self) -> tuple[AnyFile, ...]:
        """Every file, models first."""
        taxonomy = () if self.taxonomy is None else (self.taxonomy,)
        return (*self.families, *taxonomy, *self.behaviors, *self.quirks)

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """Behaviors and quirks: the files with a body."""
        return (*self.behaviors, *self.quirks)

    @cached_property
    def texts(self) -> tuple[Text, ...]:
        """Everything that is shown as Markdown: bodies of notes, and what to do about a quirk."""
        bodies = [Text(note.body, note.body_at) for note in self.notes if note.body_at]
        advice = [
            Text(mitigation.how, file.at("mitigations", number, "how"))
            for file in self.quirks
            if file.partial
            for number, mitigation in enumerate(file.partial.mitigations)
        ]
        return (*bodies, *advice)

    @cached_property
    def prose(self) -> tuple[Prose, ...]:
        """The double brackets of every text."""
        return tuple(read_prose(text.body, text.body_at) for text in self.texts)

    @cached_property
    def behavior_ids(self) -> frozenset[str]:
        """Ids and aliases of behaviors, of broken files too."""
        return _ids(self.behaviors)

    @cached_property
    def quirk_ids(self) -> frozenset[str]:
        """Ids and aliases of quirks, of broken files too."""
        return _ids(self.quirks)

    @cached_property
    def snapshot_ids(self) -> frozenset[str]:
        """Ids of snapshots over all families."""
        return frozenset(id for file in self.families if file.partial for id in file.partial.snapshots)

    @cached_property
    def subject_ids(self) -> frozenset[str]:
        """What evidence can be about: snapshots and variants."""
        return self.snapshot_ids.union(*(file.partial.variants for file in self.families if file.partial))

    @cached_property
    def model_ids(self) -> frozenset[str]:
        """What prose can name: snapshots, variants, aliases and families."""
        aliases = (file.partial.aliases for file in self.families if file.partial)
        return self.subject_ids.union((file.id for file in self.families), *aliases)

    @cached_property
    def has_broken_family(self) -> bool:
        """Whether some snapshots could not be read at all, so that *unknown* would be a guess."""
        return any(file.partial is None or file.lost("snapshots") for file in self.families)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a check found, before it has a code."""

    problem: str
    at: Location
    fix: str


@dataclass(frozen=True, slots=True)
class Check:
    """One rule; the code never changes its meaning."""

    code: str
    name: str
    severity: Severity
    why: str
    fix: str
    """What to do in general; each finding says what to do here."""
    run: Callable[[Everything], Iterator[Complaint]]


def findings(checks: tuple[Check, ...], everything: Everything) -> tuple[Finding, ...]:
    """What the checks found, in order of place; the same complaint once."""
    found = {
        Finding(
            check.code,
            check.severity,
            shorten(complaint.problem, 400),
            complaint.at,
            shorten(complaint.fix, 400),
        )
        for check in checks
        for complaint in check.run(everything)
    }
    return tuple(sorted(found, key=Finding.sort_key))


def _ids(files: tuple[CuratedFile[Behavior], ...] | tuple[CuratedFile[Quirk], ...]) -> frozenset[str]:
    aliases = (file.partial.aliases for file in files if file.partial)
    return frozenset(file.id for file in files).union(*aliases)
