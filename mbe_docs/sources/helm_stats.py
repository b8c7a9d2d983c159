"""Statistics of one instance of a HELM run: which are scores, which are facts, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from mbe_docs.sources.decoding import as_dict, as_float, as_int, as_list, as_text
from mbe_docs.sources.inspect_samples import scaled
from mbe_docs.sources.scores import Value

Key = tuple[str, int, str]
"""Instance, epoch (trial + 1) and perturbation; the empty one is the headline."""

METRICS: Final = frozenset(
    {
        *("exact_match", "quasi_exact_match", "prefix_exact_match", "quasi_prefix_exact_match"),
        *("quasi_leave_articles_exact_match", "final_number_exact_match", "exact_match_indicator"),
        *("exact_set_match", "iou_set_match", "f1_set_match", "f1_score", "classification_macro_f1"),
        *("rouge_1", "rouge_2", "rouge_l", "bleu_1", "bleu_4", "edit_similarity"),
        *("math_equiv", "math_equiv_chain_of_thought", "chain_of_thought_correctness", "omni_math_accuracy"),
        *("code_eval_acc", "pass", "test_avg", "strict_acc", "absolute_value_difference"),
        *("ifeval_strict_accuracy", "wildbench_score", "wildbench_score_rescaled"),
        *("safety_score", "safety_gpt_score", "safety_llama_score", "toxic_frac", "expected_max_toxicity"),
        *("program_accuracy", "execution_accuracy", "spider_accuracy", "legal_summarization_score"),
    }
)
"""Metrics that are read as scorers, also as `<name>@<k>`: the best of k completions."""
BOOKKEEPING: Final = frozenset(
    {
        *("num_references", "num_train_trials", "num_train_instances", "num_instances", "batch_size"),
        *("num_prompt_tokens", "num_completion_tokens", "num_output_tokens", "num_perplexity_tokens"),
        *("num_bytes", "prompt_truncated", "max_prob", "logprob", "perplexity", "bits_per_byte"),
        *("logprob_per_byte", "inference_runtime", "inference_idealized_runtime"),
        *("inference_denoised_runtime", "inference_runtime_discrepancy", "training_co2_cost"),
        *("training_energy_cost", "finish_reason_length", "finish_reason_stop", "finish_reason_endoftext"),
        *("finish_reason_unknown", "predicted_index", "num_completions", "estimated_num_tokens_cost"),
    }
)
"""Metrics that say something of the request, not of the answer: no scorers, and not complained of."""
FINISH = {
    "finish_reason_length": "length",
    "finish_reason_stop": "stop",
    "finish_reason_endoftext": "endoftext",
}
_AT_K = re.compile(r"@[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the statistics say of a request."""

    tokens_in: int | None = None
    tokens_out: int | None = None
    latency_us: int | None = None
    finish: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def joined(self, other: Facts) -> Facts:
        """These facts, and those of another row of the same attempt where these say nothing."""
        return Facts(
            tokens_in=other.tokens_in if self.tokens_in is None else self.tokens_in,
            tokens_out=other.tokens_out if self.tokens_out is None else self.tokens_out,
            latency_us=other.latency_us if self.latency_us is None else self.latency_us,
            finish=self.finish or other.finish,
            metadata={**other.metadata, **self.metadata},
        )


def perturbation_of(perturbation: Any) -> str:
    """The name of a perturbation, with its seed where it has one; empty for the instance as it is."""
    if perturbation is None:
        return ""
    given = as_dict(perturbation)
    name, seed = as_text(given.get("name")) or "unnamed", as_int(given.get("seed"))
    return name if seed is None else f"{name}#{seed}"


def scores_of(row: dict[str, Any]) -> Iterator[tuple[str, Value, int]]:
    """Name, value and number of values behind it of each metric of use."""
    for name, stat in _named(row):
        if is_metric(name):
            value, count = value_of_stat(stat)
            yield name, value, count


def value_of_stat(stat: dict[str, Any]) -> tuple[Value, int]:
    """The mean of a statistic and how many values it has; without values it is unscored."""
    count = as_int(stat.get("count"))
    if count is None or count < 0:
        return Value(None, None, "its count is not a number"), 0
    if not count:
        return Value(None, None), 0
    total = as_float(stat.get("sum"))
    mean = as_float(stat.get("mean", total / count if total is not None else None))
    return Value(mean, None, "its mean is not a finite number" if mean is None else None), count


def is_metric(name: str) -> bool:
    """Whether a metric is read as a scorer."""
    return _AT_K.sub("", name) in METRICS


def unread_of(rows: list[Any]) -> list[str]:
    """Metrics that are neither read nor known to be no scores, in name order."""
    names = {name for row in rows for name, _ in _named(as_dict(row))}
    return sorted(name for name in names if not is_metric(name) and name not in BOOKKEEPING)


def facts_of(row: dict[str, Any]) -> Facts:
    """Tokens, runtime, finish reason and truncation of the prompt, where the statistics state them."""
    stats = {name: value_of_stat(stat)[0].number for name, stat in _named(row)}
    split = next(
        (text for _, stat in _named(row) if (text := as_text(as_dict(stat["name"]).get("split")))), None
    )
    metadata = {"split": split} if split else {}
    if stats.get("prompt_truncated"):
        metadata["prompt_truncated"] = "true"
    finishes = [reason for name, reason in FINISH.items() if stats.get(name)]
    tokens_out = stats.get("num_output_tokens")
    return Facts(
        tokens_in=scaled(stats.get("num_prompt_tokens"), 1),
        tokens_out=scaled(tokens_out if tokens_out is not None else stats.get("num_completion_tokens"), 1),
        latency_us=scaled(stats.get("inference_runtime"), 1_000_000),
        finish=finishes[0] if len(finishes) == 1 else None,
        metadata=metadata,
    )


def _named(row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for stat in as_list(row.get("stats")):
        name = as_text(as_dict(as_dict(stat).get("name")).get("name"))
        if name is not None:
            yield name, stat
