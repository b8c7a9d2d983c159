"""One result of promptfoo: its shape, what it was, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from mbe_docs.records.evals import Outcome
from mbe_docs.sources.decoding import as_dict, as_int, as_text
from mbe_docs.sources.inspect_samples import LARGEST, scaled
from mbe_docs.sources.lm_eval_lines import decode as decode_as
from mbe_docs.sources.scores import Value, value_of

NULL = msgspec.Raw(b"null")
STRIPPED_OUTPUT = b'"[output stripped]"'
STRIPPED_PROMPT = "[prompt stripped]"
ERROR = 2
"""`failureReason` of a row without an answer."""
REFUSED = frozenset({"content_filter", "content-filter", "refusal", "safety"})
TRUNCATED = frozenset({"length", "max_tokens"})


class Provider(msgspec.Struct, gc=False):
    """The column of the result."""

    id: Any = None
    label: Any = None
    config: Any = None


class Details(msgspec.Struct, gc=False):
    """Parts of the completion's tokens."""

    reasoning: Any = None
    cacheReadInputTokens: Any = None  # noqa: N815  # promptfoo's name


class Usage(msgspec.Struct, gc=False):
    """Tokens of one answer; those of assertions are elsewhere."""

    prompt: Any = None
    completion: Any = None
    completionDetails: Details | None = None  # noqa: N815


class Response(msgspec.Struct, gc=False):
    """What the provider returned."""

    output: msgspec.Raw = NULL
    raw: msgspec.Raw = NULL
    cached: Any = None
    cost: Any = None
    error: Any = None
    isRefusal: Any = None  # noqa: N815
    finishReason: Any = None  # noqa: N815
    guardrails: Any = None
    tokenUsage: Usage | None = None  # noqa: N815


class Grading(msgspec.Struct, gc=False):
    """The verdict over all assertions."""

    score: Any = None
    reason: Any = None
    metadata: Any = None


class Row(msgspec.Struct, gc=False):
    """One element of `results.results`, or one line of a JSON-lines export."""

    provider: msgspec.Raw
    promptIdx: Any = None  # noqa: N815
    testIdx: Any = None  # noqa: N815
    prompt: msgspec.Raw = NULL
    vars: msgspec.Raw = NULL
    testCase: msgspec.Raw = NULL  # noqa: N815
    response: Response | None = None
    success: Any = None
    score: Any = None
    namedScores: Any = None  # noqa: N815
    gradingResult: Grading | None = None  # noqa: N815
    failureReason: Any = None  # noqa: N815
    latencyMs: Any = None  # noqa: N815
    cost: Any = None
    tokenUsage: Usage | None = None  # noqa: N815
    repeatGroupId: Any = None  # noqa: N815
    repeatIndex: Any = None  # noqa: N815


class Answer(msgspec.Struct, gc=False):
    """The provider's own response, where promptfoo kept it."""

    model: Any = None


_ROW = msgspec.json.Decoder(Row)
_NAMED = msgspec.json.Decoder(Answer)


def decode(data: bytes | msgspec.Raw) -> tuple[Row, tuple[str, ...]]:
    """A row and what had to be tolerated in it.

    Raises:
        DocumentError: it is not JSON, or not a result.
    """
    return decode_as(data, _ROW)


def is_cached(row: Row) -> bool:
    """Whether the answer is a copy from promptfoo's cache, as promptfoo's own statistics define it."""
    if row.response is not None and row.response.cached is True:
        return True
    grading = row.gradingResult
    return grading is not None and as_dict(grading.metadata).get("cachedResponse") is True


def outcome_of(row: Row, *, failed: bool) -> tuple[Outcome | None, str | None]:
    """How the attempt ended, `None` where the scores decide; and why the model stopped.

    `guardrails.flagged` does not mean that anything was stopped.
    """
    response = row.response
    stop = as_text(response.finishReason) if response is not None else None
    reason = stop.lower() if stop else None
    is_refusal = response is not None and (response.isRefusal is True or reason in REFUSED)
    if is_refusal:
        return "refused", stop
    if failed:
        return "infra_error", stop
    return ("limited" if reason in TRUNCATED else None), stop


