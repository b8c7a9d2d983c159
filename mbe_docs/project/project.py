"""One project folder: everything a command can do with it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mbe_docs.config import Config, load_config
from mbe_docs.errors import ConfigError, Location
from mbe_docs.records.findings import Finding

if TYPE_CHECKING:
    from mbe_docs.curated.bundle import Curated
    from mbe_docs.evidence.engine import OpenEngine
    from mbe_docs.evidence.store import EvidenceStore
    from mbe_docs.pages.interface import Context
    from mbe_docs.project.ingest import Advance, Engine, IngestSummary
    from mbe_docs.project.logs import FoundLog
    from mbe_docs.project.watching import Watch
    from mbe_docs.records.registry import Registry
    from mbe_docs.registry.baseline import Blessing
    from mbe_docs.registry.diff import Diff
    from mbe_docs.registry.gate import Gate
    from mbe_docs.registry.merge import Evidence
    from mbe_docs.sources.interface import RowScorer, Settings


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build did."""

    published: bool
    pages: int
    runs: int
    where: str
    findings: tuple[Finding, ...]


class Project:
    """A folder with `behaviors/`; the only orchestrator."""

    def __init__(self, root: Path, *, engine: OpenEngine | None = None) -> None:
        self.root = root
        self.engine = engine
        """What adds the evidence up; DuckDB by default. The registry does not depend on it."""

    @classmethod
    def find(cls, root: Path | None = None, *, start: Path | None = None) -> Project:
        """The project at `root`, or the nearest one upwards from `start` (the current folder).

        Raises:
            ConfigError: there is none.
        """
        if root is not None:
            if not (root / "behaviors").is_dir():
                raise ConfigError(
                    f"{root} has no behaviors/ folder",
                    fix=f"run `mbe-docs init {root}`, or name another folder",
                )
            return cls(root)
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / "behaviors").is_dir():
                return cls(folder)
        raise ConfigError(
            f"no behaviors/ folder in {here} or above it",
            fix="run `mbe-docs init` here, or name the project with --project",
        )

    @staticmethod
    def init(path: Path, *, title: str | None = None) -> tuple[list[str], list[str]]:
        """Start a project; names of the files written, and of those that were there already."""
        from mbe_docs.project.starter import write_starter

        return write_starter(path, title=title)

    @cached_property
    def config(self) -> Config:
        """`behaviors/config.yaml`, or the defaults."""
        return load_config(self.root)

    @cached_property
    def store(self) -> EvidenceStore:
        """`behaviors/evidence/`."""
        from mbe_docs.evidence.store import EvidenceStore
        from mbe_docs.secrets import SecretPolicy

        secrets = SecretPolicy(frozenset(self.config.secrets.allow), self.config.secrets.strict)
        return EvidenceStore(self.root / "behaviors" / "evidence", secrets)

    def ingest(
        self,
        paths: Sequence[str],
        *,
        mappings: Sequence[Path] = (),
        scorers: Mapping[str, RowScorer] | None = None,
        dry_run: bool = False,
        engine: Engine | None = None,
        advance: Advance | None = None,
    ) -> IngestSummary:
        """Read logs into the store; see `project.ingest`.

        `scorers`: row scorers of tables by name; they win over those of the entry points. `engine`: what
        reads; by default this process, `ingest.local(8)` with up to 8 processes of this machine.
        """
        from mbe_docs.project.ingest import ingest

        settings = self._settings(mappings, scorers or {})
        logs = self._find(paths)
        return ingest(logs, self.store, settings, engine=engine, dry_run=dry_run, advance=advance)

    def watch(
        self, paths: Sequence[str], *, mappings: Sequence[Path] = (), engine: Engine | None = None
    ) -> Watch:
        """What reads logs of these paths as they appear, one look at a time."""
        from mbe_docs.project.ingest import ingest
        from mbe_docs.project.watching import Watch

        settings = self._settings(mappings, {})

        def read(logs: Sequence[FoundLog], summary: IngestSummary) -> None:
            ingest(logs, self.store, settings, engine=engine, into=summary)

        return Watch(lambda: self._find(paths), read)

    def _settings(self, mappings: Sequence[Path], scorers: Mapping[str, RowScorer]) -> Settings:
        from mbe_docs.sources.interface import Settings

        folder = self.root / "behaviors" / "mappings"
        own = sorted(path for pattern in ("*.yaml", "*.yml") for path in folder.glob(pattern))
        return Settings(
            mappings=(*mappings, *own),
            scorers=scorers,
            excerpts=self.config.publish_excerpts != "none",
        )

    def _find(self, paths: Sequence[str]) -> list[FoundLog]:
        from mbe_docs.project.logs import find_logs
        from mbe_docs.project.reading import sources

        endings = {ending for source in sources().values() for ending in source.extensions}
        return find_logs(paths, sorted(endings))

    @cached_property
    def _curated(self) -> Curated:
        from mbe_docs.curated import load_curated

        newest = max((stored.run.started_at or "" for stored in self.store.load().runs), default="")
        as_of = datetime.date.fromisoformat(newest[:10]) if newest else None
        return load_curated(self.root, as_of=as_of)

    @cached_property
    def _merged(self) -> tuple[Registry, tuple[Finding, ...]]:
        from mbe_docs.registry.merge import merge

        return merge(self._curated, self.store, self.config, engine=self.engine)

    def registry(self) -> Registry:
        """Evidence and notes, merged."""
        return self._merged[0]

    def check(self) -> list[Finding]:
        """Everything wrong with notes, evidence, and the numbers in prose, in order of place."""
        found = [*self._curated.findings, *self.store.verify(), *self._secrets()]
        if not any(finding.severity == "error" for finding in found):
            found.extend(self._merged[1])
        return sorted(dict.fromkeys(found), key=Finding.sort_key)

    def _secrets(self) -> Iterator[Finding]:
        """Runs that had secrets in them, where the configuration allows none."""
        for stored in self.store.load().runs if self.config.secrets.strict else ():
            if stored.run.masked and stored.superseded_by is None:
                yield Finding(
                    "MBE257",
                    "error",
                    f"masked {sum(stored.run.masked.values())} secrets: {', '.join(stored.run.masked)}; "
                    "secrets.strict expects none",
                    Location(stored.entry.source_uri),
                    "`mbe-docs evidence forget` the log, take them out of it, and ingest it again",
                )

    def diff(
        self,
        old: str,
        new: str,
        *,
        behaviors: Sequence[str] = (),
        by: str | None = None,
        gate: Gate | None = None,
    ) -> Diff:
        """Two subjects compared, and what of it counts; names are snapshots, variants, aliases or ALIAS@DATE.

        `by` is a slice, `key` or `key=value`, whose values are compared in place of whole behaviors.

        Raises:
            ConfigError: a name is unknown, or nothing was measured on either.
            CuratedError: the exceptions are wrong.
        """
        from mbe_docs.registry.diff import diff

        evidence = self._evidence()
        return self._judged(diff(evidence, old, new, behaviors=behaviors, by=by), evidence, gate)

    def diff_baseline(
        self,
        subject: str | None = None,
        *,
        behaviors: Sequence[str] = (),
        by: str | None = None,
        gate: Gate | None = None,
    ) -> Diff:
        """The blessed runs of a subject compared with its runs since; the only blessed one if none is named.

        Raises:
            ConfigError: nothing is blessed, or a name is unknown.
            CuratedError: the baseline or the exceptions are wrong.
            EvidenceError: a blessed run is not in the store.
        """
        from mbe_docs.registry.baseline import diff_baseline, load_baseline

        evidence, blessed = self._evidence(), load_baseline(self.root)
        found = diff_baseline(evidence, blessed, subject, behaviors=behaviors, by=by)
        return self._judged(found, evidence, gate)

    def bless(
        self, subjects: Sequence[str], *, reason: str, behaviors: Sequence[str] = (), dry_run: bool = False
    ) -> tuple[Blessing, ...]:
        """Pin what is measured on these subjects as the baseline; see `registry.baseline.bless`."""
        from mbe_docs.registry.baseline import bless

        evidence = self._evidence()
        return bless(evidence, self.root, subjects, reason=reason, behaviors=behaviors, dry_run=dry_run)

    def _evidence(self) -> Evidence:
        from mbe_docs.registry.merge import Evidence

        self._refuse_errors([*self._curated.findings, *self.store.verify()])
        return Evidence(self._curated, self.store, self.config, engine=self.engine)

    def _judged(self, found: Diff, evidence: Evidence, gate: Gate | None) -> Diff:
        from mbe_docs.registry.exceptions import load_exceptions
        from mbe_docs.registry.gate import Gate, judge

        policy = self.config.policy
        known = {behavior.id for behavior in self._curated.behaviors}
        exempt = load_exceptions(self.root, behaviors=known, subjects=evidence.subjects.all)
        return judge(found, gate or Gate(policy.fail_on, policy.require_decided), exempt)

    def report(self, diff: Diff, form: str) -> str:
        """A diff in one of the report formats.

        Raises:
            ConfigError: there is no such format.
        """
        from mbe_docs.plugins import discover

        reports = {report.name: report for report in discover("reports", "REPORT").values()}
        if form not in reports:
            raise ConfigError(
                f"format is '{form}'; expected one of: {', '.join(sorted(reports))}",
                fix="write --format text",
            )
        return str(reports[form].render(diff))

    def build(self, *, pages_only: bool = False) -> BuildResult:
        """Registry, pages and site. Nothing is published while a note is wrong."""
        from mbe_docs.project.publishing import publish

        findings = self.check()
        if any(finding.severity == "error" for finding in findings):
            return BuildResult(False, 0, 0, "", tuple(findings))
        registry = self.registry()
        pages, where = publish(self.root, registry, self.context(), self.config, pages_only=pages_only)
        return BuildResult(True, pages, len(registry.runs), where, tuple(findings))

    def context(self) -> Context:
        """What pages may show besides the registry: excerpts as far as the configuration allows."""
        from mbe_docs.pages.interface import Context
        from mbe_docs.project.excerpts import published

        excerpts = published(self.store, self.registry(), self.config.publish_excerpts)
        return Context(excerpts=excerpts, log_viewer=self.config.log_viewer)

    def serve(
        self,
        *,
        host: str,
        port: int,
        interval: float,
        say: Callable[[str], None],
        report: Callable[[Iterable[Finding]], None],
    ) -> None:
        """Build, serve, and build again on change, until interrupted."""
        from mbe_docs.project.serving import serve

        serve(self, host=host, port=port, interval=interval, say=say, report=report)

    def fresh(self) -> Project:
        """The same project, read again from disk."""
        return Project(self.root, engine=self.engine)

    def _refuse_errors(self, findings: Iterable[Finding]) -> None:
        errors = [finding for finding in findings if finding.severity == "error"]
        if errors:
            first = errors[0]
            raise ConfigError(
                f"{len(errors)} errors in notes or evidence; the first: {first.problem}",
                at=first.at,
                fix="run `mbe-docs check`, mend them, and run this again",
            )
