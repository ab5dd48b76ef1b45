"""Extraction campaigns as streams with a label: who harvests a model, how, and through whom.

Sizes are shares of all requests, so a small home shows the same picture as a large one. Benign
traffic that looks alike belongs in `look_alikes.py`, how many of each in `plotting.py`.
"""

from __future__ import annotations

from dataclasses import replace

from pipelines.simulate.population import product
from pipelines.simulate.stage import Plots, Stage, add
from pipelines.simulate.streams import Stream, window

PIVOT_MODEL = "gpt-4o-2024-08-06"


def pivot_day(days: int) -> int:
    """The day on which the new model is out: 2024-10-02 in the default period."""
    return min(days - 1, max(1, days * 16 // 30))


def _harvest(stage: Stage, base: Stream, label: str, budget: str) -> Stream:
    """Turns a product into a harvester: one template, ever new prompts, long answers."""
    rng = stage.rng
    return replace(
        base,
        label=label,
        budget=budget,
        models=("gpt-4o", "gpt-4o"),
        second_model_share=0.0,
        output_median=float(rng.uniform(700, 1_100)),
        output_spread=0.35,
        max_output=4_096,
        input_median=float(rng.uniform(180, 450)),
        input_spread=0.4,
        prefix=int(rng.integers(120, 400)),
        templates=(stage.codes.take("templates"), 1),
        repeat=0.002,
        users=(0, 0),
        batch_share=0.0,
        cache_share=0.0,
        temperature=1.0,
        day_noise=0.1,
    )


def bulk(stage: Stage, plots: Plots, label: str, *, new_account: bool) -> None:
    """Round the clock over one new key of a middling customer or a new account, 4 to 6 days."""
    length = min(stage.days, int(stage.rng.integers(4, 7)))
    first = stage.begin(length)
    organization = stage.newcomer() if new_account else stage.choose(plots, 0.10, 0.45)
    days = window(stage.days, first, first + length - 1)
    base = product(stage.rng, stage.codes, organization, "content", weight=1, envelope=days, suffix="-x")
    made = replace(
        _harvest(stage, base, label, label),
        rhythm="constant",
        keys=(stage.codes.take("keys"), 1),
        networks=(stage.codes.take("networks"), 1),
        agent="python-httpx",
        burst=30.0,
        limited_share=0.05,
    )
    add(plots.campaigns, plots, label, "bulk", [made], 0.014)


def low_and_slow(stage: Stage, plots: Plots, label: str) -> None:
    """Inside a working customer, in office hours, through its largest product, for weeks."""
    organization = stage.choose(plots, 0.04, 0.20, chatting=True)
    usual = stage.main_chat(organization)
    if usual is None:
        return
    days = window(stage.days, min(stage.days // 3, stage.days - 1))
    base = replace(usual, weight=1.0, envelope=days)
    made = replace(
        _harvest(stage, base, label, label),
        rhythm="office",
        rhythm_group=stage.codes.take("rhythm_groups"),
        burst=8.0,
        max_output=2_048,
    )
    add(plots.campaigns, plots, label, "low_and_slow", [made], 0.004)


def hydra(stage: Stage, plots: Plots, label: str, *, heads: int) -> None:
    """New small organisations on one job queue: shared ten-minute rhythm, network, template."""
    length = max(min(stage.days, 4), min(stage.days * 2 // 5, 12))
    first = stage.begin(length)
    network, template = (stage.codes.take("networks", 2), 2), (stage.codes.take("templates"), 1)
    group = stage.codes.take("rhythm_groups")
    last, made = min(stage.days, first + length) - 1, []
    lead: Stream | None = None
    for head in range(heads):
        organization = stage.newcomer()
        onset = min(last, first + head * max(1, length // 3) // heads)
        days = window(stage.days, onset, last)
        base = product(
            stage.rng,
            stage.codes,
            organization,
            "chat",
            weight=float(stage.rng.uniform(0.7, 1.3)),
            envelope=days,
        )
        harvest = _harvest(stage, base, label, label)
        lead = lead or harvest
        made.append(
            replace(
                harvest,
                rhythm="constant",
                zone=lead.zone,
                input_median=lead.input_median,
                output_median=lead.output_median * float(stage.rng.uniform(0.95, 1.05)),
                prefix=lead.prefix,
                keys=(stage.codes.take("keys"), 1),
                networks=network,
                templates=template,
                agent="python-httpx",
                burst=0.25,
                rhythm_group=group,
            )
        )
    add(plots.campaigns, plots, label, "hydra_synchronised", made, 0.02)


def pivot(stage: Stage, plots: Plots, label: str) -> None:
    """Half of a product's usual requests become long answers of another model overnight."""
    usual = stage.main_chat(stage.choose(plots, 0.02, 0.10, chatting=True))
    if usual is None:
        return
    first = pivot_day(stage.days)
    before, after = window(stage.days, 0, first - 1), window(stage.days, first)
    pivoted = replace(
        _harvest(stage, usual, label, usual.budget),
        models=(PIVOT_MODEL, PIVOT_MODEL),
        envelope=usual.envelope * after * 0.5,
        rhythm_group=stage.codes.take("rhythm_groups"),
    )
    usual.envelope = usual.envelope * (before + 0.5 * after)
    plots.streams.append(pivoted)
    plots.campaigns[label] = "launch_pivot"
