"""One request of a HELM run: what was asked, what came back, and how it ended."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from mbe_docs.records.hashing import content_hash
from mbe_docs.sources.decoding import as_dict, as_float, as_int, as_list, as_text
from mbe_docs.sources.every_eval_ever_json import time_of
from mbe_docs.sources.helm_stats import Key, perturbation_of

REFUSED = re.compile(
    r"content[ _-]?(?:filter|polic|block|management)|safety|recitation|blocked", re.IGNORECASE
)
"""How providers say that a filter stopped an answer, in errors and finish reasons."""
TRIALS = 100_000


class Request(NamedTuple):
    """The requests of one attempt; methods that ask once per option have several."""

    key: Key
    input_hash: str
    asked: str
    target: str | None
    answer: str
    error: str | None
    is_refused: bool
    finish: str | None
    time: float | None
    """Seconds since 1970."""
    metadata: dict[str, str]

    @property
    def started_at(self) -> str | None:
        """When the answer was made, ISO 8601 in UTC."""
        return time_of(self.time)

    def joined(self, other: Request) -> Request:
        """The attempt with another request of it: one that failed makes the attempt fail."""
        return self._replace(
            error=self.error or other.error,
            is_refused=self.is_refused or other.is_refused,
            finish=self.finish if self.finish == other.finish else None,
        )


def requests_of(state: Any) -> Request | None:
    """The request that a request state states; `None` where it names no instance."""
    entry = as_dict(state)
    instance = as_dict(entry.get("instance"))
    instance_id, trial = as_text(instance.get("id")), as_int(entry.get("train_trial_index", 0))
    if instance_id is None or trial is None or not 0 <= trial < TRIALS:
        return None
    result = as_dict(entry.get("result"))
    completions = [as_dict(one) for one in as_list(result.get("completions"))]
    first = completions[0] if completions else {}
    finish = as_text(as_dict(first.get("finish_reason")).get("reason"))
    error = _error_of(entry, result)
    references = [as_dict(reference) for reference in as_list(instance.get("references"))]
    correct = [_text(one) for one in references if "correct" in as_list(one.get("tags"))]
    asked = as_text(as_dict(instance.get("input")).get("text")) or as_text(instance.get("input")) or ""
    choices = [_text(one) for one in references] if len(references) > 1 else None
    target = "\n".join(correct) if correct else None
    return Request(
        key=(instance_id, trial + 1, perturbation_of(instance.get("perturbation"))),
        input_hash=content_hash(asked, choices, target),
        asked=asked,
        target=target,
        answer=as_text(first.get("text")) or "",
        error=error,
        is_refused=any(REFUSED.search(text) for text in (error, finish) if text),
        finish=finish,
        time=as_float(result.get("request_datetime")),
        metadata=_metadata(entry, instance),
    )


def _error_of(entry: dict[str, Any], result: dict[str, Any]) -> str | None:
    """Why the request failed; `None` where it did not."""
    if "result" not in entry:
        return "the request has no result"
    if result.get("success") is False or as_text(result.get("error")):
        return as_text(result.get("error")) or "the request failed"
    return None


def _metadata(entry: dict[str, Any], instance: dict[str, Any]) -> dict[str, str]:
    found = {key: as_text(instance.get(key)) for key in ("split", "sub_split")}
    if entry.get("prompt_truncated") is True:
        found["prompt_truncated"] = "true"
    return {key: text for key, text in found.items() if text is not None}


def _text(reference: dict[str, Any]) -> str:
    return as_text(as_dict(reference.get("output")).get("text")) or ""
