"""Read results and samples of EleutherAI's lm-evaluation-harness, without importing it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.evals import Run, RunStatus
from mbe_docs.records.hashing import content_hash
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import BYTE_ORDER_MARK, DocumentError, as_dict, as_int, as_text, decode
from mbe_docs.sources.interface import Item, LogFile, Settings, Source
from mbe_docs.sources.lm_eval_files import (
    file_name_of,
    is_results,
    is_samples,
    results_beside,
    samples_beside,
    stamp_of,
    task_in,
    time_of,
)
from mbe_docs.sources.lm_eval_run import (
    Results,
    Task,
    arguments_of,
    dataset_of,
    generation_of,
    metadata_of,
    model_of,
    planned_of,
    reported_of,
    scorers_of,
    started_of,
    system_prompt_of,
    tasks_of,
    version_of,
)
from mbe_docs.sources.lm_eval_samples import SampleReader, first_of

NAME = "lm-eval"
_RESULTS = msgspec.json.Decoder(Results)


class LMEval:
    """`results_*.json` together with the `samples_*.jsonl` of the same date, or samples alone."""

    name: str = NAME
    extensions: tuple[str, ...] = (".json", ".jsonl")

    def claims(self, path: Path, head: bytes) -> bool:
        """Results files, and samples files without results beside them: those are read with their results."""
        match path.suffix.lower():
            case ".json":
                return is_results(head)
            case ".jsonl":
                return is_samples(head) and results_beside(path) is None
        return False

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """Per task the run and its observations, in the order of the results file.

        Raises:
            SourceError: neither results nor samples, or nothing says which model was run.
        """
        complaints = Complaints(log.uri)
        is_lone = is_samples(log.head())
        try:
            yield from (_read_lone if is_lone else _read_results)(log, settings, complaints)
        except RecursionError as error:
            raise SourceError(
                "its header is nested too deeply",
                at=Location(log.uri),
                fix="restore the file from its source",
            ) from error
        yield from complaints.rest()


def _read_results(log: LogFile, settings: Settings, complaints: Complaints) -> Iterator[Item]:
    size, limit = log.path.stat().st_size, settings.limits.member_bytes
    if size > limit:
        raise SourceError(
            f"the file has {size:,} bytes, above the limit of {limit:,} bytes for one document",
            at=Location(log.uri),
            fix="keep the samples in files of their own: `lm_eval --log_samples`",
        )
    try:
        results, notes = decode(log.path.read_bytes().removeprefix(BYTE_ORDER_MARK), _RESULTS)
    except DocumentError as error:
        raise SourceError(
            f"not results of lm-eval: {error}", at=Location(log.uri), fix="restore the file from its source"
        ) from error
    for note in notes:
        yield from complaints.add("MBE216", "note", f"the file is unusual: {note}", "nothing to do")
    beside = samples_beside(log.path)
    tasks = tasks_of(results)
    stated = {file_name_of(task.name) for task in tasks}
    tasks += [Task(name) for name in beside if file_name_of(name) not in stated]
    if not tasks or model_of(results)[0] is None:
        raise SourceError(
            f"the file states no {'model' if tasks else 'task with a metric'}",
            at=Location(log.uri),
            fix="give a results file as lm_eval writes it",
        )
    sha256 = log.sha256()
    files = {file_name_of(name): path for name, path in beside.items()}
    for task in tasks:
        samples = files.pop(file_name_of(task.name), None)
        yield from _TaskReader(log, settings, results, task, samples, sha256).items()


def _read_lone(log: LogFile, settings: Settings, complaints: Complaints) -> Iterator[Item]:
    """Samples without results: the folder's name is the model's, as the harness writes it."""
    model = log.path.resolve().parent.name.replace("__", "/") or "/"
    yield from complaints.add(
        "MBE227",
        "warning",
        f"no results file lies beside the samples: the model is taken from the folder's name, {model[:80]!a};"
        " version and settings are unknown",
        "put the results file of the same date beside them",
    )
    task = Task(task_in(log.path))
    yield from _TaskReader(
        log, settings, Results(model_name=model), task, log.path, log.sha256(), is_lone=True
    ).items()


@dataclass(slots=True)
class _TaskReader:
    """One task of a results file, or a samples file that has none."""

    log: LogFile
    settings: Settings
    results: Results
    task: Task
    samples: Path | None
    sha256: str
    is_lone: bool = False
    complaints: Complaints = field(init=False)

    def __post_init__(self) -> None:
        uri = self.log.uri
        if self.samples is not None and not self.is_lone:
            uri = f"{uri.rpartition('/')[0]}/{self.samples.name}".removeprefix("/")
        self.complaints = Complaints(uri)

    def items(self) -> Iterator[Item]:
        """The run, its observations, and the run again with what they added."""
        if self.samples is None:
            yield self._run(None)
            return
        config = as_dict(as_dict(self.results.configs).get(self.task.name))
        reader = SampleReader(
            path=self.samples,
            run_key=self._key(),
            settings=self.settings,
            complaints=self.complaints,
            repeats=as_int(config.get("repeats")),
        )
        yield from reader.items()
        if self.is_lone and not reader.documents:
            raise SourceError(
                "no row of the file can be read",
                at=Location(self.log.uri),
                fix="restore the file from its source",
            )
        run = self._run(reader)
        yield run
        if run.status != "success":
            yield from self.complaints.add(
                "MBE215", "warning", f"the run is not a result: {run.status_reason}", "rerun the task"
            )
        elif not reader.scored:
            yield from self.complaints.add(
                "MBE215", "warning", "no row of the run has a score", "see the task's metrics"
            )
        yield from self.complaints.rest()

    def _key(self) -> str:
        """The same for a task whether its samples were read alone or with their results."""
        stamp = stamp_of(self.samples or self.log.path)
        first = first_of(self.samples) if self.samples else ()
        return f"{NAME}:{content_hash(stamp or self.sha256, file_name_of(self.task.name), *first)}"

    def _run(self, reader: SampleReader | None) -> Run:
        results, name = self.results, self.task.name
        requested, resolved = model_of(results)
        has_system, system_hash = system_prompt_of(results)
        stamp = stamp_of(self.log.path)
        planned = planned_of(results, name) if reader is not None else None
        status, reason = _status(reader, planned)
        names = list(reader.names) if reader is not None else []
        task_hash = as_text(as_dict(results.task_hashes).get(name))
        return Run(
            run_key=self._key(),
            source_format=NAME,
            file_sha256=self.sha256,
            log_uri=self.log.uri,
            run_id=stamp,
            task=name,
            task_version=version_of(results, name),
            dataset=dataset_of(results, name),
            model_requested=requested or "",
            models_resolved=resolved,
            has_system_prompt=has_system,
            system_prompt_hash=system_hash,
            prompt_hash=task_hash[:32] if task_hash else None,
            solver=as_text(as_dict(as_dict(results.configs).get(name)).get("output_type")),
            scorers=scorers_of(results, name, names),
            generation_params=generation_of(results, name),
            task_args=arguments_of(results, name),
            epochs=next(iter(reader.epochs)) if reader is not None and len(reader.epochs) == 1 else None,
            samples_planned=planned,
            status=status,
            status_reason=reason,
            harness="lm-evaluation-harness",
            harness_version=as_text(results.lm_eval_version),
            git_commit=as_text(results.git_hash),
            started_at=started_of(results),
            finished_at=time_of(stamp) if stamp else None,
            metadata=metadata_of(results, self.task),
            reported=reported_of(results, self.task),
        )


def _status(reader: SampleReader | None, planned: int | None) -> tuple[RunStatus, str | None]:
    if reader is None:
        return "success", None
    if reader.is_cut:
        return "partial", "the samples file is cut off"
    if planned is not None and reader.documents < planned:
        return "partial", f"{reader.documents:,} of {planned:,} documents are in the samples file"
    return "success", None


SOURCE: Final[Source] = LMEval()
