"""Cron as Kubeflow reads it; what robfig/cron 1.2 makes of each was tried with that parser."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from components.errors import UserError
from pipelines.cron import check, next_time

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("cron", "time"),
    [
        ("0 0 3 * * *", "2026-11-25 03:00:00"),
        ("0 0 3 ? * 1-5", "2026-11-25 03:00:00"),
        ("5/15 0 3 * * *", "2026-11-25 03:00:05"),
        ("0 0 3 */2 * 1", "2026-12-07 03:00:00"),
        ("0 0 3 1 * mon", "2026-11-30 03:00:00"),
        ("0 0 3 * jan-mar MON", "2027-01-04 03:00:00"),
        ("0 0 3 29 2 *", "2028-02-29 03:00:00"),
        ("0 0 3 * * sun-sat/2", "2026-11-26 03:00:00"),
    ],
)
def test_the_next_time(cron, time):
    assert next_time(check(cron), NOW) == datetime.fromisoformat(f"{time}+00:00")


def test_the_next_time_is_in_the_zone_of_now():
    berlin = NOW.astimezone(ZoneInfo("Europe/Berlin"))
    assert next_time("0 0 3 * * *", berlin).isoformat() == "2026-11-25T03:00:00+01:00"


def test_five_fields_of_others_are_shown_as_kubeflow_takes_them():
    assert next_time("0 3 * * *", NOW) == NOW.replace(minute=3)
    assert next_time("@daily", NOW) is None


def test_five_fields_are_explained():
    with pytest.raises(UserError, match=r"'0' for the second and '3' for the minute.*'0 0 3 \* "):
        check("0 3 * * *")


@pytest.mark.parametrize(
    "cron",
    [
        *("", "0 0 3 * * * *", "@daily", "0 0 24 * * *", "0 0 5-3 * * *", "x 0 3 * * *"),
        *("0 0 3 30 2 *", "0 0 3 L * *", "0 0 3 LW * *", "0 0 3 * * 7", "0 0 3 * * mon-7"),
        *("0 0 3 * * MON#1", "0 0 3 * * 5L", "0 */0 3 * * *", "TZ=Europe/Berlin 0 0 3 * * *"),
    ],
)
def test_what_kubeflow_does_not_read_is_refused(cron):
    with pytest.raises(UserError, match="cron expression"):
        check(cron)
