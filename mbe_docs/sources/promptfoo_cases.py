"""The test behind a result of promptfoo: what tells it from other tests, and what grades it."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import msgspec

from mbe_docs.sources.decoding import as_dict, as_list, as_text
from mbe_docs.sources.inspect_samples import metadata_text
from mbe_docs.sources.lm_eval_lines import anything, decode
from mbe_docs.sources.promptfoo_rows import NULL, STRIPPED_PROMPT, Row

VARIABLE_CHARS = 50
"""Longest variable that is kept to slice by: a category, never a question."""
GRADED = (
    *("llm-rubric", "model-graded", "factuality", "answer-relevance", "context-", "g-eval", "similar"),
    *(
        "classifier",
        "moderation",
        "select-best",
        "conversation-relevance",
        "search-rubric",
        "trajectory:goal",
    ),
)
"""How the types of assertions begin that ask a model."""


class Test(msgspec.Struct, gc=False):
    """The test case."""

    description: Any = None
    vars: msgspec.Raw = NULL
    assertions: Any = msgspec.field(default=None, name="assert")
    options: Any = None
    metadata: Any = None


class Identity(NamedTuple):
    """What a sample is, apart from the prompt template and the model."""

    input_hash: str
    description: str | None
    is_empty: bool
    """Whether nothing tells it from another sample: variables, assertions and texts were all left out."""


class Case(NamedTuple):
    """What a row states of its test."""

    identity: Identity
    names: tuple[str, ...]
    """Of scores that its assertions give."""
    judges: frozenset[str]
    """Models that grade; an empty text stands for one that the row does not name."""
    metadata: dict[str, str]
    is_by_prompt: bool
    """Whether there are no variables, so that the prompt tells what was asked."""
    notes: tuple[str, ...] = ()
    """What had to be tolerated."""


_TEST = msgspec.json.Decoder(Test | None)
_ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_SORTED = msgspec.json.Encoder(order="sorted")


class Cases:
    """Tests of rows. Rows of one test stand together, one for each provider: it is looked at once."""

    def __init__(self) -> None:
        self._key: tuple[bytes, bytes] | None = None
        self._case: Case | None = None

    def of(self, row: Row) -> Case:
        """The test of a row.

        Raises:
            DocumentError: it is not the shape of a test.
        """
        key = bytes(row.vars), bytes(row.testCase)
        if self._case is None or key != self._key or self._case.is_by_prompt:
            self._key, self._case = key, _case_of(row)
        return self._case


def _case_of(row: Row) -> Case:
    found, test_notes = decode(row.testCase, _TEST)
    test = found or Test()
    given, notes = decode(row.vars, _ANY)
    variables = as_dict(given if given or found is None else anything(test.vars))
    asked: Any = {name: value for name, value in variables.items() if _is_asked(name)}
    is_by_prompt = not asked
    if is_by_prompt:
        asked = as_text(as_dict(anything(row.prompt)).get("raw"))
        asked = None if asked == STRIPPED_PROMPT else asked
    assertions = _assertions_of(test)
    names = dict.fromkeys(as_text(as_dict(one).get("metric")) for one in assertions)
    return Case(
        identity=_identity_of(asked, test),
        names=tuple(name for name in names if name and "{{" not in name),
        judges=_judges_of(test, assertions),
        metadata=_metadata_of(test, variables),
        is_by_prompt=is_by_prompt,
        notes=tuple(dict.fromkeys(test_notes + notes)),
    )


def _is_asked(name: str) -> bool:
    """Whether a variable is a part of the question; those with `_` and `sessionId` differ between repeats."""
    return name[:1] != "_" and name != "sessionId"


def _identity_of(asked: Any, test: Test) -> Identity:
    """By variables, description and assertions, the same for every repeat.

    A test with the same variables and other assertions is another sample. Without variables the rendered
    prompt counts.
    """
    description = as_text(test.description)
    digest = hashlib.sha256(_SORTED.encode((asked, None, (description, test.assertions)))).hexdigest()[:32]
    return Identity(digest, description, not asked and not description and not test.assertions)


def _assertions_of(test: Test) -> list[Any]:
    """Assertions, those inside of sets too."""
    found = []
    for one in as_list(test.assertions):
        found.append(one)
        found += as_list(as_dict(one).get("assert"))
    return found


def _judges_of(test: Test, assertions: list[Any]) -> frozenset[str]:
    found = set()
    for one in assertions:
        kind = one.get("type") if isinstance(one, dict) else None
        if isinstance(kind, str) and kind.removeprefix("not-").startswith(GRADED):
            provider = one.get("provider") or as_dict(test.options).get("provider")
            found.add(as_text(provider) or as_text(as_dict(provider).get("id")) or "")
    return frozenset(found)


def _metadata_of(test: Test, variables: dict[str, Any]) -> dict[str, str]:
    """Metadata of the test, and short variables as `vars.<name>`."""
    found = {
        f"vars.{name}": value
        for name, value in metadata_text(variables).items()
        if len(value) <= VARIABLE_CHARS and _is_asked(name) and "\n" not in value
    }
    return found | metadata_text(as_dict(test.metadata)) if test.metadata else found
