"""A run that rebuilds the touched days and months alone must leave what a full build makes.

Does what dbt does with the incremental models, by their own SQL and unique_key. That dbt itself does so is
shown by the tests that run the whole job.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines import build
from pipelines.pricing.months import touched_months
from tests.rating import models

if TYPE_CHECKING:
    from tests.scenarios.world import HomeCase

_KEY = re.compile(r"unique_key='(\w+)'")
_DAYS = {"usage_date": "touched_days", "charge_date": "touched_charge_days", "charge_month": "touched_months"}
# An unchanged price book is not made again.
_PRICES = frozenset({"price_rows", "price_rates", "price_rate_units"})
KEPT = ("monthly_bands", "rated_amounts", "spend_daily", "ratings")


def keep(case: HomeCase, schema: str = "kept") -> None:
    """Copy what a run leaves for the next one."""
    case.con.execute(f"create schema if not exists {schema}")
    for table in KEPT:
        case.con.execute(f"create or replace table {schema}.{table} as from {table}")


def assert_rebuilt_in_part(case: HomeCase, since: int, *, by_month: bool) -> None:
    """`case` was built in full; `kept` has what stood before manifest entry number `since`."""
    keep(case, "whole")
    zone = case.billing_time_zone
    fresh = {day for commit in case.commits[since:] for day in commit.touched_days}
    case.days = build.changed_days(case.commits, since, zone if by_month else None)
    case.months = touched_months(fresh, zone)
    case._land()
    order = dict.fromkeys(m for target in KEPT for m in models._order(target) if m not in _PRICES)
    for model in order:
        text = models._model_files()[model].read_text(encoding="utf-8")
        if models.is_view(text):
            continue
        case.con.execute(f"create or replace table {model} as {models.sql_of(model)}")
        if key := _KEY.search(text):
            case.con.execute(f"""
                create or replace table {model} as
                from kept.{model} where {key[1]} not in (select {key[1]} from run.{_DAYS[key[1]]})
                union all by name
                from {model}""")
        elif model == "ratings":
            case.con.execute("create or replace table ratings as from kept.ratings union from ratings")
    for table in KEPT:
        missing = case.ask(f"from whole.{table} except all from {table}")
        assert not missing, f"{table}: a full build has what one of the touched days lacks: {missing}"
        if table != "ratings":
            extra = case.ask(f"from {table} except all from whole.{table}")
            assert not extra, f"{table}: a build of the touched days has what a full one lacks: {extra}"
