"""Read results of the Berkeley Function-Calling Leaderboard with the scores beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.evals import Excerpt, Observation, Outcome, Run, ScorerSpec
from mbe_docs.records.findings import Finding
from mbe_docs.records.hashing import canonical_json, content_hash
from mbe_docs.sources.bfcl_files import Named, is_result, is_score, named_of, result_of, score_of
from mbe_docs.sources.bfcl_scores import SCORER, Scores, read_scores
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import as_float, as_int, as_text
from mbe_docs.sources.every_eval_ever_json import Line, count_of, lines_of, uri_of
from mbe_docs.sources.inspect_messages import cut
from mbe_docs.sources.inspect_samples import scaled
from mbe_docs.sources.interface import Item, LogFile, Settings, Source

NAME = "bfcl"
FAILED = "Error during inference"
"""How BFCL begins the result of an attempt whose call raised an exception."""
SCORE_HEAD = re.compile(rb'\s*\{\s*"accuracy"\s*:')
RESCORE = "score the results again: `bfcl evaluate`"
STATED = 10
"""Ids that a finding names."""


class BFCL:
    """Results and scores of BFCL, versions 1 to 4; one run per model and category."""

    name: str = NAME
    extensions: tuple[str, ...] = (".json",)

    def claims(self, path: Path, head: bytes) -> bool:
        """Result files by name; a score file only where there is no result file for it."""
        if is_result(path):
            return True
        if not is_score(path) or not SCORE_HEAD.match(head) or b'"total_count"' not in head:
            return False
        return result_of(path) is None

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """One observation per result in line order, then the run.

        Raises:
            SourceError: no line can be used.
        """
        if is_result(log.path) or not is_score(log.path):
            yield from _Reader(log, settings, Complaints(log.uri), named_of(log.path)).items()
        else:
            yield from _aggregate(log)


def _aggregate(log: LogFile) -> Iterator[Item]:
    """The run of a score file without results: the header alone; passes are in no list."""
    scores, named = read_scores(log.path), named_of(log.path)
    if not scores.reported:
        raise SourceError("not a BFCL score file: it states no accuracy", at=Location(log.uri), fix=RESCORE)
    sha256 = log.sha256()
    # A perfect score is the same file for every model, so the path is part of the key.
    key = f"{NAME}:{content_hash(sha256, log.uri)}"
    yield _run(log, named, scores, key=key, sha256=sha256, reason=None, planned=scores.total)
    yield from Complaints(log.uri).add(
        "MBE240",
        "warning",
        "there is no result file for these scores; only the header is read: failures alone are no rate",
        "put the folder `result` beside the folder `score`",
    )


@dataclass(slots=True)
class _Reader:
    log: LogFile
    settings: Settings
    complaints: Complaints
    named: Named
    key: str = ""
    scores: Scores = field(default_factory=Scores)
    distrust: str | None = None
    """Why what is not listed as failed is not known to have passed."""
    seen: set[str] = field(default_factory=set)
    scored: int = 0
    is_cut: bool = False

    def items(self) -> Iterator[Item]:
        """Everything results and scores state."""
        sha256 = self.log.sha256()
        self.key = f"{NAME}:{content_hash(sha256, self.named)}"
        yield from self._load()
        for line in lines_of(self.log.path):
            self.is_cut = line.problem is not None
            yield from self._line(line)
        if not self.seen:
            raise SourceError(
                "no line can be read as a result of BFCL",
                at=Location(self.log.uri),
                fix="restore the file from its source",
            )
        yield from self._strangers()
        cut_off = "the results are cut off or damaged at their end" if self.is_cut else None
        planned = max(self.scores.total or 0, len(self.seen))
        yield _run(
            self.log, self.named, self.scores, key=self.key, sha256=sha256,
            reason=cut_off or self.distrust, planned=planned,
        )  # fmt: skip
        if not self.scored:
            yield from self.complaints.add("MBE215", "warning", "no result has a score", RESCORE)
        yield from self.complaints.rest()

    def _load(self) -> Iterator[Finding]:
        path = score_of(self.log.path)
        if path is None:
            self.distrust = "there is no score file"
            yield from self.complaints.add(
                "MBE240",
                "warning",
                f"there is no score file for {self.log.path.name!a}; nothing is scored",
                RESCORE,
            )
            return
        self.scores = read_scores(path)
        self.distrust = self.scores.distrust
        results = count_of(self.log.path)
        total = self.scores.total
        if self.distrust is None and total is not None and results > total:
            self.distrust = f"{total} results were scored; there are {results}, and which were is not stated"
        elif total is not None and results < total:
            yield from self.complaints.add(
                "MBE241",
                "warning",
                f"{total} results were scored; {total - results} of them are missing here",
                "restore the file from its source, or rerun the missing ids",
            )
        if self.distrust is not None:
            yield from self.complaints.add(
                "MBE241",
                "error",
                f"{uri_of(self.log, path)}: {self.distrust}; passes cannot be told, so no score is read",
                RESCORE,
            )

    def _line(self, line: Line) -> Iterator[Item]:
        row = line.value
        result_id = _id_of(row, self.named.category)
        if line.problem is not None or result_id is None:
            yield from self.complaints.add(
                "MBE210",
                "error",
                f"the line cannot be read: {line.problem or 'it has no id'}; its score is unknown",
                "restore the file from its source, or rerun the id",
                line=line.number,
            )
            return
        if result_id in self.seen:
            yield from self.complaints.add(
                "MBE213",
                "warning",
                f"result {result_id[:80]!a} is there already; the first counts",
                "find out which one is right, and remove the other",
                line=line.number,
            )
            return
        self.seen.add(result_id)
        failure = self.scores.failure_of(result_id)
        value, label, outcome = self._settled(row, failure)
        self.scored += value is not None
        yield self._observation(row, result_id, value, label, outcome)
        if self.settings.excerpts:
            most = self.settings.excerpt_chars
            yield Excerpt(
                self.key,
                result_id,
                1,
                "",
                None,
                cut(_text(row.get("result")), most),
                ((SCORER, label, None, None),),
            )

    def _settled(self, row: dict[str, Any], failure: str | None) -> tuple[float | None, str | None, Outcome]:
        """Value, label and outcome: what is not among the failures passed, if they can be believed.

        A call that failed says nothing of the model. BFCL scores it all the same, in the irrelevance
        categories even as a pass.
        """
        result = row.get("result")
        if isinstance(result, str) and result.startswith(FAILED):
            return None, failure, "infra_error"
        if self.distrust is not None:
            return None, failure, "unscored"
        if failure is None:
            return 1.0, None, "scored"
        if failure.endswith(":inference_error"):
            return None, failure, "infra_error"
        return 0.0, failure, "limited" if failure.endswith(":force_terminated") else "scored"

    def _observation(
        self, row: dict[str, Any], result_id: str, value: float | None, label: str | None, outcome: Outcome
    ) -> Observation:
        return Observation(
            run_key=self.key,
            sample_id=result_id,
            input_hash=content_hash(NAME, self.named.version, result_id),
            epoch=1,
            scorer=SCORER,
            value=value,
            label=label,
            outcome=outcome,
            metadata=_metadata(result_id),
            tokens_in=_whole(row.get("input_token_count")),
            tokens_out=_whole(row.get("output_token_count")),
            latency_us=scaled(_total(row.get("latency")), 1_000_000),
        )

    def _strangers(self) -> Iterator[Item]:
        """Failures without a result; the scorer gave them a value, so it is kept."""
        strangers = self.scores.strangers
        if not strangers:
            return
        names = ", ".join(ascii(one[:60]) for one in strangers[:STATED])
        yield from self.complaints.add(
            "MBE241",
            "warning",
            f"{len(strangers)} failures have no result, the first: {names}",
            "restore the results from their source, or score them again",
        )
        if self.distrust is None:
            for result_id, why in self.scores.failures.items():
                self.scored += 1
                yield self._observation({}, result_id, 0.0, why, "scored")


def _run(
    log: LogFile,
    named: Named,
    scores: Scores,
    *,
    key: str,
    sha256: str,
    reason: str | None,
    planned: int | None,
) -> Run:
    metadata: dict[str, str] = {"results_folder": named.date} if named.date else {}
    return Run(
        run_key=key,
        source_format=NAME,
        file_sha256=sha256,
        log_uri=log.uri,
        task=f"bfcl_{named.category}",
        task_version=named.version,
        dataset="BFCL",
        dataset_revision=named.version,
        model_requested=_model_of(named, scores),
        solver="function calling" if named.is_function_calling else "prompting",
        scorers=(ScorerSpec(name=SCORER),),
        generation_params={"function_calling": named.is_function_calling},
        epochs=1,
        samples_planned=planned,
        status="partial" if reason else "success",
        status_reason=reason,
        harness="bfcl",
        harness_version=named.version,
        metadata=dict(metadata),
        reported=scores.reported,
    )


def _model_of(named: Named, scores: Scores) -> str:
    """The model as a score row names it, where that is the folder with slashes; else as the folder does."""
    for model in scores.models:
        plain = model.removesuffix("-FC")
        if plain.replace("/", "_") == named.model:
            return plain
    return named.model


def _id_of(row: dict[str, Any], category: str) -> str | None:
    """The id of a result; results of mid 2024 have a position, `idx`, instead."""
    for key in ("id", "idx"):
        if (position := as_int(row.get(key))) is not None:
            return f"{category}_{position}"
        if text := as_text(row.get(key)):
            return text
    return None


def _metadata(result_id: str) -> dict[str, str]:
    """Of `format_sensitivity_53:ret_fmt=json&style=classic:simple_python_58`: the format and the sample."""
    parts = result_id.split(":", 2)
    if len(parts) < 3 or "=" not in parts[1]:
        return {}
    settings = [pair.partition("=") for pair in parts[1].split("&")]
    return {"base_id": parts[2], "config": parts[1], **{name: value for name, _, value in settings if name}}


def _total(amount: Any) -> float | None:
    """A number, or the sum of the numbers of all turns and steps; `None` where one of them is missing."""
    if isinstance(amount, list):
        parts = [_total(part) for part in amount]
        known = [part for part in parts if part is not None]
        return sum(known) if known and len(known) == len(parts) else None
    return as_float(amount)


def _whole(amount: Any) -> int | None:
    return scaled(_total(amount), 1)


def _text(result: Any) -> str:
    return result if isinstance(result, str) else canonical_json(result)


SOURCE: Final[Source] = BFCL()
