"""Where the browser's chart library comes from. It is never committed and never fetched by a page.

`python -m pipelines.publish.plotly_js` brings the small bundle (bar, scatter, pie) with the npm
client into
.tools/plotly/ and checks its digest. Without npm, or when anything about it differs, the full
bundle inside
plotly's own wheel is used. Pages are the same bytes with either.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "plotly.js-basic-dist-min"
VERSION = "4.1.1"
MEMBER = "package/plotly-basic.min.js"
INTEGRITY = "sha512-1oNF8PeQx2hv/y7tqEVWKD3JGwn/MGEMQ8mL9HUwsaqG9FGy/OU5FHUHvzqbqxN4mnwZGI9abTiE775C4kkjMQ=="
SHA256 = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"
TOOLS = Path(__file__).resolve().parents[2] / ".tools"


def ensure_plotly(tools_dir: Path = TOOLS) -> Path:
    """The chart library to ship: the small one if it was set up and is intact, else the wheel's."""
    small = tools_dir / "plotly" / "plotly.min.js"
    if small.is_file() and hashlib.sha256(small.read_bytes()).hexdigest() == SHA256:
        return small
    return wheel_bundle()


def wheel_bundle() -> Path:
    """The full bundle inside plotly's Python package."""
    import plotly

    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def set_up(tools_dir: Path = TOOLS) -> str:
    """Fetch the small bundle with npm; says in one line what will be used. Never raises for want
    of it."""
    from plotly.offline import get_plotlyjs_version

    if get_plotlyjs_version() != VERSION:
        return _fallback(f"plotly carries plotly.js {get_plotlyjs_version()}, the pinned small bundle is {VERSION}")
    if ensure_plotly(tools_dir) != wheel_bundle():
        return f"charts: {PACKAGE} {VERSION} is set up"
    npm = shutil.which("npm")
    if npm is None:
        return _fallback("npm is not installed")
    try:
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(  # noqa: S603 - fixed arguments
                [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--ignore-scripts"],
                cwd=scratch,
                check=True,
                capture_output=True,
                timeout=60,
            )
            archive = next(Path(scratch).glob("*.tgz"))
            return _unpack(archive, tools_dir)
    except (OSError, subprocess.SubprocessError, StopIteration, tarfile.TarError) as error:
        return _fallback(f"npm could not bring it ({type(error).__name__})")


def _unpack(archive: Path, tools_dir: Path) -> str:
    digest = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != INTEGRITY:
        return _fallback("the package differs from the pinned digest")
    with tarfile.open(archive) as package:
        member = package.extractfile(MEMBER)
        text = member.read() if member else b""
    if hashlib.sha256(text).hexdigest() != SHA256:
        return _fallback("the bundle differs from the pinned digest")
    folder = tools_dir / "plotly"
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / "plotly.min.js.new"
    beside.write_bytes(text)
    beside.replace(folder / "plotly.min.js")
    return f"charts: {PACKAGE} {VERSION} is set up"


def _fallback(why: str) -> str:
    return f"charts: the full bundle of plotly's own package will be used ({why})"


if __name__ == "__main__":
    sys.stdout.write(set_up() + "\n")
