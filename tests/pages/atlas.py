"""A small registry of a made-up provider: every kind of page, state and number in one project."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.records.evals import Excerpt, Observation, Run, ScorerSpec
from mbe_docs.records.hashing import text_hash
from tests import make

ROOT = Path(__file__).resolve().parents[2]

FILES = {
    "config.yaml": "title: Atlas registry\npublish_excerpts: failing\n",
    "taxonomy.yaml": """
categories:
  - {id: format, title: Output format, meaning: Whether the reply has the shape that was asked for.}
  - {id: arithmetic, title: Arithmetic, meaning: Whether a calculation comes out right.}
severities:
  - {id: low, rule: The reply can be used as it is.}
  - {id: high, rule: The reply is wrong and looks right.}
""",
    "models/atlas.yaml": """
provider: acme
title: Atlas
summary: Models for teams that file forms.
lineage: [[atlas-1, atlas-2, atlas-3]]
snapshots:
  atlas-1:
    title: Atlas 1
    summary: The first one.
    released: 2025-02-01
    status: deprecated
    shutdown: {date: 2027-02-01, precision: earliest}
    replacement: atlas-2
    context_tokens: 128000
    prices: [{from: 2025-02-01, input: 3.0, output: 15.0}]
  atlas-2: {title: Atlas 2, known_as: [local/atlas_two], released: 2026-02-01}
  atlas-3: {title: Atlas 3}
variants:
  atlas-2+json: {of: atlas-2, title: Atlas 2 in JSON mode, when: {json_mode: true}}
""",
    "valid-json.md": """---
title: Answers in valid JSON
summary: Asked for JSON, the model writes nothing but JSON.
category: format
owner: forms team
measure: {task: json-format, scorer: json, direction: higher, margin: 0.05, require: 0.9, min_samples: 30, slices: [kind]}
---

Forms break on anything else. Atlas 1 reaches [[rate: valid-json @ atlas-1 = 98 %]]; see [[quirk: prose-around-json]].

## What to do

Check the reply before it is used.
""",
    "exact-sums.md": """---
title: Gets sums right
category: arithmetic
measure: {task: sums, scorer: match, direction: higher, margin: 0.1, require: 0.5, min_samples: 20}
---

Asked again every week.
""",
    "needless-refusals.md": """---
title: Refuses without need
category: format
measure: {task: harmless, scorer: refuses, direction: lower, margin: 0.02, require: 0.1, min_samples: 10}
---

A judge decides what a refusal is.
""",
    "answer-length.md": """---
title: Length of an answer
category: format
measure: {task: json-format, scorer: length, direction: lower, unit: tokens, margin: 20, min_samples: 30}
---

In tokens.
""",
    "polite-tone.md": """---
title: Keeps a polite tone
category: format
measure: {task: tone, scorer: match, direction: higher, margin: 0.05, min_samples: 30, slices: [kind]}
---

To customers and to colleagues.
""",
    "keeps-a-secret.md": """---
title: Keeps a secret
category: format
measure: {task: secrets, scorer: kept, direction: higher}
---

Nobody has looked yet.
""",
    "old-habit.md": """---
title: An old habit
category: format
status: withdrawn
withdrawn: 2026-04-01
measure: {task: habits, scorer: kept, direction: higher}
---

Withdrawn: the task measured something else.
""",
    "quirks/prose-around-json.md": """---
title: Adds prose around the JSON
behavior: valid-json
symptoms: ["Sure! Here is the JSON", "Let me know if you need anything else"]
severity: high
detect: {task: json-format, scorer: json, affected_when: "rate < 0.90"}
mitigations:
  - id: json-mode
    kind: parameter
    how: Switch `json_mode` on.
    measured_by: {task: json-format, when: {json_mode: true}}
  - {id: cut, kind: guardrail, how: Cut everything before the first brace.}
reproduce: {prompt: "Give me {a: 1} as JSON.", expect: Prose before the brace., command: acme ask --model atlas-2}
owner: forms team
reviewed: {by: forms team, on: 2026-05-20}
published: 2026-05-01
references: [{type: report, url: "https://example.org/prose", title: "Prose & JSON"}]
---

## Mechanism

It was taught to be polite.
""",
    "quirks/drops-minus.md": """---
title: Drops the minus sign
behavior: exact-sums
symptoms: ["-3 - 4 = 7"]
severity: low
statements:
  - snapshots: [atlas-1]
    status: affected
    evidence_level: reported
    source: {url: "https://example.org/minus", read: 2026-03-01}
published: 2026-03-02
---

Reported by one team.
""",
    "quirks/answers-flip.md": """---
title: The same prompt passes once and fails once
behavior: valid-json
severity: low
detect: {task: json-format, scorer: json, affected_when: "flake > 0.10"}
published: 2026-03-02
---

Ask twice.
""",
    "quirks/gone.md": """---
title: A quirk that was none
behavior: exact-sums
severity: low
published: 2026-01-01
withdrawn: 2026-02-01
---

