"""Draws the growth curve: `.venv-bench/bin/python -m tests.bench.growth_figure docs/growth.json docs/growth.svg`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

_WIDTH, _HEIGHT = 7.5, 4.0


def draw(figures: Path, picture: Path) -> None:
    """Seconds over requests on two logarithmic axes: a straight line at 45 degrees is a cost that stays the same."""
    mpl.rcParams.update({"svg.hashsalt": "growth", "font.size": 9, "svg.fonttype": "none"})
    runs = json.loads(figures.read_text(encoding="utf-8"))["runs"]
    millions = [run["requests"] / 1e6 for run in runs]
    _, axes = plt.subplots(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    for key, label, style in (
        ("run_seconds", "whole run, pages and exports too", "o-"),
        ("to_marts_seconds", "up to the marts", "s-"),
        ("same_work_seconds", "bare script of the same work", "^--"),
    ):
        seconds = [run[key] for run in runs]
        axes.loglog(millions, seconds, style, label=label)
        for x, y in zip(millions, seconds, strict=True):
            axes.annotate(f"{y:,.0f}", (x, y), textcoords="offset points", xytext=(0, 6), ha="center", fontsize=7)
    axes.set_xticks(millions, [f"{x:g} M" for x in millions])
    axes.minorticks_off()
    axes.set_xlabel("requests in one first run")
    axes.set_ylabel("seconds")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False)
    plt.savefig(picture, metadata={"Date": None})


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
