"""The project's configuration: `behaviors/config.yaml`, with defaults for everything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mbe_docs.errors import ConfigError, Location
from mbe_docs.safe_yaml import List, Map, Node, Problem, Text, closest, quote, read

FailOn = Literal["regressed", "inferior", "inconclusive", "any-change", "never"]
"""What counts as a finding of a diff; each but `never` includes those before it."""


class Policy(BaseModel):
    """When two runs may be compared; strict by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refuse_on: tuple[str, ...] = (
        "task_version",
        "dataset_revision",
        "scorer_parameters",
        "judge_model",
        "solver",
        "generation_params",
        "system_prompt",
        "task_args",
    )
    """Slots of the fingerprint that change the question."""
    max_missing: float = 0.10
    """Share of infrastructure errors and absent attempts above which nothing is decided."""
    alpha: float = 0.05
    fail_on: FailOn = "regressed"
    """What `mbe-docs diff` fails at, unless it is told otherwise."""
    require_decided: bool = False
    """Whether undecided and not comparable behaviors fail a diff as well."""


class Secrets(BaseModel):
    """What becomes of API keys, tokens and passwords in logs. They are always masked; this says what else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow: tuple[Annotated[str, Field(pattern="^[0-9a-f]{64}$")], ...] = ()
    """SHA-256 of texts that look like a secret and are none; the finding of an ingest names them."""
    strict: bool = False
    """Whether a log with a secret is refused, and nothing is built from a store that has one."""


class Config(BaseModel):
    """Settings of one project; unknown keys are refused with their place."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = "Model behavior registry"
    description: str | None = None
    generator: Literal["mkdocs", "zensical"] = "mkdocs"
    site_url: str | None = None
    publish_excerpts: Literal["none", "failing", "all"] = "none"
    log_viewer: str | None = None
    """URL pattern of a log viewer, with `{uri}`, `{sample}` and `{epoch}`."""
    policy: Policy = Field(default_factory=Policy)
    secrets: Secrets = Field(default_factory=Secrets)


_SECTIONS: dict[int | str, type[BaseModel]] = {"policy": Policy, "secrets": Secrets}


_VIEWER = re.compile(r"https?://(?:[^\s{}]|\{(?:uri|sample|epoch)\})+")


def config_path(root: Path) -> Path:
    """Where the configuration of a project lives."""
    return root / "behaviors" / "config.yaml"


_EXPECTED = {
    "bool_parsing": "true or false",
    "float_parsing": "a number",
    "float_type": "a number",
    "model_type": "a mapping",
    "string_pattern_mismatch": "a SHA-256: 64 digits and letters from a to f",
    "string_type": "text",
    "tuple_type": "a list",
}
"""What a field holds, by pydantic's name of the mistake."""


def load_config(root: Path) -> Config:
    """The configuration of a project; a missing or empty file gives the defaults.

    Raises:
        ConfigError: the file cannot be read, or has mistakes: all of them, each with its place.
    """
    path = config_path(root)
    name = path.relative_to(root).as_posix()
    if not (path.exists() or path.is_symlink()):
        return Config()
    try:
        real = Path(os.path.realpath(path, strict=True))
        if not real.is_relative_to(os.path.realpath(root)):
            raise ConfigError(
                "a link to a file outside of the project",
                at=Location(name),
                fix="copy the file into the project",
            )
        text = real.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"byte 0x{error.object[error.start]:02x} at offset {error.start} is not UTF-8"
        raise ConfigError(problem, at=Location(name), fix="save the file as UTF-8") from error
    except OSError as error:
        said = (error.strerror or "unknown reason").lower()
        raise ConfigError(
            f"the file cannot be read: {said}", at=Location(name), fix="mend the link, or the permissions"
        ) from error
    node, problems = read(text, name)
    if node is None or problems:
        raise _config_error(problems)
    try:
        config = Config.model_validate(_plain(node))
    except ValidationError as error:
        raise _config_error(tuple(_problems(error, node))) from error
    shares = (("alpha", config.policy.alpha), ("max_missing", config.policy.max_missing))
    wrong = [(key, value) for key, value in shares if not 0 <= value <= 1]
    mistakes = [_no_share(node, key, value) for key, value in wrong]
    if config.log_viewer is not None and not _VIEWER.fullmatch(config.log_viewer):
        found, at = _find(node, ("log_viewer",))
        what = "an http or https address with no other placeholders than {uri}, {sample} and {epoch}"
        text = f"log_viewer is {quote(found)}; expected {what}"
        fix = "write `log_viewer: https://…/?log={uri}&sample={sample}`"
        mistakes.append(Problem("value", text, at, fix))
    if mistakes:
        raise _config_error(tuple(mistakes))
    return config


