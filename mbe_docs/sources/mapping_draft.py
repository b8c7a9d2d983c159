"""A mapping file to begin with, guessed from column names."""

from __future__ import annotations

EDIT = "EDIT-ME"


def draft_mapping(uri: str, names: list[str]) -> str:
    """A mapping file to begin with; what no column name suggests is marked for editing."""

    def column(*words: str) -> str:
        for word in words:
            for name in names:
                if word == name.lower().replace(" ", "_"):
                    return "{column: " + _quoted(name) + "}"
        return EDIT

    metrics = [name for name in names if name.lower() in ("score", "correct", "accuracy", "passed", "label")]
    guesses = {
        "task": column("task", "dataset", "eval", "benchmark"),
        "model": column("model", "model_name", "model_id"),
        "sample_id": column("id", "sample_id", "question_id", "index"),
        "input": column("input", "query", "prompt", "question"),
        "target": column("target", "ref_answer", "expected", "reference", "answer_key"),
    }
    lines = [
        f"files: [{_quoted(uri.rsplit('/', 1)[-1])}]",
        *(
            f"{key}: {guess}"
            for key, guess in guesses.items()
            if guess != EDIT or key not in ("input", "target")
        ),
        "metrics:",
        *(f"  {_quoted(name)}: {{column: {_quoted(name)}, type: number}}" for name in metrics or [EDIT]),
        f"# columns: {', '.join(map(_quoted, names[:40]))}",
    ]
    return "\n".join(f"  {line}" for line in lines)


def _quoted(text: str) -> str:
    shown = "".join(char if char.isprintable() else "?" for char in text[:60])
    return "'" + shown.replace("'", "''") + "'"
