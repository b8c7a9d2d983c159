"""Hand-written files in, records out: places kept, a loose reader, strict checks."""

from mbe_docs.curated.bundle import Curated, load_curated
from mbe_docs.curated.claims import Claim, Mention, find_claims, find_mentions
from mbe_docs.curated.rules import Rule, parse_rule

__all__ = [
    "Claim",
    "Curated",
    "Mention",
    "Rule",
    "find_claims",
    "find_mentions",
    "load_curated",
    "parse_rule",
]
