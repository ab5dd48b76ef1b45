"""Small inline drawings that need no script: sparklines. Big charts are in charts.py."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

HEIGHT = 24


def spark(values: Sequence[Decimal | int], *, width: int = 96) -> Markup:
    """A line from 0 to the largest value; decorative, as its figures stand beside it in words."""
    if len(values) < 2 or max(values) <= 0:
        return Markup("")
    top = float(max(values)) or 1.0
    step = width / (len(values) - 1)
    points = [(round(i * step), HEIGHT - 1 - round(float(v) / top * (HEIGHT - 3))) for i, v in enumerate(values)]
    moves = "".join(
        f"{x1 - x0}{y1 - y0 if y1 < y0 else f' {y1 - y0}'}" + ("" if i == len(points) - 2 else " ")
        for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(points))
    )
    line = f"M0 {points[0][1]}l{moves}"
    return Markup(  # noqa: S704 - digits only
        f'<svg class=sp viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio=none aria-hidden=true>'
        f'<path class=a d="{line}V{HEIGHT}H0z"/><path class=b d="{line}"/></svg>'
    )