def _plain(node: Node) -> Any:
    """Text in lists and mappings, as pydantic reads it; an empty value is a key left out."""
    if isinstance(node, Map):
        return {entry.key: _plain(entry.value) for entry in node.entries if not _is_empty(entry.value)}
    if isinstance(node, List):
        return [_plain(item) for item in node.items]
    return {} if node.is_empty else node.text


def _is_empty(node: Node) -> bool:
    return isinstance(node, Text) and node.is_empty


def _no_share(root: Node, key: str, value: float) -> Problem:
    """A share outside 0 to 1; not a number is one, too."""
    _, at = _find(root, ("policy", key))
    return Problem(
        "value", f"policy.{key} is {value:g}; expected a share from 0 to 1", at, f"write `{key}: 0.05`"
    )


def _find(root: Node, path: tuple[int | str, ...]) -> tuple[Node, Location]:
    """The value on a path, or the last one before it is missing; with the place of the text or of its key."""
    node, at = root, root.at
    for part in path:
        if isinstance(node, Map) and (entry := next((e for e in node.entries if e.key == part), None)):
            node, at = entry.value, entry.at
        elif isinstance(node, List) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            at = node.at
    return node, node.at if isinstance(node, Text) and node.text else at


def _problems(error: ValidationError, root: Node) -> Iterator[Problem]:
    """What pydantic found, with the place of the key or value."""
    for detail in error.errors(include_url=False, include_input=False):
        path, kind = detail["loc"], detail["type"]
        node, at = _find(root, path)
        name = ".".join(str(part) for part in path) or "the file"
        if kind == "extra_forbidden":
            section = _SECTIONS.get(path[0], Config) if len(path) > 1 else Config
            known = list(section.model_fields)
            near = closest(str(path[-1]), known)
            fix = f"write `{near}:`" if near else f"remove it; what may stand here: {', '.join(known)}"
            yield Problem("unknown", f"unknown key '{name}'", _key_place(root, path), fix)
            continue
        expected = str(detail.get("ctx", {}).get("expected") or _EXPECTED.get(kind, "another value"))
        words = [word for word in expected.split("'")[1::2] if word]
        near = closest(node.text, words) if isinstance(node, Text) else None
        fix = f"write `{path[-1]}: {near}`" if near else f"write {expected}"
        yield Problem("value", f"{name} is {quote(node)}; expected {expected}", at, fix)


def _key_place(root: Node, path: tuple[int | str, ...]) -> Location:
    """The place of the last key on a path."""
    parent, at = _find(root, path[:-1])
    entries = parent.entries if isinstance(parent, Map) else ()
    return next((entry.at for entry in entries if entry.key == path[-1]), at)


def _config_error(problems: tuple[Problem, ...]) -> ConfigError:
    """One error for all problems: the first in its place, each other on a line with its own."""
    first, *others = sorted(problems, key=lambda problem: (problem.at.line or 0, problem.at.column or 0))
    text = "\n".join((first.text, *(f"{other.at}: {other.text}" for other in others)))
    return ConfigError(text, at=first.at, fix="; ".join(dict.fromkeys((first.fix, *(o.fix for o in others)))))
