"""Write the pages that come from the code: `python docs/generate.py`, or `--check` to only compare.

Commands from click, settings and records from their classes, templates from their views and blocks, and the table of
formats in README.md from the readers that are found.
"""

# A script whose functions are named after what they write; its text is prose, and it prints.
# ruff: noqa: D103, E501, PLR0911, T201

from __future__ import annotations

import ast
import dataclasses
import datetime
import importlib
import inspect
import re
import sys
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from mbe_docs import bundled
from mbe_docs.cli.main import COMMANDS, cli
from mbe_docs.config import Config, Policy, Secrets
from mbe_docs.curated.registered import render_check_reference
from mbe_docs.plugins import discover
from mbe_docs.project.reading import sources
from mbe_docs.records import behaviors, estimates, evals, models, quirks, registry
from mbe_docs.registry.exceptions import ExceptionRule

ROOT = Path(__file__).resolve().parents[1]
NOTICE = "<!-- Written by docs/generate.py; change the code, then run it again. -->\n\n"
TAKES = {"integer range": "whole number", "integer": "whole number", "float": "number"}
"""What options take, by click's word."""
GIVEN = {"id", "path", "body"}
"""Fields of notes that are not written as keys."""


UNSAID = {
    "Behavior.title": "What the model does, as a statement.",
    "Behavior.category": "An id of `behaviors/taxonomy.yaml`.",
    "Behavior.owner": "A team that answers questions about it.",
    "Behavior.status": "`draft`: not complained about when nothing measures it. `withdrawn`: kept at its address, not measured.",
    "Behavior.withdrawn": "Since when; required with `status: withdrawn`.",
    "Behavior.aliases": "Ids it had before.",
    "Measure.task": "Name in the log.",
    "Measure.task_version": "Only runs of this version.",
    "Measure.scorer": "Name in the log; `scorer/key` for one key of a score with several.",
    "Measure.unit": "What the score counts.",
    "Measure.min_samples": "Below it nothing is decided.",
    "Quirk.behavior": "Id of the behavior it limits.",
    "Quirk.symptoms": "What people see: literal pieces of replies, searched in the catalogue.",
    "Quirk.severity": "By the rules of `behaviors/taxonomy.yaml`.",
    "Quirk.detect": "When a model counts as affected; without it only authored statements count.",
    "Quirk.statements": "Authored statuses.",
    "Quirk.mitigations": "What helps.",
    "Quirk.owner": "A team that answers questions about it.",
    "Quirk.withdrawn": "Since when it no longer stands; its page stays.",
    "Quirk.aliases": "Ids it had before.",
    "Family.provider": "Who publishes the models.",
    "Family.snapshots": "By id.",
    "Family.aliases": "What each moving name meant, and when.",
    "Family.variants": "By id.",
    "Snapshot.replacement": "The snapshot to move to.",
    "Snapshot.prices": "Oldest first.",
    "Snapshot.served_by": "The same weights on other platforms.",
    "Variant.of": "Id of its snapshot.",
    "Config.title": "Title of the site.",
    "Config.description": "One sentence for search engines and feeds.",
    "Config.generator": "What turns pages into a site.",
    "Config.site_url": "Where the site will be; for canonical addresses and the sitemap.",
    "Config.publish_excerpts": "Which texts of prompts and replies are read and shown.",
    "Config.policy": "When two runs may be compared.",
    "Config.secrets": "What becomes of keys, tokens and passwords in logs.",
    "Policy.alpha": "False discovery rate among the changes that a page reports.",
}
"""Meanings that the code leaves unsaid; its own text wins."""


# ---- what the code says of itself


def field_docs(cls: type) -> dict[str, str]:
    """The text below each field of a class, as one line; else what `UNSAID` has."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(tree, ast.ClassDef)
    unsaid = {
        key.partition(".")[2]: text for key, text in UNSAID.items() if key.startswith(f"{cls.__name__}.")
    }
    found = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            found[field.target.id] = " ".join(str(text.value.value).split())
    return unsaid | found


def summary(thing: Any) -> str:
    """The docstring as it stands, without indents."""
    return inspect.cleandoc(thing.__doc__ or "")


def words(annotation: Any) -> str:
    """A type in plain words: `list of text`, `higher, lower or neither`, `date`."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return "id" if any("a-z0-9" in str(item) for item in args[1:]) else words(args[0])
    if origin is typing.Literal:
        return " · ".join(f"`{value}`" for value in args)
    if origin in (typing.Union, types.UnionType):
        inner = [arg for arg in args if arg is not type(None)]
        return "text, number or truth value" if len(inner) > 2 else " or ".join(map(words, inner))
    if origin is tuple:
        if args[-1] is Ellipsis:
            return f"list of {words(args[0])}"
        kinds = [words(arg) for arg in args]
        return f"{len(args)} × {kinds[0]}" if len(set(kinds)) == 1 else f"({', '.join(kinds)})"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping to {words(args[1])}"
    if isinstance(annotation, type) and (
        issubclass(annotation, BaseModel) or dataclasses.is_dataclass(annotation)
    ):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    names = {str: "text", int: "whole number", float: "number", bool: "truth value", datetime.date: "date"}
    return names.get(annotation, str(getattr(annotation, "__name__", annotation)))


