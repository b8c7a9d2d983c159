"""Pages as a reader would follow them: files written, commands run in order, output compared.

````
```yaml file=behaviors/models/acme.yaml     the block is written to that file, below the current folder
```console                                  lines with `$ ` are run, `> ` continues one, the rest is output
```console no-run: it asks the network      shown, not run; the reason is part of the fence
````

In expected output `…` stands for the rest of a line, or alone on a line for any lines. Narrow no-break spaces,
which the tool prints between a number and its unit, are written as ordinary ones.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^(`{3,}|~{3,})[ \t]*(\S*)[ \t]*(.*)$")
_END = "end-of-command-7f3a"


@dataclass(frozen=True)
class Fence:
    """One code block of a page."""

    page: Path
    line: int
    language: str
    info: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that the block is the content of."""
        return self.info.removeprefix("file=") if self.info.startswith("file=") else None


@dataclass(frozen=True)
class Step:
    """A file to write, or a command with the output it should have."""

    line: int
    command: str | None
    expected: tuple[str, ...] = ()
    fence: Fence | None = None


def pages() -> list[Path]:
    """Every page that the project's documentation has."""
    names = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
    return [*(ROOT / name for name in names), *sorted((ROOT / "docs").rglob("*.md"))]


def fences(page: Path) -> Iterator[Fence]:
    """The code blocks of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    open_at, opening, body = 0, None, []
    for number, line in enumerate(lines, start=1):
        match = _FENCE.match(line)
        if opening is None:
            if match:
                open_at, opening, body = number, match, []
        elif match and match[1].startswith(opening[1]) and not match[2]:
            yield Fence(page, open_at, opening[2], opening[3].strip(), "".join(f"{line}\n" for line in body))
            opening = None
        else:
            body.append(line)


def steps(page: Path) -> list[Step]:
    """What a reader of the page does, in order."""
    found: list[Step] = []
    for fence in fences(page):
        if fence.file:
            found.append(Step(fence.line, None, fence=fence))
        elif fence.language == "console" and not fence.info.startswith("no-run"):
            found.extend(_commands(fence))
    return found


def _commands(fence: Fence) -> Iterator[Step]:
    command, expected, at = "", [], 0
    for number, line in enumerate(fence.text.splitlines(), start=fence.line + 1):
        if line.startswith("$ "):
            if command:
                yield Step(at, command, tuple(expected))
            command, expected, at = line[2:], [], number
        elif line.startswith("> ") and not expected:
            command += f"\n{line[2:]}"
        else:
            expected.append(line)
    if command:
        yield Step(at, command, tuple(expected))


def follow(page: Path, folder: Path) -> list[tuple[Step, tuple[str, ...]]]:
    """Every command of a page with what it printed, run by one shell in `folder`."""
    prepare(folder)
    todo = steps(page)
    script = []
    for number, step in enumerate(todo):
        if step.fence:
            kept = folder / ".files" / str(number)
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(step.fence.text, encoding="utf-8")
            script.append(f'mkdir -p "$(dirname {step.fence.file})" && cp "{kept}" {step.fence.file}')
        else:
            script.append(f'( exit "$status" )\n{step.command}\nstatus=$?; printf "\\n{_END}\\n"')
    done = subprocess.run(
        ["bash", "-c", "exec 2>&1; status=0\n" + "\n".join(script)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    outputs = done.stdout.split(f"\n{_END}\n")
    commands = [step for step in todo if step.command]
    assert len(outputs) == len(commands) + 1, f"{page.name}: the shell stopped: {outputs[-1][-500:]}"
    return [(step, _plain(output)) for step, output in zip(commands, outputs, strict=False)]


def prepare(folder: Path) -> None:
    """What every page starts from: an empty folder, and beside it `mbe-docs/`, the checkout's own registry."""
    checkout = folder / "mbe-docs"
    leave_out = shutil.ignore_patterns("evidence", "__pycache__")
    shutil.copytree(ROOT / "behaviors", checkout / "behaviors", ignore=leave_out)
    shutil.copy(ROOT / "mkdocs.yml", checkout / "mkdocs.yml")


def environment() -> dict[str, str]:
    """The variables that commands see: this Python's programs first, no colours, 80 columns."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PYTHONPATH", "TMPDIR") if name in os.environ}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "COLUMNS": "80", "TERM": "dumb"}


def _plain(output: str) -> tuple[str, ...]:
    text = output.replace("\u202f", " ").replace("\u00a0", " ")
    return tuple(line.rstrip() for line in text.strip("\n").splitlines())


def agrees(expected: tuple[str, ...], actual: tuple[str, ...]) -> bool:
    """Whether output is what a page shows, `…` standing for what it leaves out."""
    pattern = "".join(_line_pattern(line) for line in _trimmed(expected))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in actual)) is not None


def _trimmed(lines: tuple[str, ...]) -> list[str]:
    return "\n".join(line.rstrip() for line in lines).strip("\n").splitlines()


def _line_pattern(line: str) -> str:
    if line.strip() == "…":
        return r"(?:[^\n]*\n)*"
    return ".*".join(re.escape(part) for part in line.split("…")) + "\n"
