"""A diff for programs: `json-v1`, whose fields are added to and never change."""

from __future__ import annotations

import json

from mbe_docs.registry import wording
from mbe_docs.registry.diff import Diff


class _JsonV1:
    name = "json-v1"

    def render(self, diff: Diff) -> str:
        """One JSON object; verdict counts, then every comparison as the registry publishes it."""
        comparisons = list(diff.comparisons)
        content = {
            "format": "json-v1",
            "old": diff.old,
            "new": diff.new,
            "headline": wording.headline(comparisons, diff.titles),
            "counts": dict(wording.verdict_counts(comparisons)),
            "comparisons": [comparison.model_dump(mode="json") for comparison in comparisons],
        }
        return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


REPORT = _JsonV1()