def has_failed(row: Row) -> bool:
    """Whether there is no answer: 0 and `false` of such a row are not scores."""
    if as_int(row.failureReason) is not None:
        return bool(row.failureReason == ERROR)
    # Before failure reasons existed, `error` held the text of failed assertions too.
    return row.success is not True and (row.response is None or bool(row.response.error))


def scores_of(row: Row, expected: Iterable[str], *, failed: bool) -> list[tuple[str, Value]]:
    """Scorers and values: `pass`, `score`, and `score/<name>` for named scores and metrics of assertions."""
    names = as_dict(row.namedScores)
    if failed or is_ungraded(row):
        missing = [name for name in expected if name not in names]
        unknown = Value(None, None)
        return [
            (name, unknown) for name in ("pass", "score", *(f"score/{one}" for one in [*names, *missing]))
        ]
    success = row.success
    passed = Value(float(success), "pass" if success else "fail") if isinstance(success, bool) else None
    found = [("pass", passed or value_of(success)), ("score", value_of(_score(row)))]
    return found + [(f"score/{name}", value_of(value)) for name, value in names.items()]


def is_ungraded(row: Row) -> bool:
    """Whether the test has no assertion: promptfoo lets such a row pass with 1, which measures nothing."""
    return row.gradingResult is not None and row.gradingResult.reason == "No assertions"


def _score(row: Row) -> Any:
    """The score; promptfoo stores 0 where there was none, as in a row that passed without grading."""
    if row.gradingResult is not None and row.gradingResult.score is not None:
        return row.gradingResult.score
    if row.gradingResult is None and row.success is True and row.score == 0:
        return None
    return row.score


def amounts_of(row: Row) -> tuple[int | None, ...]:
    """Tokens in, in from the provider's cache, out, for reasoning; cost in nano-USD; latency in microseconds.

    promptfoo stores 0 for a cost, a latency and tokens that it does not know.
    """
    response = row.response
    own = response.tokenUsage if response is not None else None
    usage = own or row.tokenUsage
    cost = row.cost or (response.cost if response is not None else None)
    bill = scaled(_number(cost), 1_000_000_000) or None if cost else None
    latency = scaled(_number(row.latencyMs), 1_000) or None
    if usage is None:
        return None, None, None, None, bill, latency
    tokens_in, tokens_out = _count(usage.prompt), _count(usage.completion)
    if not tokens_in and not tokens_out:
        tokens_in = tokens_out = None
    details = usage.completionDetails
    if details is None:
        return tokens_in, None, tokens_out, None, bill, latency
    reasoning = _count(details.reasoning)
    if own is None:
        reasoning = reasoning or None
    return tokens_in, _count(details.cacheReadInputTokens) or None, tokens_out, reasoning, bill, latency


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    if type(value) is int:
        return value if 0 <= value <= LARGEST else None
    if isinstance(value, float) and value.is_integer() and 0 <= value <= LARGEST:
        return int(value)
    return None


def answering_model(row: Row) -> str | None:
    """The model that the provider's own response names, where promptfoo kept it."""
    raw = row.response.raw if row.response is not None else NULL
    if bytes(memoryview(raw)[:1]) != b"{":
        return None
    try:
        return as_text(_NAMED.decode(raw).model)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def metadata_of(row: Row, stated: dict[str, str]) -> dict[str, str]:
    """What the test states, and whether guardrails were raised."""
    if row.response is not None and row.response.guardrails is not None:
        flagged = as_dict(row.response.guardrails).get("flagged")
        if isinstance(flagged, bool):
            return stated | {"guardrails.flagged": "true" if flagged else "false"}
    return stated
