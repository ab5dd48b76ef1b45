"""Small inline drawings that need no script: sparklines. Big charts are in charts.py."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

HEIGHT = 24


def spark(values: Sequence[Decimal | int | None], *, width: int = 96) -> Markup:
    """A line from 0 to the largest value, with a gap where there is none.

    Decorative, as its figures stand beside it in words.
    """
    known = [v for v in values if v is not None]
    if len(values) < 2 or max(known, default=0) <= 0:
        return Markup("")
    top = float(max(known))
    step = width / (len(values) - 1)
    points = [
        None if v is None else (round(i * step), HEIGHT - 1 - round(float(v) / top * (HEIGHT - 3)))
        for i, v in enumerate(values)
    ]
    runs = [[p for p in run if p] for is_known, run in groupby(points, key=lambda p: p is not None) if is_known]
    lines = [_line(run) for run in runs]
    area = "".join(f"{line}V{HEIGHT}H{run[0][0]}z" for line, run in zip(lines, runs, strict=True))
    return Markup(  # noqa: S704 - digits only
        f'<svg class=sp viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio=none aria-hidden=true>'
        f'<path class=a d="{area}"/><path class=b d="{"".join(lines)}"/></svg>'
    )


def _line(points: list[tuple[int, int]]) -> str:
    """A stretch of days; a day alone is a dash, as a line of no length is not seen."""
    x, y = points[0]
    if len(points) == 1:
        return f"M{max(x - 1, 0)} {y}h2"
    moves = "".join(
        f"{x1 - x0}{y1 - y0 if y1 < y0 else f' {y1 - y0}'}" + ("" if i == len(points) - 2 else " ")
        for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(points))
    )
    return f"M{x} {y}l{moves}"
