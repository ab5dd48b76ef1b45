"""Where the chart library comes from. No test uses the network."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from plotly.offline import get_plotlyjs_version

from pipelines.publish import plotly_js

if TYPE_CHECKING:
    import pytest


def test_pinned_version_is_that_of_the_python_package() -> None:
    assert get_plotlyjs_version() == plotly_js.VERSION


def test_without_set_up_the_bundle_of_the_wheel_is_used(tmp_path: Path) -> None:
    found = plotly_js.ensure_plotly(tmp_path)
    assert found == plotly_js.wheel_bundle()
    assert b"plotly.js v" + plotly_js.VERSION.encode() in found.read_bytes()[:300]


def test_altered_bundle_is_not_used(tmp_path: Path) -> None:
    small = tmp_path / "plotly/plotly.min.js"
    small.parent.mkdir()
    small.write_text("window.Plotly = {}", encoding="utf-8")
    assert plotly_js.ensure_plotly(tmp_path) == plotly_js.wheel_bundle()


def test_set_up_never_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **more: object) -> None:
        raise subprocess.CalledProcessError(1, "npm")

    monkeypatch.setattr(plotly_js.shutil, "which", lambda _: "npm")
    monkeypatch.setattr(plotly_js.subprocess, "run", refuse)
    assert "full bundle" in plotly_js.set_up(tmp_path)
    monkeypatch.setattr(plotly_js.shutil, "which", lambda _: None)
    assert "npm is not installed" in plotly_js.set_up(tmp_path)


def test_package_with_another_digest_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pack(*args: object, cwd: str, **more: object) -> None:
        (Path(cwd) / "x.tgz").write_bytes(b"not the package")

    monkeypatch.setattr(plotly_js.shutil, "which", lambda _: "npm")
    monkeypatch.setattr(plotly_js.subprocess, "run", pack)
    assert "differs from the pinned digest" in plotly_js.set_up(tmp_path)
    assert not (tmp_path / "plotly").exists()
