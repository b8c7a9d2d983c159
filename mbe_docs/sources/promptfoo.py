"""Read exports of promptfoo: `promptfoo eval -o results.json` and `-o results.jsonl`."""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.evals import Excerpt, Observation, Run, RunStatus, ScorerSpec
from mbe_docs.records.findings import Finding
from mbe_docs.records.hashing import canonical_json, content_hash, text_hash
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import (
    BYTE_ORDER_MARK,
    DocumentError,
    as_dict,
    as_int,
    as_text,
    decode as decode_document,
)
from mbe_docs.sources.inspect_messages import cut
from mbe_docs.sources.inspect_run import scalars, utc
from mbe_docs.sources.interface import HEAD_BYTES, Item, LogFile, Settings, Source
from mbe_docs.sources.lm_eval_lines import lines_of
from mbe_docs.sources.promptfoo_rows import (
    STRIPPED_OUTPUT,
    STRIPPED_PROMPT,
    Provider,
    Row,
    amounts_of,
    answering_model,
    anything,
    decode,
    identity_of,
    is_cached,
    is_ungraded,
    judges_of,
    metadata_of,
    outcome_of,
    scores_of,
)
from mbe_docs.sources.promptfoo_run import (
    Column,
    Export,
    Sample,
    default_judge,
    expected_rows,
    generation_of,
    reported_of,
    settings_of,
    system_prompt_of,
    template_of,
)
