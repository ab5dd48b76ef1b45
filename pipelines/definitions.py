"""The Dagster code location: assets, checks, job, schedule and sensor, assembled here.

Each asset calls the same functions as `meterhouse run`. What a step does belongs in its package.
The home comes from METERHOUSE_HOME, else ./data.
"""

from __future__ import annotations

import dagster as dg

from pipelines.assets import (
    MAIN_JOB,
    MeterhouseHome,
    build_dbt_assets,
    case_decisions,
    decisions_verify,
    extraction_flags,
    landed_events,
    landing_conserves_records,
    operator_prices,
    organization_facts,
    organization_facts_are_sound,
    pages,
    pages_exist_for_every_audience,
    published_exports,
)
from pipelines.home import Home, resolve_home
from pipelines.triggers import daily_schedule, landing_sensor


def build_defs(*, home: Home | None = None) -> dg.Definitions:
    """Definitions on a home; production and tests call the same function."""
    place = home or resolve_home()
    return dg.Definitions(
        assets=[
            operator_prices,
            organization_facts,
            case_decisions,
            landed_events,
            build_dbt_assets(place),
            extraction_flags,
            published_exports,
            pages,
        ],
        asset_checks=[
            landing_conserves_records,
            organization_facts_are_sound,
            decisions_verify,
            pages_exist_for_every_audience,
        ],
        jobs=[MAIN_JOB],
        schedules=[daily_schedule],
        sensors=[landing_sensor],
        resources={"home": MeterhouseHome(root=str(place.root))},
        executor=dg.in_process_executor,
    )


defs = build_defs()