def default_words(field: Any) -> str:
    """What counts where a key is left out."""
    if field.is_required():
        return "required"
    value = field.default
    if value is PydanticUndefined or value is None or value in ((), {}, ""):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell(text) for text in line)} |\n" for line in lines)


def below(*tops: type[BaseModel]) -> list[type[BaseModel]]:
    """The records and all records inside of them, each once, each after the first that holds it."""
    found: list[type[BaseModel]] = []

    def visit(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if annotation not in found:
                found.append(annotation)
                for field in annotation.model_fields.values():
                    visit(field.annotation)
        else:
            for arg in typing.get_args(annotation):
                visit(arg)

    for top in tops:
        visit(top)
    return found


def record_section(record: type[BaseModel], *, level: int, without: set[str] = frozenset()) -> str:
    """Heading, docstring and fields of a record."""
    docs = field_docs(record)
    rows = [
        (f"`{field.alias or name}`", words_of(field), default_words(field), docs.get(name, ""))
        for name, field in record.model_fields.items()
        if name not in without
    ]
    heading = f"{'#' * level} {record.__name__}\n\n{summary(record)}\n\n"
    return heading + table(("key", "holds", "default", "meaning"), rows) + "\n"


def words_of(field: Any) -> str:
    if any(getattr(item, "pattern", None) for item in field.metadata):
        return "id"
    return words(field.annotation)


# ---- pages


def cli_page() -> str:
    parts = [
        "# Commands\n\n",
        NOTICE,
        "`mbe-docs COMMAND`. Standard output is the product, standard error is about the run: findings, progress.\n\n",
        "| exit code | it means |\n| --- | --- |\n| 0 | nothing to report |\n"
        "| 1 | findings, at or above `--fail-on` where a command has it |\n"
        "| 2 | could not run: usage, unreadable input, a generator that failed, nothing to work on, a bug |\n\n",
        "Options of the whole program stand before the command: `mbe-docs -q ingest logs`. "
        "Colors appear on a terminal only; `NO_COLOR` is obeyed. "
        "Every option of a command can be set by the environment variable beside it.\n\n",
        table(
            ("option", "meaning"),
            [(f"`{' '.join(p.opts)}`", p.help or "") for p in cli.params if isinstance(p, click.Option)],
        ),
        "\n",
    ]
    for name in COMMANDS:
        command = importlib.import_module(f"mbe_docs.cli.{name}").command
        parts.extend(command_section(command, ("mbe-docs", name), 2))
    return "".join(parts)


def command_section(command: click.Command, path: tuple[str, ...], level: int) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join(path))
    yield f"{'#' * level} {' '.join(path)}\n\n"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"`{' '.join(path)} {usage}`\n\n{inspect.cleandoc(command.help or '')}\n\n"
    prefix = "_".join(("MBE_DOCS", *path[1:])).upper().replace("-", "_")
    rows = [
        (
            ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts)),
            ""
            if option.is_flag
            else TAKES.get(option.type.name, option.type.name)
            if not isinstance(option.type, click.Choice)
            else " · ".join(f"`{choice}`" for choice in option.type.choices),
            f"`{option.default}`"
            if isinstance(option.default, str | int | float) and not option.is_flag
            else "",
            option.help or "",
            f"`{option.envvar or f'{prefix}_{str(option.name).upper()}'}`",
        )
        for option in command.params
        if isinstance(option, click.Option)
    ]
    if rows:
        yield table(("option", "takes", "default", "meaning", "variable"), rows) + "\n"
    for name, inner in getattr(command, "commands", {}).items():
        yield from command_section(inner, (*path, name), level + 1)


