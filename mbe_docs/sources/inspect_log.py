"""The parts of an Inspect log that are read: everything else is skipped while decoding.

Field names are Inspect's. A field that is missing is `None`; a field of an unexpected type refuses the
document. The header is small and has changed most, so it is typed loosely and read with care. The garbage
collector is told to leave these structs alone (`gc=False`): what was decoded from JSON holds no cycles.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Header(msgspec.Struct, gc=False):
    """`header.json`, `_journal/start.json`, or the top of a `.json` log."""

    version: Any = None
    status: Any = None
    eval: Any = None
    plan: Any = None
    results: Any = None
    stats: Any = None
    error: Any = None
    invalidated: Any = None
    tags: Any = None
    metadata: Any = None


class JsonLog(Header, gc=False):
    """A `.json` log; samples stay undecoded so that a bad one costs only itself."""

    samples: list[msgspec.Raw] | None = None


class Content(msgspec.Struct, gc=False):
    """One part of a message; media are held as a path, a data URL or an attachment reference."""

    type: str | None = None
    text: str | None = None
    image: str | None = None
    audio: str | None = None
    video: str | None = None
    document: str | None = None


class Message(msgspec.Struct, gc=False):
    """A chat message."""

    role: str | None = None
    content: str | list[Content] | None = None


class Usage(msgspec.Struct, gc=False):
    """Tokens and cost, as counted by the provider."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens_cache_read: int | None = None
    input_tokens_cache_write: int | None = None
    reasoning_tokens: int | None = None
    total_cost: float | None = None


class Choice(msgspec.Struct, gc=False):
    """One answer, without its text."""

    stop_reason: str | None = None


class Output(msgspec.Struct, gc=False):
    """What the model answered, without the text."""

    model: str | None = None
    choices: list[Choice] | None = None
    usage: Usage | None = None
    time: float | None = None
    fallback: Any = None


class Score(msgspec.Struct, gc=False):
    """A score, without answer and explanation."""

    value: Any = None


class Limit(msgspec.Struct, gc=False):
    """The limit that ended a sample."""

    type: str | None = None


class Failure(msgspec.Struct, gc=False):
    """The error that ended a sample."""

    message: str | None = None


class Sample(msgspec.Struct, gc=False):
    """One sample × epoch."""

    id: int | str
    epoch: int = 1
    input: str | list[Message] | None = None
    choices: list[str] | None = None
    target: str | list[str] | None = None
    output: Output | None = None
    scores: dict[str, Score] | None = None
    score: Score | None = None
    metadata: dict[str, Any] | None = None
    model_usage: dict[str, Usage] | None = None
    role_usage: dict[str, Usage] | None = None
    started_at: str | None = None
    total_time: float | None = None
    working_time: float | None = None
    error: Failure | str | None = None
    limit: Limit | str | None = None
    invalidation: Any = None
    model_fallbacks: Any = None


class TextChoice(Choice, gc=False):
    """One answer with its text."""

    message: Message | None = None


class TextOutput(Output, gc=False):
    """What the model answered."""

    choices: list[TextChoice] | None = None  # type: ignore[assignment]
    completion: str | None = None


class TextScore(Score, gc=False):
    """A score with its reasons."""

    answer: str | None = None
    explanation: str | None = None


class TextSample(Sample, kw_only=True, gc=False):
    """One sample × epoch with the texts that an excerpt shows."""

    output: TextOutput | None = None
    scores: dict[str, TextScore] | None = None  # type: ignore[assignment]
    score: TextScore | None = None


class Attachments(msgspec.Struct, gc=False):
    """Long texts and media that a sample refers to."""

    attachments: dict[str, str] | None = None


class Conversation(msgspec.Struct, gc=False):
    """The messages of a sample: read for the first sample only, to see a system prompt."""

    messages: list[Message] | None = None


class Invalidation(msgspec.Struct, gc=False):
    """Whether a sample was struck out after the run."""

    invalidation: Any = None


HEADER = msgspec.json.Decoder(Header)
JSON_LOG = msgspec.json.Decoder(JsonLog)
SAMPLE = msgspec.json.Decoder(Sample)
TEXT_SAMPLE = msgspec.json.Decoder(TextSample)
ATTACHMENTS = msgspec.json.Decoder(Attachments)
CONVERSATION = msgspec.json.Decoder(Conversation)
INVALIDATION = msgspec.json.Decoder(Invalidation)
