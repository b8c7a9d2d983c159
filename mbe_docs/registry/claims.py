"""Numbers in prose, held against the data."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

from mbe_docs.curated.bundle import Curated
from mbe_docs.curated.claims import Claim
from mbe_docs.records.estimates import Estimate
from mbe_docs.records.findings import Finding
from mbe_docs.registry.subjects import Subjects
from mbe_docs.registry.wording import interval_text, value_text


def claim_findings(
    curated: Curated, estimates: Mapping[tuple[str, str], Estimate], subjects: Subjects
) -> Iterator[Finding]:
    """A finding for every stated number that the evidence no longer supports to the digits written.

    An alias means the snapshot that it means from its newest day on.
    """
    for claim in curated.claims:
        subject = (
            subjects.snapshot_named(claim.subject, datetime.date.max)
            if claim.subject not in subjects.all
            else claim.subject
        )
        estimate = estimates.get((claim.behavior, subject or claim.subject))
        if estimate is None or estimate.is_partial:
            yield Finding(
                "MBE164",
                "warning" if claim.stated is None else "error",
                f"'{claim.text}' speaks of something that no finished run measured",
                claim.at,
                "take the claim out, or measure it",
            )
        elif claim.stated is not None and not _supports(estimate, claim):
            rate = estimate.rate
            actual = f"{value_text(rate, estimate.unit)} {interval_text(rate, estimate.unit)}"
            exact = rate.value * 100 if claim.is_percent else rate.value
            suffix = " %" if claim.is_percent else ""
            yield Finding(
                "MBE165",
                "error",
                f"'{claim.text}' is not what the evidence says; expected {actual}",
                claim.at,
                f"write `[[rate: {claim.behavior} @ {claim.subject} = {exact:.{claim.digits}f}{suffix}]]`",
            )


def _supports(estimate: Estimate, claim: Claim) -> bool:
    """Whether the value rounds to what is written; a value half-way between two supports both."""
    assert claim.stated is not None
    scale = 100.0 if claim.is_percent else 1.0
    return abs(estimate.rate.value * scale - claim.stated * scale) <= 0.5 * 10.0**-claim.digits + 1e-9
