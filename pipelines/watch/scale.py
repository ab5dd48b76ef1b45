"""How much is enough: so many answers, beside training sets that were enough for somebody.

Sizes are of published work: 1,000 curated traces made a reasoning model of a plain one (s1, Muennighoff et al. 2025),
52,000 pairs an assistant (Alpaca, Taori et al. 2023), 800,000 traces the distilled models of DeepSeek-R1 (2025).
"""

from __future__ import annotations

SETS = ((800_000, "the 800,000 traces of DeepSeek-R1's distilled models"), (52_000, "Alpaca's 52,000 pairs"),
        (1_000, "s1's 1,000 curated traces"))  # fmt: skip


def comparable(answers: int) -> str:
    """The largest of these that so many answers reach, and how many times; with fewer than the least, what is short."""
    for size, name in SETS:
        if answers >= size:
            return f"{answers:,} answers: {answers / size:,.1f} times {name}"
    size, name = SETS[-1]
    return f"{answers:,} answers: fewer than {name}"
