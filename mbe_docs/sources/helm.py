"""Read HELM run directories: `per_instance_stats.json` and the files beside it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.evals import Excerpt, Observation, Outcome
from mbe_docs.records.findings import Finding
from mbe_docs.records.hashing import content_hash
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import DocumentError, as_dict, as_int, as_list, as_text
from mbe_docs.sources.every_eval_ever_json import document_of, uri_of
from mbe_docs.sources.helm_run import NAME, Seen, run_of
from mbe_docs.sources.helm_state import Request, requests_of
from mbe_docs.sources.helm_stats import Facts, Key, facts_of, perturbation_of, scores_of, unread_of
from mbe_docs.sources.inspect_messages import cut
from mbe_docs.sources.interface import Item, LogFile, Settings, Source
from mbe_docs.sources.scores import Value

ANCHOR = "per_instance_stats.json"
"""The file that is claimed: it holds the scores, and unlike `run_spec.json` no two runs have the same."""
SPEC, STATE, STATS = "run_spec.json", "scenario_state.json", "stats.json"
SHORT_ANSWERS = ("multiple_choice", "ranking", "binary_ranking", "language_modeling")
"""Adaptation methods whose answers end at a length on purpose."""
TRIALS = 100_000
"""Largest trial index that is believed."""


class Helm:
    """Run directories of HELM; one run per directory."""

    name: str = NAME
    extensions: tuple[str, ...] = (".json",)

    def claims(self, path: Path, head: bytes) -> bool:
        """Files named `per_instance_stats.json`; the other four files of a run are read through it."""
        return path.name == ANCHOR

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """Scores in file order, then those that a request should have and does not, then the run.

        Raises:
            SourceError: the scores cannot be read, or `run_spec.json` does not say what was run.
        """
        yield from _Reader(log, settings, Complaints(log.uri)).items()


@dataclass(slots=True)
class _Reader:
    log: LogFile
    settings: Settings
    complaints: Complaints
    key: str = ""
    task: str = ""
    method: str = ""
    requests: dict[Key, Request] = field(default_factory=dict)
    facts: dict[Key, Facts] = field(default_factory=dict)
    given: dict[Key, set[str]] = field(default_factory=dict)
    """Scorers seen by attempt."""
    scorers: dict[str, dict[str, None]] = field(default_factory=dict)
    """Scorers seen by perturbation, in order."""
    seen: Seen = field(default_factory=Seen)

    def items(self) -> Iterator[Item]:
        """Everything the directory states."""
        sha256 = self.log.sha256()
        self.key = f"{NAME}:{sha256[:32]}"
        rows = self._document(self.log.path, list)
        spec = self._document(self.log.path.with_name(SPEC), dict)
        self.seen.check(spec, Location(uri_of(self.log, self.log.path.with_name(SPEC))))
        self.method = as_text(as_dict(spec.get("adapter_spec")).get("method")) or ""
        self.task = as_text(spec.get("name")) or ""
        yield from self._requests()
        for row in rows:
            self._note(row)
        for index, row in enumerate(rows):
            yield from self._row(index, row)
        yield from self._absent()
        if self.settings.excerpts:
            yield from self._excerpts()
        self.seen.instances = len({key[0] for key in (*self.requests, *self.given) if not key[2]})
        self.seen.blind = len(self.given.keys() - self.requests.keys())
        self.seen.epochs = max((key[1] for key in (*self.requests, *self.given)), default=1)
        instances = {
            key[0]: facts.metadata.get("split", "") for key, facts in self.facts.items() if not key[2]
        }
        self.seen.splits.update(instances.values())
        stats = yield from self._beside(STATS, list)
        yield run_of(
            spec, stats or [], self.seen, self.scorers.get("", {}), key=self.key, log=self.log, sha256=sha256
        )
        yield from self._unread(rows)
        if len(self.seen.splits) > 1:
            counts = ", ".join(f"{split!a}: {n}" for split, n in sorted(self.seen.splits.items()))
            yield from self.complaints.add(
                "MBE246",
                "note",
                f"instances are of several splits ({counts}); HELM itself reports one of them",
                "give the behavior a slice `metadata.split`",
            )
        if not self.seen.scored:
            yield from self.complaints.add(
                "MBE215", "warning", "no instance has a score that is read", "see the list of metrics read"
            )
        yield from self.complaints.rest()

    def _document(self, path: Path, kind: type) -> Any:
        """A document that the run cannot be read without."""
        try:
            value = document_of(path, self.settings.limits.member_bytes).value
            if not isinstance(value, kind):
                raise DocumentError("not a list" if kind is list else "not an object")
        except DocumentError as error:
            raise SourceError(
                f"not a HELM run: {path.name}: {error}",
                at=Location(uri_of(self.log, path)),
                fix="restore the whole run directory: the five files belong together",
            ) from error
        return value

    def _beside(self, name: str, kind: type) -> Generator[Finding, None, Any]:
        """A document that adds to the run; a finding where it cannot be read."""
        path = self.log.path.with_name(name)
        try:
            value = document_of(path, self.settings.limits.member_bytes).value
            if not isinstance(value, kind):
                raise DocumentError("not a list" if kind is list else "not an object")
        except DocumentError as error:
            yield from self.complaints.add(
                "MBE240",
                "warning",
                f"{name}, which belongs to the run, is not read: {error}",
                "restore the whole run directory: the five files belong together",
            )
            return None
        return value

    def _requests(self) -> Iterator[Finding]:
        state = yield from self._beside(STATE, dict)
        for index, one in enumerate(as_list(as_dict(state).get("request_states"))):
            request = requests_of(one)
            if request is None:
                yield from self.complaints.add(
                    "MBE210",
                    "error",
                    f"{STATE}: request_states[{index}] has no instance with an id; the request is unknown",
                    "restore the file from its source",
                )
                continue
            key = request.key
            self.requests[key] = self.requests[key].joined(request) if key in self.requests else request
            if request.time is not None:
                self.seen.times.append(request.time)

    def _note(self, row: Any) -> None:
        """Tokens and times of an attempt: with several metrics they stand in only one of its rows."""
        if key := _key_of(row):
            found = facts_of(as_dict(row))
            self.facts[key] = self.facts[key].joined(found) if key in self.facts else found

    def _row(self, index: int, row: Any) -> Iterator[Item]:
        key = _key_of(row)
        if key is None:
            yield from self.complaints.add(
                "MBE210",
                "error",
                f"entry [{index}] has no instance_id, trial or stats; its scores are unknown",
                "restore the file from its source",
            )
            return
        given = self.given.setdefault(key, set())
        for name, value, count in scores_of(as_dict(row)):
            scorer = f"{name}/{key[2]}" if key[2] else name
            if scorer in given:
                yield from self.complaints.add(
                    "MBE213",
                    "warning",
                    f"entry [{index}] states {scorer!a} of {key[0][:80]!a} again; the first counts",
                    "find out which one is right, and remove the other",
                )
                continue
            given.add(scorer)
            self.scorers.setdefault(key[2], {})[scorer] = None
            if value.problem:
                yield from self.complaints.add(
                    "MBE211",
                    "error",
                    f"entry [{index}]: {scorer!a}: {value.problem}; it is unknown, not zero",
                    "restore the file from its source",
                )
            if count > 1:
                yield from self.complaints.add(
                    "MBE242",
                    "note",
                    f"entry [{index}]: {scorer!a} is the mean of {count} values; single ones are not stated",
                    "nothing to do; no flake rate can come from it",
                )
            yield self._observation(key, scorer, value)

    def _absent(self) -> Iterator[Observation]:
        """Attempts without a score: NaN is left out by HELM, and so is what a failed request lacks."""
        for key in dict.fromkeys((*self.requests, *self.given)):
            for scorer in self.scorers.get(key[2], {}):
                if scorer not in self.given.get(key, ()):
                    yield self._observation(key, scorer, Value(None, None))

    def _observation(self, key: Key, scorer: str, value: Value) -> Observation:
        facts, request = self.facts.get(key, Facts()), self.requests.get(key)
        finish = (request.finish if request else None) or facts.finish
        number, outcome = self._settled(value, request, finish)
        self.seen.scored += number is not None
        metadata = dict(facts.metadata)
        if request is not None:
            metadata |= request.metadata
        if key[2]:
            metadata["perturbation"] = key[2]
        return Observation(
            run_key=self.key,
            sample_id=key[0],
            input_hash=request.input_hash if request else content_hash(NAME, self.task, key[0], key[2]),
            epoch=key[1],
            scorer=scorer,
            value=number,
            label=None,
            outcome=outcome,
            metadata=metadata,
            tokens_in=facts.tokens_in,
            tokens_out=facts.tokens_out,
            latency_us=facts.latency_us,
            stop_reason=finish,
            started_at=request.started_at if request else None,
        )

    def _settled(
        self, value: Value, request: Request | None, finish: str | None
    ) -> tuple[float | None, Outcome]:
        """A failed request is no measurement, whatever HELM scored its empty answer with."""
        number = value.number
        if request is not None and request.is_refused:
            return number, "refused"
        if request is not None and request.error is not None:
            return None, "infra_error"
        if finish == "length" and not self.method.startswith(SHORT_ANSWERS):
            return number, "limited"
        return number, "unscored" if number is None else "scored"

    def _excerpts(self) -> Iterator[Excerpt]:
        most = self.settings.excerpt_chars
        for key, request in self.requests.items():
            if not key[2]:
                target = request.target
                names = self.scorers.get("", {})
                yield Excerpt(
                    run_key=self.key,
                    sample_id=key[0],
                    epoch=key[1],
                    input=cut(request.asked, most),
                    target=target and cut(target, most),
                    output=cut(request.answer, most),
                    scores=tuple((name, None, None, None) for name in names),
                )

    def _unread(self, rows: list[Any]) -> Iterator[Finding]:
        if names := unread_of(rows):
            yield from self.complaints.add(
                "MBE244",
                "note",
                f"{len(names)} metrics are not read: {', '.join(ascii(name[:40]) for name in names[:20])}",
                "nothing to do, unless a behavior is measured by one of them",
            )


def _key_of(row: Any) -> Key | None:
    """Instance, epoch and perturbation of a row; `None` where it is not one."""
    entry = as_dict(row)
    instance, trial = as_text(entry.get("instance_id")), as_int(entry.get("train_trial_index", 0))
    if (
        instance is None
        or trial is None
        or not 0 <= trial < TRIALS
        or not isinstance(entry.get("stats"), list)
    ):
        return None
    return instance, trial + 1, perturbation_of(entry.get("perturbation"))


SOURCE: Final[Source] = Helm()