def configuration_page() -> str:
    def section(model: type[BaseModel]) -> str:
        docs = field_docs(model)
        rows = []
        for name, field in model.model_fields.items():
            default = default_words(field)
            if isinstance(field.default, tuple):
                default = ", ".join(f"`{value}`" for value in field.default)
            rows.append((f"`{name}`", words_of(field), default, docs.get(name, "")))
        return table(("key", "holds", "default", "meaning"), rows)

    return (
        "# Configuration\n\n"
        + NOTICE
        + "`behaviors/config.yaml`. Every key has a default, and an empty file is "
        "fine. An unknown key or value stops every command, with its place.\n\n"
        "```yaml file=behaviors/config.yaml\ntitle: Model behavior registry\ngenerator: mkdocs\n"
        "publish_excerpts: none\npolicy:\n  max_missing: 0.10\n  alpha: 0.05\n```\n\n"
        f"## Keys\n\n{section(Config)}\n"
        "`publish_excerpts` decides whether the text of attempts is read at ingest and shown on the pages of runs: "
        "not at all, of attempts without full marks, or of all.\n\n"
        f"## Policy\n\n{summary(Policy)}\n\n{section(Policy)}\n"
        f"## Secrets\n\n{summary(Secrets)} See [Secrets](../explanation/secrets.md).\n\n{section(Secrets)}\n"
        "Look and theme are set in `mkdocs.yml`. Title, address, navigation and folders are put in at build.\n"
    )


def records_page() -> str:
    parts = [
        "# Files that people write\n\n",
        NOTICE,
        "A behavior and a quirk are Markdown files with keys between two lines `---`, and text below. A family is a "
        "YAML file. The file name is the id: lower-case letters, digits and hyphens. One value stands for a list of "
        "one; an empty value is a key left out. All mistakes that are found are in [checks](checks.md).\n\n",
        "| file | record |\n| --- | --- |\n| `behaviors/ID.md` | [Behavior](#behavior) |\n"
        "| `behaviors/quirks/ID.md` | [Quirk](#quirk) |\n| `behaviors/models/ID.yaml` | [Family](#family) |\n"
        "| `behaviors/taxonomy.yaml` | [Taxonomy](#taxonomy) |\n"
        "| `behaviors/exceptions.yaml`, a list | [ExceptionRule](#exceptionrule) |\n"
        "| `behaviors/config.yaml` | [Configuration](configuration.md) |\n\n",
    ]
    tops = (behaviors.Behavior, quirks.Quirk, models.Family, behaviors.Taxonomy, ExceptionRule)
    for record in below(*tops):
        keyed = record in (models.Snapshot, models.Variant)
        without = GIVEN if record in tops else {"id"} if keyed else set()
        parts.append(record_section(record, level=2 if record in tops else 3, without=without))
        if keyed:
            parts.append(f"The id of a {record.__name__.lower()} is its key in the family's file.\n\n")
    return "".join(parts).rstrip("\n") + "\n"


def registry_page() -> str:
    seen = set(below(behaviors.Behavior, quirks.Quirk, models.Family, behaviors.Taxonomy))
    parts = [
        "# registry.json\n\n",
        NOTICE,
        "`site/registry.json` is the whole registry for programs; its JSON Schema is `site/schema/registry.json`. Keys "
        "are sorted and each list holds one record a line, so that two releases can be compared with any diff. Fields "
        "are added, never renamed or removed, within a major version. `content_hash` is the SHA-256 of the same text "
        "with that field empty.\n\n"
        "Numbers are in the behavior's unit: a proportion of 0.2 is printed as 20 %. Behaviors, quirks, families and "
        "the taxonomy are the [records that people write](records.md), with their ids.\n\n",
    ]
    for record in below(registry.Registry):
        if record not in seen:
            parts.append(record_section(record, level=2))
    text = "".join(parts).rstrip("\n") + "\n"
    authored = "|".join(record.__name__ for record in seen)
    text = re.sub(rf"\[({authored})\]\(#", r"[\1](records.md#", text)
    outcome = "## Outcomes of an attempt\n\n" + textwrap.dedent(
        """\
        | outcome | it means | in the rate |
        | --- | --- | --- |
        | `scored` | the scorer gave a value and nothing else is to say | its value |
        | `refused` | the model declined, or a content filter stopped it | its value |
        | `limited` | the reply was cut off, or a limit was hit | its value |
        | `model_error` | timeout, context overflow, unparsable answer | a failure |
        | `unscored` | the scorer declined | left out, lowers coverage |
        | `infra_error` | the harness or the network failed | left out, lowers coverage |
        | absent | planned, and not in the log | left out, lowers coverage |
        """
    )
    return f"{text}\n{outcome}"


def templates_page() -> str:
    folder = bundled.templates()
    parts = [
        "# Templates\n\n",
        NOTICE,
        "Page types, their templates, the blocks that can be replaced, and the fields of `view`. How to do it: "
        "[Override a template](../how-to/override-a-template.md).\n\n",
    ]
    shown: list[type] = []
    for view, template in page_views():
        text = (folder / template).read_text(encoding="utf-8")
        blocks = re.findall(r"{%-?\s*block\s+(\w+)", text)
        parts.append(f"## {template}\n\n{summary(view)}\n\n")
        listed = ", ".join(f"`{name}`" for name in blocks) or "none; replace the whole file"
        parts.append(f"Blocks: {listed}.\n\n")
        parts.append(view_table(view))
        shown.append(view)
    parts.append("## Parts of views\n\n")
    rest = [part for view in shown for part in parts_of(view)]
    for part in sorted(dict.fromkeys(rest), key=lambda part: part.__name__):
        if part not in shown:
            parts.append(f"### {part.__name__}\n\n{summary(part)}\n\n{view_table(part)}")
    return "".join(parts).rstrip("\n") + "\n"


