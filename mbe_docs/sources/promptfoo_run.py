"""The runs of a promptfoo export: one per provider and prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mbe_docs.records.base import Scalar
from mbe_docs.records.evals import ReportedMetric
from mbe_docs.records.hashing import text_hash
from mbe_docs.sources.decoding import DocumentError, as_dict, as_float, as_int, as_list, as_text, tolerant
from mbe_docs.sources.inspect_run import scalars

GENERATION = frozenset(
    {
        *("temperature", "top_p", "top_k", "topP", "topK", "min_p", "seed", "n", "stop", "stop_sequences"),
        *("stopSequences", "max_tokens", "maxTokens", "max_completion_tokens", "max_output_tokens"),
        *("maxOutputTokens", "max_new_tokens", "max_gen_len", "presence_penalty", "frequency_penalty"),
        *("repetition_penalty", "reasoning", "reasoning_effort", "thinking", "verbosity", "response_format"),
        *("logit_bias", "service_tier", "tools", "tool_choice", "functions", "effort"),
    }
)
"""Provider settings that can change an answer; others may be addresses or credentials and are not kept."""
COUNTS = {"testPassCount": "passed", "testFailCount": "failed", "testErrorCount": "errors"}


class Config(msgspec.Struct):
    """The configuration as it was resolved."""

    description: Any = None
    providers: Any = None
    defaultTest: Any = None  # noqa: N815  # promptfoo's name


class Summary(msgspec.Struct):
    """`results` of an export, versions 2 and 3."""

    version: Any = None
    timestamp: Any = None
    prompts: Any = None
    results: list[msgspec.Raw] | None = None
    stats: Any = None


class Export(msgspec.Struct):
    """A JSON export."""

    evalId: Any = None  # noqa: N815
    results: Summary = msgspec.field(default_factory=Summary)
    config: Config | None = None
    metadata: Any = None


@dataclass(slots=True)
class Sample:
    """What is remembered of a sample: not its text."""

    sample_id: str
    epochs: int = 0
    """Attempts, one bit each."""
    answer: int | None = None
    """Hash of the first answer."""
    differs: bool = False


@dataclass(slots=True)
class Column:
    """One provider with one prompt: a run."""

    key: str
    provider: str
    label: str | None
    prompt_index: int | None
    prompt_label: str | None
    prompt_raw: str | None
    """Prompt of the first row, as it was sent."""
    config: dict[str, Any]
    """Settings that the rows themselves state: only JSON lines do."""
    samples: dict[str, Sample] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    scorers: dict[str, None] = field(default_factory=dict)
    judges: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    rows: int = 0
    cached: int = 0
    failed: int = 0
    scored: int = 0
    ungraded: int = 0
    stripped: int = 0

    @property
    def who(self) -> str:
        """How findings call it."""
        return ascii((self.label or self.provider)[:80])

    @property
    def epochs(self) -> int:
        """Most attempts that a sample has."""
        return max((sample.epochs.bit_count() for sample in self.samples.values()), default=0)

    def named(self, description: str | None, input_hash: str) -> str:
        """An id for a new sample: its description, with a part of its hash where others have the same."""
        base = description[:200] if description else f"test-{input_hash[:8]}"
        for name in (base, f"{base}#{input_hash[:8]}"):
            if name not in self.names:
                self.names.add(name)
                return name
        number = 2
        while (name := f"{base}#{input_hash[:8]}-{number}") in self.names:
            number += 1
        self.names.add(name)
        return name


def settings_of(export: Export, column: Column) -> dict[str, Any]:
    """The provider's declared configuration; empty where several entries could be meant."""
    if column.config:
        return column.config
    found = []
    for entry in as_list(export.config.providers if export.config else None):
        name, label, config = _entry(entry)
        if name == column.provider and (label == column.label or None in (label, column.label)):
            found.append(config)
    return found[0] if len(found) == 1 else {}


