"""Screening of newcomers: accounts of the last two weeks, ranked by what their first days look like.

A list for whoever reviews launches, read from the top. It has no quota and raises no alert: what is queued for review
is decided in `cases.py` and `taught/`. Evidence is what newcomers have in common against chance
(`newcomer_chance.sql`) and their first days among those of all newcomers (`newcomer_days.sql`); how it becomes one
number is in `newcomers.sql`. The words of reasons and what each measure counts toward belong here.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipelines.watch.features import HISTORY_DAYS
from pipelines.watch.reasons import HIGH
from pipelines.watch.sql import run_sql

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RECENT_DAYS = 14  # an account is listed for so long
TRIAL_DAYS = 3  # its first days
BURST_HOURS = 72  # accounts that begin this close may have begun together
_FILES = ("newcomer_days", "newcomer_chance", "newcomers")


class Measure(NamedTuple):
    """What a measure counts toward ('' = told only), as plain or taught evidence, and the words of its reason."""

    story: str
    part: str
    code: str
    text: str
    unit: str
    told_from: float | None = None  # told from this value on, whatever its rank


# Two stories, each as strong as the mean of its plain and of its taught evidence; the stronger one is the risk.
MEASURES: dict[str, Measure] = {
    "burst": Measure(
        "ties",
        "plain",
        "began_together",
        f"Other accounts with the same {{thing}} that began within {BURST_HOURS} hours; chance gives {{expected}}",
        "accounts",
    ),
    "kinds_shared": Measure(
        "ties",
        "plain",
        "shared_kinds",
        "Kinds of things (network, template, payment, sign-up) shared with at least two other new accounts",
        "kinds",
        1,
    ),
    "coordinated": Measure(
        "ties", "taught", "like_coordinated", "First days score high as those of coordinated accounts", "log-odds"
    ),
    "output": Measure("behaviour", "plain", "much_output", "Much output in the first days", "output tokens a day"),
    "answer_length": Measure(
        "behaviour", "plain", "long_answers", "Answers of the first days are long", "output tokens an answer"
    ),
    "pace": Measure(
        "behaviour", "plain", "fast_pace", "Requests follow each other fast", "requests per active ten minutes"
    ),
    "new_prompts": Measure(
        "behaviour", "plain", "new_prompts", "Prompts of the first days seldom repeat", "distinct prompts per request"
    ),
    "harvest": Measure(
        "behaviour", "taught", "like_harvest", "First days score high as a harvest of answers", "log-odds"
    ),
    "programme": Measure(
        "",
        "",
        "entry_programme",
        "Linked newcomers that came through programme {programme}; the others lead one to expect {expected}",
        "accounts",
    ),
    "network_sharers": Measure("", "", "shared_network", "New accounts on one client network", "accounts", 2),
    "template_sharers": Measure("", "", "shared_template", "New accounts with one prompt template", "accounts", 2),
    "payment_sharers": Measure("", "", "shared_payment", "New accounts with one payment method", "accounts", 2),
    "signup_sharers": Measure("", "", "shared_signup", "New accounts with one sign-up network", "accounts", 2),
}


def screen(connection: DuckDBPyConnection, *, last_day: date, window_days: int, first_scored: date) -> None:
    """Write watch.newcomers and the view published.newcomers for the window that ends on `last_day`.

    Needs watch.organizations, marts.activity_daily and the temp tables of `features` and `taught/score.py`, which know
    days from `first_scored` on.
    """
    row = connection.execute("select min(usage_date) from marts.activity_daily").fetchone()
    data_from: date = row[0] if row and row[0] else last_day
    window_first = last_day - timedelta(days=window_days - 1)
    connection.execute("""
        create or replace temp table watch_newcomer_measures (
            measure varchar, story varchar, part varchar, code varchar, text varchar, unit varchar,
            told_from double)""")
    connection.executemany(
        "insert into watch_newcomer_measures values (?, ?, ?, ?, ?, ?, ?)",
        [[name, *measure] for name, measure in MEASURES.items()],
    )
    for name in _FILES:
        run_sql(
            connection,
            f"{name}.sql",
            data_from=data_from,
            window_first=window_first,
            recent_first=max(window_first, last_day - timedelta(days=RECENT_DAYS - 1)),
            first_scored=first_scored,
            # Before that nobody can be told to be new.
            rate_from=max(window_first, data_from + timedelta(days=HISTORY_DAYS)),
            last_day=last_day,
            history_days=HISTORY_DAYS,
            trial_days=TRIAL_DAYS,
            burst_hours=BURST_HOURS,
            high=HIGH,
        )
