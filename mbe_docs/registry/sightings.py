"""Where authored statements can be looked up: runs and samples that show what no scorer tells apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mbe_docs.curated.bundle import Curated
from mbe_docs.evidence.run_counts import samples_of
from mbe_docs.evidence.store import EvidenceStore, StoredRun
from mbe_docs.records.findings import Finding
from mbe_docs.records.quirks import Quirk, SeenIn
from mbe_docs.registry.subjects import Subjects
from mbe_docs.registry.wording import listed


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one statement points to on one subject."""

    quirk: str
    number: int
    """Position of the statement in its file."""
    subject: str
    seen_in: SeenIn
    runs: tuple[str, ...]
    """Keys of the runs that hold any of its samples, newest first."""
    missing: tuple[str, ...]
    """Samples that no run of these tasks on the subject has."""


def sightings(
    curated: Curated, runs: Sequence[StoredRun], subjects: Subjects, store: EvidenceStore
) -> tuple[Sighting, ...]:
    """Every statement with a `seen_in`, subject by subject, looked up in the evidence.

    A run that was killed is no result, but what the model wrote in it can be read.
    """
    asked = list(_asked(curated.quirks))
    if not asked:
        return ()
    live = [stored.run for stored in runs if stored.superseded_by is None]
    newest_first = sorted(live, key=lambda run: (run.started_at or "", run.run_key), reverse=True)
    of_subject: dict[tuple[str | None, str], list[str]] = {}
    for run in newest_first:
        of_subject.setdefault((subjects.of_run(run), run.task), []).append(run.run_key)
    candidates = [
        [key for task in seen.task for key in of_subject.get((subject, task), ())]
        for _, _, subject, seen in asked
    ]
    wanted = {sample for _, _, _, seen in asked for sample in seen.samples}
    tried = samples_of(store, {key for keys in candidates for key in keys}, wanted)
    return tuple(
        _sighting(quirk, number, subject, seen, keys, tried)
        for (quirk, number, subject, seen), keys in zip(asked, candidates, strict=True)
    )


def _asked(quirks: Sequence[Quirk]) -> Iterator[tuple[str, int, str, SeenIn]]:
    for quirk in quirks:
        for number, statement in enumerate(quirk.statements):
            if statement.seen_in is not None and quirk.withdrawn is None:
                for subject in statement.snapshots:
                    yield quirk.id, number, subject, statement.seen_in


def _sighting(
    quirk: str,
    number: int,
    subject: str,
    seen: SeenIn,
    candidates: Sequence[str],
    tried: frozenset[tuple[str, str]],
) -> Sighting:
    found = {sample for sample in seen.samples for key in candidates if (key, sample) in tried}
    runs = [key for key in candidates if not seen.samples or any((key, sample) in tried for sample in found)]
    missing = tuple(sample for sample in seen.samples if sample not in found)
    return Sighting(quirk, number, subject, seen, tuple(runs), missing)


def sighting_findings(curated: Curated, found: Sequence[Sighting]) -> Iterator[Finding]:
    """MBE166: a statement points to something that no log holds."""
    for sighting in found:
        if sighting.runs and not sighting.missing:
            continue
        task = listed(list(sighting.seen_in.task), last="or")
        what = f"samples {listed(list(sighting.missing))} of task {task}" if sighting.runs else f"task {task}"
        yield Finding(
            "MBE166",
            "error",
            f"statements[{sighting.number}].seen_in names {what}, which no run on {sighting.subject} has",
            curated.place("quirk", sighting.quirk, "statements", sighting.number, "seen_in"),
            "name a task and samples of `mbe-docs evidence list`, or take it out",
        )


def by_statement(found: Sequence[Sighting]) -> Mapping[tuple[str, str], Sighting]:
    """Sightings by (quirk, subject); where several statements speak of one, the first counts."""
    first: dict[tuple[str, str], Sighting] = {}
    for sighting in found:
        first.setdefault((sighting.quirk, sighting.subject), sighting)
    return first
