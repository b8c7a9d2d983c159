"""Everything hand-written of a project, with places and findings."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from mbe_docs.curated.checks import Everything, findings
from mbe_docs.curated.claims import Claim, Mention
from mbe_docs.curated.files import (
    CuratedFile,
    find_files,
    read_behavior,
    read_family,
    read_quirk,
    read_taxonomy,
)
from mbe_docs.curated.registered import CHECKS
from mbe_docs.errors import Location
from mbe_docs.records.base import Record
from mbe_docs.records.behaviors import Behavior, Taxonomy
from mbe_docs.records.findings import Finding
from mbe_docs.records.models import Family
from mbe_docs.records.quirks import Quirk

R = TypeVar("R", bound=Record)
PlaceKind = Literal["behavior", "quirk", "family", "snapshot", "alias", "variant", "taxonomy"]


@dataclass(frozen=True)
class Curated:
    """What people wrote: records of the files that can be read, and findings about all of them."""

    families: tuple[Family, ...] = ()
    """In order of file name, as all records here."""
    behaviors: tuple[Behavior, ...] = ()
    quirks: tuple[Quirk, ...] = ()
    taxonomy: Taxonomy = field(default_factory=Taxonomy)
    claims: tuple[Claim, ...] = ()
    """Numbers in the bodies of behaviors and quirks, and in mitigations, by file and place."""
    mentions: tuple[Mention, ...] = ()
    findings: tuple[Finding, ...] = ()
    """In order of place."""
    files: Mapping[
        tuple[str, str],
        CuratedFile[Behavior] | CuratedFile[Quirk] | CuratedFile[Family] | CuratedFile[Taxonomy],
    ] = field(default_factory=dict, repr=False)
    """Every file as read, by kind and id; the taxonomy is `("taxonomy", "taxonomy")`."""

    def place(self, kind: PlaceKind, id: str, *field_path: str | int) -> Location:
        """Where something is written: an entry, or a field of it by the keys as written.

        `place("snapshot", "gpt-4.1", "prices", 0, "from")`. A field that is not written gives the nearest
        thing around it, an entry as such line 1 of its file.

        Raises:
            KeyError: no such entry.
        """
        section = {"snapshot": "snapshots", "alias": "aliases", "variant": "variants"}.get(kind)
        if section is None:
            return self.files[kind, id].at(*field_path)
        for (file_kind, _), file in self.files.items():
            if file_kind == "family" and file.has(section, id):
                return file.at(section, id, *field_path)
        raise KeyError((kind, id))


def load_curated(root: Path, *, as_of: datetime.date | None = None) -> Curated:
    """All hand-written files below `root / "behaviors"`; a broken file is a finding and the others go on.

    `as_of` is the date of the newest evidence, by which overrides expire; without it they are not checked.
    """
    return bundle(read_everything(root, as_of=as_of))


def read_everything(root: Path, *, as_of: datetime.date | None = None) -> Everything:
    """The files of a project as read, before any check that looks at more than one value."""
    folder = root / "behaviors"
    taxonomy = folder / "taxonomy.yaml"
    return Everything(
        families=tuple(read_family(path, root) for path in find_files(folder / "models", ".yaml", ".yml")),
        behaviors=tuple(read_behavior(path, root) for path in find_files(folder, ".md")),
        quirks=tuple(read_quirk(path, root) for path in find_files(folder / "quirks", ".md")),
        taxonomy=read_taxonomy(taxonomy, root) if taxonomy.is_symlink() or taxonomy.exists() else None,
        as_of=as_of,
    )


def bundle(everything: Everything) -> Curated:
    """The records of what was read, checked."""
    taxonomy = everything.taxonomy.record if everything.taxonomy else None
    return Curated(
        families=_records(everything.families),
        behaviors=_records(everything.behaviors),
        quirks=_records(everything.quirks),
        taxonomy=taxonomy or Taxonomy(),
        claims=tuple(claim for prose in everything.prose for claim in prose.claims),
        mentions=tuple(mention for prose in everything.prose for mention in prose.mentions),
        findings=findings(CHECKS, everything),
        files={(file.kind, file.id): file for file in everything.files},
    )


def _records(files: tuple[CuratedFile[R], ...]) -> tuple[R, ...]:
    return tuple(file.record for file in files if file.record is not None)
