"""Live preview: what is edited is what is served, and a mistake does not take the site away."""

from __future__ import annotations

import contextlib
import queue
import re
import shutil
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import pytest

from mbe_docs.errors import ConfigError
from mbe_docs.project import Project
from mbe_docs.project.serving import serve
from tests.project import small


class Preview:
    """A preview at work in a thread: what it says, one line at a time, and what it serves."""

    def __init__(self, root, rounds):
        self.said = queue.Queue()
        self.findings = []
        self.error = None
        self._thread = threading.Thread(target=self._run, args=(Project(root), rounds), daemon=True)
        self._thread.start()

    def _run(self, project, rounds):
        try:
            serve(
                project,
                host="127.0.0.1",
                port=0,
                interval=0.05,
                say=self.said.put,
                report=self.findings.extend,
                rounds=rounds,
            )
        except Exception as error:  # shown by the test that waits for a line
            self.error = error
            self.said.put(f"failed: {error!r}")

    def until(self, pattern):
        """The first line from here on that matches."""
        lines = []
        while True:
            lines.append(self.said.get(timeout=60))
            if found := re.search(pattern, lines[-1]):
                return found
            assert not lines[-1].startswith("failed"), lines

    def join(self):
        """Wait for the last round."""
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()


@pytest.fixture
def root(built_registry, tmp_path):
    """A registry with a site, to change."""
    return shutil.copytree(built_registry, tmp_path / "registry", symlinks=True)


def page(address, path="behaviors/adds/"):
    """A page and its headers, as a browser on this machine gets them."""
    with urllib.request.urlopen(f"{address}{path}", timeout=10) as answer:
        return answer.read().decode("utf-8"), answer.headers


@pytest.mark.slow
def test_an_edited_note_is_served_and_a_wrong_one_is_not(root):
    """The new text is there after a look; a mistake is reported and the last good site stays up."""
    preview = Preview(root, rounds=600)
    address = preview.until(r"http://127\.0\.0\.1:\d+/")[0]
    before, headers = page(address)
    note = root / "behaviors" / "adds.md"

    note.write_text(small.BEHAVIOR.replace("Plain text", "Edited text"))
    changed = preview.until("^changed: (.*)")[1]
    preview.until(r"\d+ pages in")
    edited, _ = page(address)
    note.write_text(small.BEHAVIOR.replace("direction: higher", "direction: up"))
    preview.until("not built; the previous site stays")
    still, _ = page(address)

    assert "Plain text of the note" in before
    assert headers["Cache-Control"] == "no-cache"
    assert changed == "behaviors/adds.md"
    assert "Edited text of the note" in edited
    assert still == edited
    assert [finding.code for finding in preview.findings] == ["MBE104"]


def test_nothing_changed_builds_nothing(root):
    """A look at the files is not a build."""
    preview = Preview(root, rounds=3)
    preview.until("http://")
    preview.join()

    lines = [preview.said.get_nowait() for _ in range(preview.said.qsize())]
    assert lines == []


def test_the_preview_is_for_this_machine_only_and_has_no_other_files(root):
    """Nothing outside of the site can be asked for."""
    preview = Preview(root, rounds=200)
    address = preview.until(r"http://127\.0\.0\.1:\d+/")[0]

    for path in ("../behaviors/config.yaml", "..%2fbehaviors%2fconfig.yaml", "%2e%2e/mkdocs.yml"):
        with pytest.raises(urllib.error.HTTPError) as refused, contextlib.closing(page(address, path)[1]):
            pass
        assert refused.value.code == 404


def test_a_port_in_use_is_said_before_anything_is_built(registry):
    """With the way out; no trace, no minute of building first."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as refused:
            serve(
                Project(registry),
                host="127.0.0.1",
                port=port,
                interval=1,
                say=lambda _: None,
                report=lambda _: None,
                rounds=0,
            )

    assert f"cannot listen on 127.0.0.1:{port}" in str(refused.value)
    assert "--port 0" in str(refused.value)
    assert not (registry / "site").exists()


def test_the_command_prints_its_address_and_stops_on_an_interrupt(root):
    """Ctrl-C is the normal end: exit 0."""
    process = subprocess.Popen(
        [*small.command(), "serve", "--port", "0", "--interval", "0.05"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("http://127.0.0.1:"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)

    assert (process.returncode, out) == (0, "")
    assert err == "stopped\n"
