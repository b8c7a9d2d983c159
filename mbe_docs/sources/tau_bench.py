"""Read trajectories of tau-bench: a JSON list with one simulated conversation per task and trial."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.base import Scalar
from mbe_docs.records.evals import Excerpt, Observation, Outcome, Run, RunStatus, ScorerSpec
from mbe_docs.records.findings import Finding
from mbe_docs.records.hashing import canonical_json, content_hash, text_hash
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import (
    BYTE_ORDER_MARK,
    DocumentError,
    as_dict,
    as_float,
    as_int,
    as_list,
    as_text,
)
from mbe_docs.sources.every_eval_ever_json import document_of, parsed
from mbe_docs.sources.inspect_messages import cut
from mbe_docs.sources.inspect_samples import METADATA_CHARS
from mbe_docs.sources.interface import Item, LogFile, Settings, Source

NAME = "tau_bench"
SCORER = "reward"
HEAD = re.compile(rb'\s*\[\s*\{\s*"(?:task_id|trial|reward)"\s*:')
ENVIRONMENTS = ("airline", "retail", "telecom")
CHECKPOINT = re.compile(
    r"(?P<strategy>tool-calling|act|react|few-shot)-(?P<model>.+)-(?P<temperature>[0-9]+(?:\.[0-9]+)?)"
    r"_range_(?P<start>-?[0-9]+)-(?P<end>-?[0-9]+)_user-(?P<user>.+)-(?P<user_strategy>[a-z_]+)_[0-9]+"
)
"""The file name that tau-bench itself gives: `tool-calling-gpt-4o-0.0_range_0--1_user-gpt-4o-llm_1205…`."""
NAMED = re.compile(r"(?P<model>.+?)[-_](?P<environment>airline|retail|telecom)(?:[-_].*)?")
"""The names of published trajectories: `gpt-4o-airline`."""
POLICY = re.compile(r"\s*#\s*(\w+)\s+agent\s+policy", re.IGNORECASE)
TRIALS = 100_000
"""Largest trial index that is believed."""
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class _Named:
    """What a file name says of the run."""

    model: str | None = None
    environment: str | None = None
    solver: str | None = None
    generation: dict[str, Scalar] = field(default_factory=dict)
    arguments: dict[str, Scalar] = field(default_factory=dict)


class TauBench:
    """Trajectory files of tau-bench, as its runner writes and publishes them."""

    name: str = NAME
    extensions: tuple[str, ...] = (".json",)

    def claims(self, path: Path, head: bytes) -> bool:
        """JSON files that begin with a list of objects with a task id and a reward."""
        if path.suffix.lower() != ".json" or not HEAD.match(head.removeprefix(BYTE_ORDER_MARK)):
            return False
        return b'"task_id"' in head and b'"reward"' in head

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """One score per task and trial in file order, then the run.

        Raises:
            SourceError: the file is not a list of trajectories.
        """
        yield from _Reader(log, settings, Complaints(log.uri)).items()


@dataclass(slots=True)
class _Reader:
    log: LogFile
    settings: Settings
    complaints: Complaints
    key: str = ""
    hashes: dict[str, str] = field(default_factory=dict)
    """Input hash by task id, from any trial that states the task."""
    trials: dict[str, set[int]] = field(default_factory=dict)
    systems: set[str] = field(default_factory=set)
    environments: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    conversations: int = 0
    read: int = 0
    errored: int = 0
    scored: int = 0

    def items(self) -> Iterator[Item]:
        """Everything the file states."""
        sha256 = self.log.sha256()
        self.key = f"{NAME}:{sha256[:32]}"
        documents = self._documents()
        for document in documents:
            self._note(document)
        for index, document in enumerate(documents):
            if isinstance(document, DocumentError):
                yield from self._lost(index, str(document))
            else:
                yield from self._trajectory(index, document)
        if not self.read:
            raise SourceError(
                f"none of its {len(documents)} entries can be read as a trajectory",
                at=Location(self.log.uri),
                fix="restore the file from its source",
            )
        yield from self._run(sha256)
        if not self.scored:
            yield from self.complaints.add(
                "MBE215", "warning", "no trajectory has a reward", "rerun the eval"
            )
        yield from self.complaints.rest()

    def _documents(self) -> list[Any]:
        """The entries; one that cannot be decoded is the reason why."""
        try:
            try:
                size, limit = self.log.path.stat().st_size, self.settings.limits.member_bytes
                if size > limit:
                    raise DocumentError(f"it has {size:,} bytes, above the limit of {limit:,}")
                raws = _RAWS.decode(self.log.path.read_bytes())
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                value = document_of(self.log.path, self.settings.limits.member_bytes).value
                if not isinstance(value, list):
                    raise DocumentError("not a list") from None
                return value
        except DocumentError as error:
            raise SourceError(
                f"not a tau-bench trajectory file: {error}",
                at=Location(self.log.uri),
                fix="restore the file from its source",
            ) from error
        return [_decoded(raw) for raw in raws]

    def _note(self, document: Any) -> None:
        """What is known of a task and of the run from one trajectory, whether or not it counts."""
        entry, info = as_dict(document), as_dict(as_dict(document).get("info"))
        task_id = _id_of(entry.get("task_id"))
        if task_id and isinstance(info.get("task"), dict):
            self.hashes.setdefault(task_id, _input_hash(info["task"]))
        if model := as_text(info.get("model")):
            self.models.add(model)
        if as_list(entry.get("traj")):
            self.conversations += 1
            text = _system_of(entry["traj"])
            if text is not None:
                self.systems.add(text_hash(text))
                if match := POLICY.match(text):
                    self.environments.add(match[1].lower())

    def _lost(self, index: int, problem: str) -> Iterator[Finding]:
        yield from self.complaints.add(
            "MBE210",
            "error",
            f"entry [{index}] cannot be read: {problem}; its reward is unknown",
            "restore the file from its source, or rerun the trial",
        )

    def _trajectory(self, index: int, document: Any) -> Iterator[Item]:
        entry = as_dict(document)
        task_id = _id_of(entry.get("task_id"))
        if not task_id:
            yield from self._lost(index, "it has no task_id")
            return
        known = self.trials.setdefault(task_id, set())
        trial = entry.get("trial", len(known))
        if as_int(trial) is None or not 0 <= trial < TRIALS:
            yield from self._lost(index, f"its trial is {str(trial)[:40]!a}")
            return
        if trial in known:
            yield from self.complaints.add(
                "MBE213",
                "warning",
                f"entry [{index}] states task {task_id[:80]!a}, trial {trial} again; the first counts",
                "find out which one is right, and remove the other",
            )
            return
        known.add(trial)
        self.read += 1
        info = as_dict(entry.get("info"))
        value, outcome, problem = _settled(entry.get("reward"), info)
        self.errored += outcome == "infra_error"
        self.scored += value is not None
        if problem:
            yield from self.complaints.add(
                "MBE211", "error", f"entry [{index}]: {problem}; it is unknown, not zero", "rerun the trial"
            )
        yield Observation(
            run_key=self.key,
            sample_id=task_id,
            input_hash=self.hashes.get(task_id) or content_hash(NAME, task_id),
            epoch=trial + 1,
            scorer=SCORER,
            value=value,
            label=None,
            outcome=outcome,
            metadata=_metadata(info),
        )
        if self.settings.excerpts:
            yield self._excerpt(task_id, trial + 1, entry, info)

    def _excerpt(self, task_id: str, epoch: int, entry: dict[str, Any], info: dict[str, Any]) -> Excerpt:
        task, most = as_dict(info.get("task")), self.settings.excerpt_chars
        messages = [as_dict(message) for message in as_list(entry.get("traj"))]
        spoken = "\n\n".join(_shown(message) for message in messages if message.get("role") != "system")
        target = canonical_json(task["actions"]) if "actions" in task else None
        why = as_text(info.get("error"))
        return Excerpt(
            run_key=self.key,
            sample_id=task_id,
            epoch=epoch,
            input=cut(as_text(task.get("instruction")) or "", most),
            target=target and cut(target, most),
            output=cut(spoken, most),
            scores=((SCORER, None, None, why and cut(why, most)),),
        )

    def _run(self, sha256: str) -> Iterator[Item]:
        named = named_of(self.log.path.stem)
        model = next(iter(self.models)) if len(self.models) == 1 else named.model
        guessed = (
            [] if model else [f"the model is unknown; it is called {self.log.path.stem!a} as the file is"]
        )
        found = self.environments & set(ENVIRONMENTS)
        environment = next(iter(found)) if len(found) == 1 else named.environment
        if not environment:
            guessed.append("the environment (airline, retail) is unknown; the task is called 'tau_bench'")
        for problem in guessed:
            yield from self.complaints.add(
                "MBE243",
                "warning",
                problem,
                "name the file `<model>-<environment>.json`, or as tau-bench names it",
            )
        status, reason = self._status()
        yield Run(
            run_key=self.key,
            source_format=NAME,
            file_sha256=sha256,
            log_uri=self.log.uri,
            task=f"tau_bench_{environment}" if environment else "tau_bench",
            dataset=f"tau-bench {environment}" if environment else "tau-bench",
            model_requested=model or self.log.path.stem,
            has_system_prompt=bool(self.systems) if self.conversations else None,
            system_prompt_hash=_one_of(self.systems),
            solver=named.solver,
            scorers=(ScorerSpec(name=SCORER),),
            generation_params=named.generation,
            task_args=named.arguments,
            epochs=max((max(trials) for trials in self.trials.values() if trials), default=0) + 1,
            samples_planned=len(self.trials) or None,
            status=status,
            status_reason=reason,
            harness="tau-bench",
        )

    def _status(self) -> tuple[RunStatus, str | None]:
        if self.errored == self.read:
            return "error", f"all {self.read} trajectories ended in an error"
        return "success", None


def named_of(stem: str) -> _Named:
    """What a file name says: strategy, model, temperature and user model, or model and environment."""
    if match := CHECKPOINT.fullmatch(stem):
        arguments: dict[str, Scalar] = {
            "user_model": match["user"],
            "user_strategy": match["user_strategy"],
            "start_index": int(match["start"]),
            "end_index": int(match["end"]),
        }
        temperature: dict[str, Scalar] = {"temperature": float(match["temperature"])}
        return _Named(match["model"], None, match["strategy"], temperature, arguments)
    if match := NAMED.fullmatch(stem):
        return _Named(match["model"], match["environment"])
    return _Named()


def _decoded(raw: msgspec.Raw) -> Any:
    try:
        return parsed(bytes(raw)).value
    except DocumentError as error:
        return error


def _id_of(task_id: Any) -> str | None:
    return str(task_id) if as_int(task_id) is not None else as_text(task_id)


def _input_hash(task: dict[str, Any]) -> str:
    """Of what the simulated user is told, and of what must be done and said."""
    target = {key: task.get(key) for key in ("actions", "outputs")}
    return content_hash(task.get("instruction"), None, target)


def _settled(reward: Any, info: dict[str, Any]) -> tuple[float | None, Outcome, str | None]:
    """Value, outcome and what is wrong with it.

    The runner writes a reward of 0 where it caught an exception: that is no measurement of the model.
    """
    if any(info.get(key) not in (None, "") for key in ("error", "traceback")):
        return None, "infra_error", None
    value = as_float(reward)
    if value is None:
        problem = None if reward is None else f"the reward is {str(reward)[:40]!a}, not a finite number"
        return None, "unscored", problem
    return value, "scored", None


def _metadata(info: dict[str, Any]) -> dict[str, str]:
    """What ended the conversation, what the simulated user cost, and the user id of the task."""
    found = {"ended_by": info.get("source"), "user_id": as_dict(info.get("task")).get("user_id")}
    metadata = {
        key: text for key, text in found.items() if isinstance(text, str) and len(text) <= METADATA_CHARS
    }
    cost = as_float(info.get("user_cost"))
    return metadata if cost is None else {**metadata, "user_cost_usd": str(cost)}


def _system_of(messages: Any) -> str | None:
    first = as_dict(messages[0])
    return as_text(first.get("content")) if first.get("role") == "system" else None


def _shown(message: dict[str, Any]) -> str:
    calls = [as_dict(as_dict(call).get("function")) for call in as_list(message.get("tool_calls"))]
    parts = [
        as_text(message.get("content")) or "",
        *(f"{call.get('name')}({call.get('arguments')})" for call in calls),
    ]
    return f"{message.get('role')}: " + "\n".join(filter(None, parts))


def _one_of(hashes: set[str]) -> str | None:
    return next(iter(hashes)) if len(hashes) == 1 else None


SOURCE: Final[Source] = TauBench()
