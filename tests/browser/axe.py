"""axe-core, fetched as test data and never part of the project (it is MPL-2.0).

Looked for in PROOFBOOK_AXE, then in the user's cache, then in the npm registry by npm's own client.
"""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

VERSION = "4.14.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "proofbook"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def source():
    """Returns axe-core's text, or None where it cannot be had."""
    given = os.environ.get("PROOFBOOK_AXE")
    kept = Path(given) if given else CACHE / f"axe-{VERSION}.min.js"
    if not kept.exists() and not given:
        fetch(kept)
    return kept.read_text() if kept.exists() else None


def fetch(kept):
    """Gets the package and keeps its one file."""
    if not shutil.which("npm"):
        return
    folder = Path(tempfile.mkdtemp(prefix="proofbook-axe-"))
    try:
        subprocess.run(["npm", "pack", f"axe-core@{VERSION}", "--silent"], cwd=folder, check=True, timeout=120, capture_output=True)
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            text = archive.extractfile("package/axe.min.js").read()
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(text)
    except (OSError, subprocess.SubprocessError, StopIteration, KeyError):
        return
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def violations(page, text):
    """Runs axe in a page; returns what it finds wrong, a line each."""
    page.js(f"void (window.axe ?? (0, eval)({json.dumps(text)}))")
    found = page.js(
        "axe.run(document, {runOnly: %s, resultTypes: ['violations']}).then((r) => r.violations.flatMap((v) => v.nodes.map((n) => "
        "`${v.id}: ${n.target.flat().join(' ')} ${n.failureSummary ?? ''}`)))" % json.dumps(TAGS))
    return found
