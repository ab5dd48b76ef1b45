"""The truth of a population in the form that scores are held against: by organisation-day and by campaign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from pipelines.watch.bench.activity import FIRST_DAY, name_of
from pipelines.watch.bench.population import AMBIGUOUS, KINDS, TEACHING
from pipelines.watch.bench.scene import HISTORY

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.watch.bench.scene import Scene


@dataclass(frozen=True, slots=True)
class Truth:
    """What a population is, for metrics.

    days       organisation-days that are scored: organization_id, usage_date, label (of a campaign, or ''), look_alike
               (label of a look-alike, or ''), source (customer of the bootstrap, -1 for planted newcomers), benign
    campaigns  label, kind, variant, source (of its host, -1 for planted newcomers), organizations (how many),
               first_day, last_day, output_tokens
    output     label, organization_id, usage_date, hour, output_tokens (of the campaign alone, cover traffic left out)
    """

    days: pd.DataFrame
    campaigns: pd.DataFrame
    output: pd.DataFrame


def truth_of(con: DuckDBPyConnection, scene: Scene) -> Truth:
    """The truth of a population that `write_activity` has written."""
    first_scored = pd.Timestamp(FIRST_DAY + timedelta(days=HISTORY))
    rows = [
        (
            p.label,
            p.kind,
            p.variant,
            name_of(o),
            FIRST_DAY + timedelta(days=p.first_day),
            FIRST_DAY + timedelta(days=p.last_day),
        )
        for p in scene.planted
        for o in p.organizations
    ]
    members = pd.DataFrame(rows, columns=["label", "kind", "variant", "organization_id", "first_day", "last_day"])
    days = con.sql("""
        select organization_id, usage_date, requests, output_tokens from marts.activity_daily
        order by organization_id, usage_date""").df()
    days = days[days["usage_date"] >= first_scored].reset_index(drop=True)
    sources = {name_of(n): a.source for n, a in enumerate(scene.accounts)}
    days["source"] = days["organization_id"].map(sources)
    attacks, alike = (
        members[members["kind"].isin([*KINDS, TEACHING])],
        members[~members["kind"].isin([*KINDS, TEACHING])],
    )
    output = con.sql("""
        select label, organization_id, usage_date, hour, output_tokens, requests from bench_output
        order by label, organization_id, usage_date, hour""").df()
    gone = output[output["label"].isin(attacks["label"])]
    active = gone[["label", "organization_id", "usage_date"]].drop_duplicates()
    days = days.merge(active, how="left", on=["organization_id", "usage_date"])
    days["label"] = days["label"].fillna("")
    near = days.reset_index()[["index", "organization_id", "usage_date"]].merge(alike, on="organization_id")
    near = near[
        (near["usage_date"] >= pd.to_datetime(near["first_day"]))
        & (near["usage_date"] <= pd.to_datetime(near["last_day"]))
    ]
    days["look_alike"] = ""
    days.loc[near["index"], "look_alike"] = near["label"].to_numpy()
    # A host's other days are neither: who was found on them was found, a little late or early.
    days["benign"] = ~days["organization_id"].isin(attacks["organization_id"]) & ~days["look_alike"].str.startswith(
        AMBIGUOUS
    )
    attacks = attacks.assign(source=attacks["organization_id"].map(sources))
    campaigns = attacks.groupby(["label", "kind", "variant"], as_index=False).agg(
        source=("source", "min"),
        organizations=("organization_id", "nunique"),
        first_day=("first_day", "min"),
        last_day=("last_day", "max"),
    )
    campaigns = campaigns.merge(gone.groupby("label", as_index=False)["output_tokens"].sum(), on="label")
    return Truth(days, campaigns, gone)
