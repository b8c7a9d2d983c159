"""Read results of IFEval and its descendants: `eval_results_strict.jsonl` and `eval_results_loose.jsonl`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.evals import Excerpt, Observation, Outcome, Run, ScorerSpec
from mbe_docs.records.findings import Finding
from mbe_docs.records.hashing import content_hash
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import as_list, as_text
from mbe_docs.sources.every_eval_ever_json import Line, lines_of
from mbe_docs.sources.inspect_messages import cut
from mbe_docs.sources.interface import Item, LogFile, Settings, Source
from mbe_docs.sources.scores import Value, value_of

NAME = "ifeval"
KEYS = (b'"follow_all_instructions"', b'"follow_instruction_list"')
FOLDER = re.compile(r"(?:(?P<language>[a-z]{2})_)?input_response_data_(?P<model>.+)")
"""The folder that says what was run: `es_input_response_data_gpt-4o-2024-08-06`."""
UNSAID = frozenset(
    {"", "data", "eval", "evals", "evaluation", "evaluations", "logs", "output", "outputs", "results"}
)
"""Folder names that are certainly not a model."""


class IFEval:
    """Results of instruction following: per prompt and per instruction, strict or loose."""

    name: str = NAME
    extensions: tuple[str, ...] = (".jsonl",)

    def claims(self, path: Path, head: bytes) -> bool:
        """JSON lines whose first line has the keys of IFEval results."""
        return path.suffix.lower() == ".jsonl" and any(key in head for key in KEYS)

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """Observations in line order, the prompt before its instructions, then the run.

        Raises:
            SourceError: no line can be read.
        """
        yield from _Reader(log, settings, Complaints(log.uri)).items()


@dataclass(slots=True)
class _Reader:
    log: LogFile
    settings: Settings
    complaints: Complaints
    key: str = ""
    mode: str = ""
    epochs: Counter[str] = field(default_factory=Counter)
    """Times that a prompt was seen."""
    lines: int = 0
    scored: int = 0
    is_cut: bool = False

    def items(self) -> Iterator[Item]:
        """Everything the file states."""
        sha256 = self.log.sha256()
        self.key = f"{NAME}:{sha256[:32]}"
        self.mode = "loose" if "loose" in self.log.path.stem.lower() else "strict"
        if "strict" not in self.log.path.stem.lower() and self.mode == "strict":
            yield from self.complaints.add(
                "MBE243",
                "warning",
                "the file name says neither strict nor loose; it is read as strict",
                "name it `eval_results_strict.jsonl` or `eval_results_loose.jsonl`",
            )
        for line in lines_of(self.log.path):
            self.is_cut = line.problem is not None
            yield from self._line(line)
        if not self.epochs:
            raise SourceError(
                f"none of its {self.lines} lines can be read as a result of IFEval",
                at=Location(self.log.uri),
                fix="restore the file from its source",
            )
        yield from self._run(sha256)
        if not self.scored:
            yield from self.complaints.add(
                "MBE215", "warning", "no prompt has a score", "rerun the evaluation"
            )
        yield from self.complaints.rest()

    def _lost(self, line: Line, problem: str) -> Iterator[Finding]:
        yield from self.complaints.add(
            "MBE210",
            "error",
            f"the line cannot be read: {problem}; its scores are unknown",
            "restore the file from its source, or rerun the evaluation",
            line=line.number,
        )

    def _line(self, line: Line) -> Iterator[Item]:
        self.lines += 1
        row = line.value
        prompt, names = as_text(row.get("prompt")), row.get("instruction_id_list")
        if line.problem is not None or prompt is None:
            yield from self._lost(line, line.problem or "it has no prompt")
            return
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            yield from self._lost(line, "its instruction_id_list is not a list of ids")
            return
        for note in line.notes:
            yield from self.complaints.add(
                "MBE216", "note", f"the line is unusual: {note}", "nothing to do", line=line.number
            )
        followed = as_list(row.get("follow_instruction_list"))
        if len(followed) != len(names):
            yield from self.complaints.add(
                "MBE211",
                "error",
                f"{len(followed)} verdicts for {len(names)} instructions; they are unknown, not zero",
                "rerun the evaluation",
                line=line.number,
            )
            followed = [None] * len(names)
        yield from self._scores(line, prompt, names, followed)

    def _scores(self, line: Line, prompt: str, names: list[str], followed: list[Any]) -> Iterator[Item]:
        input_hash = content_hash(prompt, None, names)
        sample_id = input_hash[:16]
        self.epochs[sample_id] += 1
        epoch = self.epochs[sample_id]
        pairs = [(f"prompt_{self.mode}", line.value.get("follow_all_instructions"))]
        pairs += [
            (f"instruction_{self.mode}/{name}", item)
            for name, item in zip(_told_apart(names), followed, strict=True)
        ]
        metadata = {"n_instructions": str(len(names))}
        rows = []
        for scorer, raw in pairs:
            value = _verdict(raw)
            if value.problem:
                yield from self.complaints.add(
                    "MBE211",
                    "error",
                    f"{scorer[:80]!a}: {value.problem}; it is unknown, not zero",
                    "rerun the evaluation",
                    line=line.number,
                )
            number = value.number
            self.scored += number is not None
            outcome: Outcome = "unscored" if number is None else "scored"
            yield Observation(
                self.key, sample_id, input_hash, epoch, scorer, number, value.label, outcome, metadata
            )
            rows.append((scorer, value.label, None, None))
        if self.settings.excerpts:
            most = self.settings.excerpt_chars
            answer = as_text(line.value.get("response")) or ""
            yield Excerpt(self.key, sample_id, epoch, cut(prompt, most), None, cut(answer, most), tuple(rows))

    def _run(self, sha256: str) -> Iterator[Item]:
        folder = self.log.path.absolute().parent.name
        match = FOLDER.fullmatch(folder)
        language = match["language"] if match else None
        if not match:
            is_unsaid = folder.lower() in UNSAID
            yield from self.complaints.add(
                "MBE243",
                "warning" if is_unsaid else "note",
                f"no field states the model; it is called {folder!a} as the folder is",
                "name the folder `input_response_data_<model>`",
            )
        is_cut = self.is_cut
        yield Run(
            run_key=self.key,
            source_format=NAME,
            file_sha256=sha256,
            log_uri=self.log.uri,
            task=f"ifeval_{language}" if language else "ifeval",
            dataset=f"IFEval {language}" if language else "IFEval",
            model_requested=match["model"] if match else folder or "unknown",
            scorers=tuple(ScorerSpec(name=f"{level}_{self.mode}") for level in ("prompt", "instruction")),
            epochs=max(self.epochs.values()),
            samples_planned=len(self.epochs),
            status="partial" if is_cut else "success",
            status_reason="the file is cut off or damaged at its end" if is_cut else None,
            harness="instruction_following_eval",
        )


def _told_apart(names: list[str]) -> Iterator[str]:
    """Instruction ids; one that a prompt gives twice is `<id>#2` the second time."""
    seen: set[str] = set()
    for name in names:
        given, times = name, 1
        while given in seen:
            times += 1
            given = f"{name}#{times}"
        seen.add(given)
        yield given


def _verdict(raw: Any) -> Value:
    value = value_of(raw)
    if value.number is not None and value.number not in (0.0, 1.0):
        return Value(None, None, f"the verdict is {value.number}, neither true nor false")
    return value


SOURCE: Final[Source] = IFEval()