def page_views() -> list[tuple[type, str]]:
    """View class and template of each page type, in name order of the templates.

    A view's class is the one in the page's module that its template is named after, or the only one.
    """
    found = []
    templates = {path.name for path in bundled.templates().glob("*.md.j2")}
    for name in sorted(discover("pages", "PAGE")):
        module = importlib.import_module(f"mbe_docs.pages.{name}")
        views = [
            cls
            for cls in vars(module).values()
            if isinstance(cls, type) and cls.__module__ == module.__name__ and cls.__name__.endswith("View")
        ]
        source = inspect.getsource(module)
        named = [template for template in re.findall(r'template="([^"{]+)"', source) if template in templates]
        for view in views:
            stem = view.__name__.removesuffix("View").lower()
            mine = [template for template in templates if template == f"{stem}_index.md.j2"]
            if mine or (named and view is max(views, key=lambda cls: inspect.getsourcelines(cls)[1])):
                found.append((view, (mine or named)[0]))
    return sorted(found, key=lambda pair: pair[1])


def view_table(view: type) -> str:
    docs, hints = field_docs(view), typing.get_type_hints(view)
    rows = [
        (f"`{field.name}`", local(words(hints[field.name])), docs.get(field.name, ""))
        for field in dataclasses.fields(view)
    ]
    return table(("field", "holds", "meaning"), rows) + "\n"


def local(text: str) -> str:
    """Records of the registry are described on their own pages."""
    for module, page in (
        (behaviors, "records.md"),
        (quirks, "records.md"),
        (estimates, "registry-json.md"),
        (evals, "registry-json.md"),
    ):
        for name, cls in vars(module).items():
            if isinstance(cls, type) and issubclass(cls, BaseModel) and cls.__module__ == module.__name__:
                text = text.replace(f"[{name}](#", f"[{name}]({page}#")
    return text


def parts_of(view: type) -> Iterator[type]:
    """The dataclasses inside of a view."""
    for annotation in typing.get_type_hints(view).values():
        yield from (part for part in leaves(annotation) if dataclasses.is_dataclass(part))
        for part in leaves(annotation):
            if dataclasses.is_dataclass(part):
                yield from parts_of(part)


def leaves(annotation: Any) -> Iterator[type]:
    if args := typing.get_args(annotation):
        for arg in args:
            yield from leaves(arg)
    elif isinstance(annotation, type):
        yield annotation


def formats_table() -> str:
    """One row per reader: its name, what it reads, its page."""
    pages = {
        plain(path.stem.removeprefix("sources-")): path
        for path in (ROOT / "docs/reference").glob("sources-*.md")
    }
    rows = []
    modules = {member.name: module for module, member in discover("sources", "SOURCE").items()}
    for name in sorted(sources()):
        module = sys.modules[f"mbe_docs.sources.{modules[name]}"]
        reads = (module.__doc__ or "").strip().splitlines()[0].removeprefix("Read ")
        page = pages.get(plain(name)) or pages.get(plain(modules[name]))
        link = f"[fields and limits](docs/reference/{page.name})" if page else ""
        rows.append((f"`{name}`", reads[:1].upper() + reads[1:], link))
    return table(("format", "reads", "reference"), rows)


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


# ---- writing


def generated() -> dict[Path, str]:
    """Every generated page, and README.md with its table."""
    reference = ROOT / "docs" / "reference"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    marked = re.compile(r"(<!-- formats -->\n).*?(<!-- /formats -->)", re.DOTALL)
    return {
        reference / "checks.md": render_check_reference(),
        reference / "cli.md": cli_page(),
        reference / "configuration.md": configuration_page(),
        reference / "records.md": records_page(),
        reference / "registry-json.md": registry_page(),
        reference / "templates.md": templates_page(),
        ROOT / "README.md": marked.sub(lambda match: match[1] + formats_table() + match[2], readme),
    }


def main() -> int:
    """Write what differs; with `--check` say it and exit 1."""
    differing = [
        path
        for path, text in generated().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path in differing:
        name = path.relative_to(ROOT).as_posix()
        if "--check" in sys.argv[1:]:
            print(f"{name} is out of step; run `python docs/generate.py`")
        else:
            path.write_text(generated()[path], encoding="utf-8", newline="\n")
            print(f"wrote {name}")
    return int(bool(differing) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
