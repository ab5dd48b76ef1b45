"""The shapes of simulated traffic: sizes, rhythm, caching, campaigns and look-alikes."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from statistics import mean, median

import duckdb
import pytest

from pipelines.home import Home
from pipelines.simulate.simulation import simulate


@pytest.fixture(scope="module")
def events(larger):
    home, _ = larger
    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.sql(
            "select distinct on (event_id) * from read_json(?, format = 'newline_delimited', "
            "ignore_errors = true) where occurred_at is not null and output_tokens >= 0",
            params=[[str(p) for p in sorted((home.landing / "gateway").iterdir())]],
        )
        found = found.to_arrow_table().to_pandas()
    assert len(found) == 40_000
    return found


def test_sizes_are_heavy_tailed(larger):
    _, truth = larger
    sizes = sorted((v["requests"] for v in truth.organizations.values()), reverse=True)
    assert 0.5 < sum(sizes[:10]) / sum(sizes) < 0.7
    assert sizes[0] > 100 * median(sizes) / 10
    assert len(sizes) > 190


def test_weekends_are_quieter(larger):
    _, truth = larger
    days = [v["requests"] for _, v in sorted(truth.days.items())][:14]
    assert mean(days[5:7] + days[12:14]) < 0.8 * mean(days[:5] + days[7:12])


def test_cached_tokens_only_from_october(events):
    cached = events[events.cached_input_tokens > 0]
    assert len(cached) > 500
    assert cached.occurred_at.min().strftime("%Y-%m-%d") == "2024-10-01"
    assert (cached.cached_input_tokens % 128 == 0).all()
    assert (cached.cached_input_tokens >= 1_024).all()
    assert (cached.service_tier == "standard").all()
    assert (cached[cached.model == "gpt-4o"].occurred_at.dt.strftime("%Y-%m-%d") >= "2024-10-02").all()


def test_models_tiers_and_failures_are_mixed(events):
    assert {"gpt-4o", "gpt-4o-mini", "gpt-4o-2024-08-06", "text-embedding-3-small"} <= set(events.model)
    tuned = events[events.model.str.startswith("ft:")]
    assert 0.02 < len(tuned) / len(events) < 0.6
    assert (tuned.model.str.count(":") == 4).all()
    assert 0.01 < (events.service_tier == "batch").mean() < 0.4
    failed = events[events.status != 200]
    assert {400, 429, 500, 503} <= set(failed.status)
    assert failed.error_type.notna().all()
    assert events[events.status == 200].error_type.isna().all()
    assert (events.input_tokens + events.cached_input_tokens == events.raw_input_tokens).all()


def test_people_come_and_go(events):
    span = events.groupby("organization_id").occurred_at.agg(["min", "max"])
    assert (span["min"].dt.strftime("%Y-%m-%d") > "2024-09-22").sum() >= 10
    assert (span["max"].dt.strftime("%Y-%m-%d") < "2024-10-08").sum() >= 5


def test_campaigns_and_look_alikes_are_there(larger):
    _, truth = larger
    assert Counter(c.kind for c in truth.campaigns) == {
        "bulk": 2, "hydra_synchronised": 1, "low_and_slow": 1, "launch_pivot": 1,
    }  # fmt: skip
    assert {c.kind for c in truth.look_alikes} == {
        "product_launch", "labelling_backfill", "nightly_batch", "load_test", "content_generation",
        "early_adopter",
    }  # fmt: skip
    for plot in truth.campaigns + truth.look_alikes:
        assert plot.requests > 0
        assert plot.first_day <= plot.last_day
        assert set(plot.organizations) <= set(truth.organizations)
    planted = [o for c in truth.campaigns + truth.look_alikes for o in c.organizations]
    assert len(planted) == len(set(planted))


def test_harvesting_has_long_answers_and_backfill_short_ones(larger):
    _, truth = larger
    for campaign in truth.campaigns:
        assert campaign.output_tokens / campaign.requests > 500
    backfill = next(c for c in truth.look_alikes if c.kind == "labelling_backfill")
    assert backfill.output_tokens / backfill.requests < 20


def test_bulk_runs_over_one_new_key_and_one_template(larger, events):
    _, truth = larger
    for campaign in (c for c in truth.campaigns if c.kind == "bulk"):
        assert len(campaign.api_keys) == 1
        mine = events[events.api_key_id == campaign.api_keys[0]]
        assert len(mine) == campaign.requests
        assert mine.occurred_at.min().strftime("%Y-%m-%d") == campaign.first_day > "2024-09-20"
        assert mine.template_digest.nunique() == 1
        assert mine.prompt_digest.nunique() / len(mine) > 0.95


def test_hydra_heads_share_network_template_and_beat(larger, events):
    _, truth = larger
    hydra = next(c for c in truth.campaigns if c.kind == "hydra_synchronised")
    assert len(hydra.organizations) == 12
    heads = events[events.organization_id.isin(hydra.organizations)]
    assert heads.template_digest.nunique() == 1
    assert heads.client_network.nunique() <= 2
    sizes = events.organization_id.value_counts()
    low, high = sizes[hydra.organizations].min(), sizes[hydra.organizations].max()
    alike = [o for o in sizes[(sizes >= low) & (sizes <= high)].index if o not in hydra.organizations]
    assert len(alike) >= 10
    assert together(events, hydra.organizations) > 3 * together(events, alike[:20])


def together(events, organizations):
    """Mean cosine of ten-minute activity over pairs of organisations."""
    slots = defaultdict(Counter)
    for organization, at in zip(events.organization_id, events.occurred_at, strict=True):
        if organization in organizations:
            slots[organization][at.floor("10min")] += 1

    def cosine(a, b):
        dot = sum(n * b[s] for s, n in a.items())
        return dot / (sum(n * n for n in a.values()) * sum(n * n for n in b.values())) ** 0.5

    return mean(cosine(slots[a], slots[b]) for a, b in combinations(sorted(slots), 2))


def test_without_campaigns_look_alikes_stay(tmp_path):
    truth = simulate(Home(tmp_path), days=10, organizations=80, requests=1_500, seed=2, campaigns=False)
    assert truth.campaigns == []
    assert "labelling_backfill" in {c.kind for c in truth.look_alikes}


@pytest.mark.parametrize(("organizations", "kinds"), [(49, set()), (50, {"bulk", "hydra_synchronised"})])
def test_campaigns_from_fifty_organizations_on(tmp_path, organizations, kinds):
    truth = simulate(Home(tmp_path), days=10, organizations=organizations, requests=1_500, seed=2)
    assert {c.kind for c in truth.campaigns} == kinds
    assert len(truth.organizations) <= organizations
