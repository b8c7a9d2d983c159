"""Whether two runs may be compared at all, and how."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["paired", "paired_partial", "unpaired", "refuse"]

# Slots that change the question: a difference in any of them is a refusal, not a result.
DECIDING_FIELDS: Final = (
    "behaviour",
    "task_version",
    "scorer",
    "scorer_version",
    "scorer_config_hash",
    "judge_model",
    "generation_config_hash",
    "scale",
    "better",
)
POOL_FIELD: Final = "dataset_hash"
FULL_OVERLAP: Final = 0.8


@dataclass(frozen=True, slots=True)
class Comparability:
    """How two runs may be compared.

    Attributes:
        mode: On common samples (flagged as partial under 80% of the smaller set), on two draws from one
            pool, or not at all.
        reason: The field to blame for a refusal, else None.
        differing: Every deciding field that differs, in order.
        unknown: Deciding fields known for neither run: not seen to differ, nor to be equal.
        common_samples: Number of samples in both runs.
    """

    mode: Mode
    reason: str | None
    differing: tuple[str, ...]
    unknown: tuple[str, ...]
    common_samples: int


def comparability(
    old: Mapping[str, str | None],
    new: Mapping[str, str | None],
    old_samples: Set[str],
    new_samples: Set[str],
    *,
    fields: Sequence[str] = DECIDING_FIELDS,
    pool_field: str = POOL_FIELD,
) -> Comparability:
    """How the runs described by `old` and `new` may be compared, given the content hashes of their samples.

    A deciding field must be equal or unknown (None or missing) on both sides; known on one side only is a
    difference. Without a common sample, both must name the same pool in `pool_field`.
    """
    differing = tuple(name for name in fields if old.get(name) != new.get(name))
    unknown = tuple(name for name in fields if old.get(name) is None and new.get(name) is None)
    common = len(old_samples & new_samples)
    smaller = min(len(old_samples), len(new_samples))
    mode: Mode = "paired"
    if differing or not (common or _is_one_pool(old.get(pool_field), new.get(pool_field))):
        mode = "refuse"
    elif not common:
        mode = "unpaired"
    elif common < FULL_OVERLAP * smaller:
        mode = "paired_partial"
    reason = (*differing, pool_field)[0] if mode == "refuse" else None
    return Comparability(mode, reason, differing, unknown, common)


def _is_one_pool(old: str | None, new: str | None) -> bool:
    return old is not None and old == new
