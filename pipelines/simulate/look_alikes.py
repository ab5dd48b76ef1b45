"""Benign traffic that looks like extraction at first sight, as streams with a label.

Each shares some signs with a campaign (volume, one template, a new key, long answers) and lacks
another. Campaigns themselves belong in `campaigns.py`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipelines.simulate.campaigns import PIVOT_MODEL, pivot_day
from pipelines.simulate.population import product
from pipelines.simulate.stage import Plots, Stage, add
from pipelines.simulate.streams import logistic, window


def product_launch(stage: Stage, plots: Plots, label: str) -> None:
    """A new chat product that grows to many times its first size and stays."""
    organization = stage.choose(plots, 0.05, 0.5)
    curve = logistic(stage.days, stage.days * 0.55) + 0.03
    made = product(
        stage.rng,
        stage.codes,
        organization,
        "chat",
        weight=1,
        envelope=curve * window(stage.days, stage.days // 3),
        suffix="-n",
    )
    made = replace(made, rhythm="consumer", label=label, budget=label)
    add(plots.look_alikes, plots, label, "product_launch", [made], 0.02)


def labelling_backfill(stage: Stage, plots: Plots, label: str) -> None:
    """Huge for 2 to 4 days, one template, ever new prompts, a new key: but tiny answers."""
    length = min(stage.days, int(stage.rng.integers(2, 5)))
    first = stage.begin(length)
    organization = stage.choose(plots, 0.05, 0.5)
    days = window(stage.days, first, first + length - 1)
    made = product(stage.rng, stage.codes, organization, "labelling", weight=1, envelope=days, suffix="-f")
    made = replace(
        made,
        label=label,
        budget=label,
        rhythm="constant",
        repeat=0.002,
        templates=(stage.codes.take("templates"), 1),
        keys=(stage.codes.take("keys"), 1),
        users=(0, 0),
        burst=20.0,
        day_noise=0.1,
        limited_share=0.02,
    )
    add(plots.look_alikes, plots, label, "labelling_backfill", [made], 0.03)


def nightly_batch(stage: Stage, plots: Plots, label: str) -> None:
    """Batches of medium answers every night from one day on."""
    organization = stage.choose(plots, 0.05, 0.5)
    days = window(stage.days, min(stage.days // 2, stage.days - 1))
    made = product(stage.rng, stage.codes, organization, "content", weight=1, envelope=days, suffix="-b")
    made = replace(
        made,
        label=label,
        budget=label,
        rhythm="night",
        batch_share=1.0,
        output_median=230.0,
        day_noise=0.1,
    )
    add(plots.look_alikes, plots, label, "nightly_batch", [made], 0.012)


def load_test(stage: Stage, plots: Plots, label: str) -> None:
    """One or two days of the same few prompts in working hours, with many 429 answers."""
    length = min(stage.days, int(stage.rng.integers(1, 3)))
    first = stage.begin(length)
    organization = stage.choose(plots, 0.05, 0.5)
    days = window(stage.days, first, first + length - 1)
    made = product(stage.rng, stage.codes, organization, "chat", weight=1, envelope=days, suffix="-t")
    made = replace(
        made,
        label=label,
        budget=label,
        rhythm="office",
        repeat=0.98,
        prompt_pool=5,
        users=(0, 0),
        limited_share=0.15,
        burst=1.5,
    )
    add(plots.look_alikes, plots, label, "load_test", [made], 0.015)


def content_generation(stage: Stage, plots: Plots, label: str) -> None:
    """Long answers all along: many templates, steady growth of none, the customer's own hours."""
    organization = stage.choose(plots, 0.05, 0.4)
    made = product(
        stage.rng,
        stage.codes,
        organization,
        "content",
        weight=1,
        envelope=np.ones(stage.days),
        suffix="-w",
    )
    made = replace(made, label=label, budget=label, output_median=820.0, rhythm="office", max_output=4_096)
    add(plots.look_alikes, plots, label, "content_generation", [made], 0.015)


def early_adopter(stage: Stage, plots: Plots, label: str) -> None:
    """A product that moves to the new model on its first day, with answers as long as before."""
    usual = stage.main_chat(stage.choose(plots, 0.02, 0.12, chatting=True))
    if usual is None:
        return
    first = pivot_day(stage.days)
    moved = replace(
        usual,
        label=label,
        models=(PIVOT_MODEL, PIVOT_MODEL),
        second_model_share=0.0,
        envelope=usual.envelope * window(stage.days, first),
    )
    usual.envelope = usual.envelope * window(stage.days, 0, first - 1)
    plots.streams.append(moved)
    plots.look_alikes[label] = "early_adopter"