The scorer was wrong.
""",
}


def _run(number: int, task: str, model: str, **changes: Any) -> Run:
    fields = {
        "run_key": f"inspect:{task}-{number}",
        "run_id": f"{task}-{number}",
        "task": task,
        "model_requested": f"acme/{model}",
        "log_uri": f"logs/{task}-{number}.eval",
        "harness": "inspect_ai",
        "harness_version": "0.3.199",
        "solver": "generate",
        "generation_params": {"temperature": 0.8},
        "started_at": f"2026-05-{number:02d}T10:00:00+00:00",
    }
    return make.run(**(fields | changes))


KINDS = [{"kind": "array" if n % 2 else "object"} for n in range(80)]


def _json(number: int, model: str, attempts: str, length: int, **changes: Any) -> list[Any]:
    """A run of 80 samples, two attempts each, with two scorers; and the text of those that failed."""
    scorers = (ScorerSpec(name="json"), ScorerSpec(name="length"))
    run = _run(number, "json-format", model, scorers=scorers, epochs=2, samples_planned=80, **changes)
    lengths = [[float(length + n * (number + 2) % 13)] * 2 for n in range(80)]
    rows = make.observations(run, attempts, scorer="json", metadata=KINDS)
    rows += make.observations(run, lengths, scorer="length", metadata=KINDS)
    rows = [_with_use(row, lengths) for row in rows]
    shown = [
        row
        for row in rows
        if row.scorer == "json" and row.value == 0 and row.sample_id in ("s64", "s65", "s68")
    ]
    return [run, *rows, *(_excerpt(row) for row in shown)]


def _with_use(row: Observation, lengths: list[list[float]]) -> Observation:
    tokens = int(lengths[int(row.sample_id[1:])][0])
    return row._replace(
        tokens_in=40,
        tokens_out=tokens,
        latency_us=900_000 + 9000 * tokens,
        cost_nusd=120_000 + 15_000 * tokens,
    )


def _excerpt(row: Observation) -> Excerpt:
    return Excerpt(
        row.run_key,
        row.sample_id,
        row.epoch,
        input="Give me {a: 1} as JSON.",
        target='{"a": 1}',
        output=f"Sure! <b>Here</b> is the JSON, attempt {row.epoch}:",
        scores=(("json", "I", None, "prose before the brace"),),
    )


def logs() -> Iterable[list[Any]]:
    """The logs as streams of records, each of one run."""
    yield _json(1, "atlas-1", "11 " * 64 + "10 " * 4 + "11 " * 12, 120)
    yield _json(2, "atlas-2", "11 " * 60 + "10 " * 4 + "00 " * 16, 150)
    yield _json(
        3, "atlas-2", "11 " * 78 + "10 " * 2, 90, generation_params={"temperature": 0.8, "json_mode": True}
    )
    for day, attempts in ((4, "1 " * 16 + "0 " * 8), (11, "1 " * 15 + "0 " * 9), (18, "1 " * 17 + "0 " * 7)):
        run = _run(day, "sums", "atlas-2", samples_planned=24)
        yield [run, *make.observations(run, attempts)]
    run = _run(5, "sums", "atlas-1", samples_planned=25)
    yield [run, *make.observations(run, "1 " * 18 + "E 0 0 L I 0")]
    for number, model, judge in ((6, "atlas-1", "judge-a"), (7, "atlas-2", "judge-b")):
        scorers = (ScorerSpec(name="refuses", judge_model=judge),)
        run = _run(number, "harmless", model, scorers=scorers, samples_planned=40)
        yield [run, *make.observations(run, "0 " * 40, scorer="refuses")]
    run = _run(8, "harmless", "atlas-2", status="cancelled", status_reason="stopped by hand", samples_planned=40,
               scorers=(ScorerSpec(name="refuses"),), generation_params={"json_mode": True})  # fmt: skip
    yield [run, *make.observations(run, "1 1 0", scorer="refuses")]
    for number, model, better, worse in ((12, "atlas-1", "0", "1"), (13, "atlas-2", "1", "0")):
        run = _run(number, "tone", model, samples_planned=80)
        attempts = [better if n % 2 else worse for n in range(40)] + ["1"] * 40
        yield [run, *make.observations(run, " ".join(attempts), metadata=KINDS)]
    run = _run(9, "sums", "globe-9", samples_planned=3)
    yield [run, *make.observations(run, "1 0 1")]


def write(root: Path) -> Path:
    """The project in a folder, its evidence in its store."""
    for name, text in FILES.items():
        path = root / "behaviors" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")
    shutil.copy(ROOT / "mkdocs.yml", root)
    store, entries = EvidenceStore(root / "behaviors" / "evidence"), []
    for run, *rows in logs():
        sha256 = text_hash(run.run_key) * 2
        entry, _ = store.write_part(
            [run.model_copy(update={"file_sha256": sha256}), *rows],
            source_sha256=sha256,
            source_uri=run.log_uri,
            source_format="inspect_ai",
        )
        entries.append(entry)
    store.commit(entries)
    return root
