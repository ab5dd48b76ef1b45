"""Which days are shown and compared."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipelines.publish.period import make_period

START = date(2026, 4, 1)


def test_sixty_days_are_all_shown_and_four_weeks_compared() -> None:
    period = make_period(START, date(2026, 5, 30), datetime(2026, 5, 30, 23, 59), "UTC")  # noqa: DTZ001
    assert (len(period.days), period.whole, period.incomplete) == (60, True, None)
    assert period.current == (date(2026, 5, 3), date(2026, 5, 30))
    assert period.prior == (date(2026, 4, 5), date(2026, 5, 2))


def test_last_day_is_incomplete_in_its_own_zone() -> None:
    through = datetime(2026, 5, 30, 20, 0)  # noqa: DTZ001
    assert make_period(START, date(2026, 5, 30), through, "UTC").incomplete == date(2026, 5, 30)
    # 20:00 UTC is 05:00 of the next day in Tokyo
    assert make_period(START, date(2026, 5, 31), through, "Asia/Tokyo").complete_to == date(2026, 5, 30)


def test_one_unfinished_day_has_nothing_to_compare() -> None:
    period = make_period(START, START, datetime(2026, 4, 1, 12, 0), "UTC")  # noqa: DTZ001
    assert (period.compared, period.days, period.words()) == (0, [START], "1 Apr 2026")


@given(
    st.integers(0, 900),
    st.integers(0, 23),
    st.sampled_from(["UTC", "Europe/Paris", "America/Lima"]),
)
def test_periods_are_sound(length: int, hour: int, zone: str) -> None:
    last = START + timedelta(days=length)
    through = datetime(last.year, last.month, last.day, hour)  # noqa: DTZ001
    period = make_period(START, last, through, zone)
    assert period.days[-1] == last
    assert len(period.days) <= 62
    if period.compared:
        (a, b), (c, d) = period.prior, period.current
        assert (b - a, c - b) == (d - c, timedelta(days=1))
        assert period.first <= a
        assert d <= period.complete_to
        assert period.compared < 7 or period.compared % 7 == 0
