"""The site generator, MkDocs or Zensical: its configuration, one run of it, its server; known only here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from mbe_docs.config import Config
from mbe_docs.errors import ConfigError, GeneratorError, Location
from mbe_docs.pages.interface import PageFile
from mbe_docs.site.render import plain_title
from mbe_docs.text import terminal_safe

Generator = Literal["mkdocs", "zensical"]
CONFIG: Final = "mkdocs.yml"
"""Name of the project's settings of the site, and of the ones generated from it."""
STYLES: Final[Mapping[Generator, str]] = {
    "mkdocs": "'self'",
    # Its search (0.0.73) writes a style sheet into its own shadow tree from a script.
    "zensical": "'self' 'unsafe-inline'",
}
"""Where style sheets come from, for the Content-Security-Policy."""
_PATHS: Final = (("theme", "custom_dir"), ("hooks",), ("INHERIT",))
"""Settings that hold paths relative to the project; the generated file lies elsewhere."""
_OWN_LINK = re.compile(rb"""(\s(?:href|src)=["'])\.\./""")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LAST_LINES: Final = 20
_ENVIRONMENT: Final[Mapping[str, str]] = {
    "DO_NOT_TRACK": "1",
    "LC_ALL": "C.UTF-8",
    "NO_COLOR": "1",
    "NO_MKDOCS_2_WARNING": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "utf-8",
    "SOURCE_DATE_EPOCH": "0",
    "TZ": "UTC",
}


def navigation(pages: Iterable[PageFile]) -> list[Any]:
    """The `nav` setting: pages with a place in it, in their order, an index page first in its section."""
    tree: list[Any] = []
    for page in pages:
        if page.nav is None:
            continue
        level = tree
        for name in page.nav:
            title = plain_title(name)
            section = next((entry for entry in level if isinstance(entry, dict) and title in entry), None)
            if section is None:
                section = {title: []}
                level.append(section)
            level = section[title]
        is_index = page.path.rpartition("/")[2] == "index.md"
        level.insert(0 if is_index else len(level), page.path)
    return tree


def write_config(root: Path, target: Path, *, config: Config, nav: list[Any], docs: str, site: str) -> None:
    """Writes `target`: the project's `mkdocs.yml` with the site's name, navigation and folders put in.

    Everything else is the project's own, tags such as `!ENV` included: they are passed on, not evaluated.

    Args:
        root: The project; its `mkdocs.yml` is read.
        target: The file to write.
        config: Gives the title, description and address of the site.
        nav: See `navigation`.
        docs: Folder of the Markdown files, relative to `target`.
        site: Folder to build into, relative to `target`.
    """
    source = root / CONFIG
    tree = _composed(source)
    settings: dict[str, Any] = {"site_name": plain_title(config.title), "docs_dir": docs, "site_dir": site}
    if config.description:
        settings["site_description"] = plain_title(config.description)
    if config.site_url:
        settings["site_url"] = config.site_url
    if nav:
        settings["nav"] = nav
    for keys in _PATHS:
        _absolute(tree, keys, root)
    for name, value in settings.items():
        _set(tree, name, value)
    text = yaml.serialize(tree, Dumper=yaml.SafeDumper, allow_unicode=True, width=10**6)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8", newline="\n")


def _composed(source: Path) -> yaml.MappingNode:
    try:
        tree = yaml.compose(source.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise ConfigError("no such file", at=Location(CONFIG), fix="write one with `mbe-docs init`") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 at byte {error.start}", at=Location(CONFIG)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = Location(CONFIG, mark.line + 1, mark.column + 1) if mark else Location(CONFIG)
        raise ConfigError(f"not YAML: {error.problem}", at=at) from error
    if not isinstance(tree, yaml.MappingNode):
        raise ConfigError("expected a mapping of settings", at=Location(CONFIG))
    return tree


def _get(tree: yaml.MappingNode, name: str) -> yaml.Node | None:
    return next((value for key, value in tree.value if key.value == name), None)


def _set(tree: yaml.MappingNode, name: str, value: Any) -> None:
    tree.value = [pair for pair in tree.value if pair[0].value != name]
    dumper = yaml.SafeDumper(_Nowhere())
    tree.value.append((dumper.represent_data(name), dumper.represent_data(value)))


def _absolute(tree: yaml.MappingNode, keys: tuple[str, ...], root: Path) -> None:
    node: yaml.Node | None = tree
    for name in keys:
        node = _get(node, name) if isinstance(node, yaml.MappingNode) else None
    for leaf in node.value if isinstance(node, yaml.SequenceNode) else (node,):
        if isinstance(leaf, yaml.ScalarNode):
            leaf.value = str((root / leaf.value).absolute())


class _Nowhere:
    """A stream for a dumper that only represents."""

    def write(self, _text: str) -> None:
        """Nothing."""


def adapted(generator: Generator, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files as this generator wants them.

    Zensical (0.0.73) reads `href` and `src` of raw HTML as relative to the source file and puts `../` before
    them on every page but an index; MkDocs leaves raw HTML alone. So `../` is taken off for it. A quote that
    comes out of a text is an entity: only links of templates are met.
    """
    if generator == "mkdocs":
        return dict(files)
    pages = {path for path in files if path.endswith(".md") and path.rpartition("/")[2] != "index.md"}
    adjusted = {path: _OWN_LINK.sub(rb"\1./", files[path]) for path in pages}
    return {**files, **adjusted}


def run(generator: Generator, config_file: Path, *, root: Path) -> None:
    """Builds the site that `config_file` describes, strictly, with the project as working folder.

    Raises:
        GeneratorError: it is not installed, or it failed or warned; with its last lines.
    """
    done = subprocess.run(  # noqa: S603  our own interpreter, fixed arguments
        [*_command(generator), "build", "--strict", "-f", str(config_file)],
        cwd=root,
        env={**os.environ, **_ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        shown = _complaint(done.stdout.decode("utf-8", "replace"))
        fix = f"pip install 'mbe-docs[{generator}]'" if f"No module named {generator}" in shown else None
        raise GeneratorError(f"{generator} stopped with exit code {done.returncode}:\n{shown}", fix=fix)


def _complaint(output: str) -> str:
    """The lines that say what is wrong: no colours, no steps that went well, of a traceback the last line."""
    said, _, trace = _COLOUR.sub("", output).partition("Traceback (most recent call last):\n")
    lines = terminal_safe(said).strip().splitlines()
    wanted = [line for line in lines if line.startswith(("WARNING", "ERROR", "Error", "Config"))] or lines
    if trace:
        wanted.append(terminal_safe(trace).strip().splitlines()[-1])
    return "\n".join(f"  {line}" for line in wanted[-_LAST_LINES:])


def start_server(
    generator: Generator, config_file: Path, *, root: Path, address: str = "127.0.0.1:8000"
) -> subprocess.Popen[bytes]:
    """The generator's own preview server, running; it shows pages again when their files change."""
    return subprocess.Popen(  # noqa: S603  our own interpreter, fixed arguments
        [*_command(generator), "serve", "-f", str(config_file), "-a", address],
        cwd=root,
        env={**os.environ, **_ENVIRONMENT},
        stdin=subprocess.DEVNULL,
    )


def _command(generator: Generator) -> list[str]:
    # -P: a file of the project named like a module (yaml.py) must not be imported in its place.
    return [sys.executable, "-P", "-m", generator]