def _entry(entry: Any) -> tuple[str | None, str | None, dict[str, Any]]:
    """Id, label and configuration of a provider: `{id, label, config}`, or `{<id>: {label, config}}`."""
    if isinstance(entry, str):
        return entry, None, {}
    given = as_dict(entry)
    name = as_text(given.get("id"))
    if name is None and len(given) == 1:
        name, inside = next(iter(given.items()))
        given = as_dict(inside)
        name = as_text(given.get("id")) or name
    return name, as_text(given.get("label")), as_dict(given.get("config"))


def generation_of(settings: dict[str, Any]) -> dict[str, Scalar]:
    """Declared settings that can change an answer."""
    nested = as_dict(settings.get("generationConfig"))
    given = {**nested, **settings}
    return scalars({key: value for key, value in given.items() if key in GENERATION and value is not None})


def system_prompt_of(text: str | None) -> tuple[bool | None, str | None]:
    """Whether a prompt in chat form has a system message, and its hash; of other forms nothing is known."""
    if text is None or text.lstrip()[:1] != "[":
        return None, None
    try:
        messages = tolerant(text.encode("utf-8", "replace")).value
    except DocumentError:
        return None, None
    if not isinstance(messages, list) or not all(isinstance(one, dict) and "role" in one for one in messages):
        return None, None
    systems = [str(one.get("content")) for one in messages if one["role"] in ("system", "developer")]
    return bool(systems), text_hash("\n".join(systems)) if systems else None


def template_of(export: Export, column: Column) -> str | None:
    """The prompt before variables were filled in; JSON lines do not have it."""
    return as_text(_prompt(export, column).get("raw"))


def _prompt(export: Export, column: Column) -> dict[str, Any]:
    prompts = as_list(export.results.prompts)
    index = column.prompt_index
    return as_dict(prompts[index]) if index is not None and 0 <= index < len(prompts) else {}


def reported_of(export: Export, column: Column) -> tuple[ReportedMetric, ...]:
    """The sums that promptfoo itself states for the column, cached and failed rows included."""
    metrics = as_dict(_prompt(export, column).get("metrics"))
    counts = [as_int(metrics.get(key)) for key in COUNTS]
    total = sum(count for count in counts if count is not None) or None
    found = [("pass", word, metrics.get(key)) for key, word in COUNTS.items() if key in metrics]
    found += [("score", "sum", metrics["score"])] if "score" in metrics else []
    found += [(f"score/{name}", "sum", value) for name, value in as_dict(metrics.get("namedScores")).items()]
    return tuple(
        ReportedMetric(scorer=scorer, metric=metric, value=as_float(value), n_samples=total)
        for scorer, metric, value in found
    )


def judge_of(export: Export, column: Column) -> str | None:
    """The models that grade; where an assertion names none, the one of the default test."""
    options = as_dict(as_dict(export.config.defaultTest).get("options")) if export.config else {}
    provider = options.get("provider")
    default = as_text(provider) or as_text(as_dict(provider).get("id"))
    return ",".join(sorted(filter(None, (name or default for name in column.judges)))) or None


def expected_rows(export: Export) -> int | None:
    """Rows that the export itself counts."""
    stats = as_dict(export.results.stats)
    counts = [as_int(stats.get(key)) for key in ("successes", "failures", "errors")]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def noticed(column: Column, settings: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Code, problem and fix of what shows over all rows of a column."""
    who = column.who
    if column.cached:
        yield (
            "MBE223",
            f"{column.cached:,} of {column.rows:,} answers of {who} are copies from promptfoo's cache;"
            " they are not counted",
            "rerun with `--no-cache`",
        )
    if column.stripped:
        yield (
            "MBE224",
            f"{column.stripped:,} rows of {who} were exported without texts; tests may look alike",
            "export without the `PROMPTFOO_STRIP_` variables",
        )
    differing = sum(sample.differs for sample in column.samples.values())
    if differing and as_float(settings.get("temperature")) == 0:
        yield (
            "MBE228",
            f"{differing:,} samples of {who} have repeats that differ, although temperature 0 is declared",
            "check that the setting reaches the model; a declared setting is not a fact",
        )
    if column.ungraded:
        yield (
            "MBE229",
            f"{column.ungraded:,} rows of {who} have no assertion; they passed, which says nothing",
            "add assertions to the tests",
        )
