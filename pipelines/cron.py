"""Cron expressions as Kubeflow's parser (robfig/cron 1.2) reads them: six fields, seconds first."""

import re
from datetime import datetime

from cronsim import CronSim, CronSimError

from components.errors import UserError

# What CronSim reads and Kubeflow does not: the last day, the second Monday, 7 for Sunday.
_UNKNOWN_DAY = re.compile(r"#|\d?L\b|LW|7$", re.IGNORECASE)


def check(text: str) -> str:
    """Returns an expression with single spaces.

    Raises:
        UserError: If it has not six fields, or one of them makes no sense to Kubeflow.
    """
    fields = text.split()
    if len(fields) == 5:
        minute, hour = fields[:2]
        raise UserError(
            f"The cron expression {text!r} has five fields, and Kubeflow reads six, seconds "
            f"first: it would take {minute!r} for the second and {hour!r} for the minute, of "
            f"every hour that the third field allows; write '0 {' '.join(fields)}'."
        )
    if len(fields) != 6:
        raise UserError(
            f"The cron expression {text!r} has {len(fields)} fields; write six: second, minute, "
            "hour, day of month, month, day of week, such as '0 0 3 * * *' for 3:00 each day."
        )
    try:
        next(CronSim(_plain(fields), datetime.now()))
        wrong = "bad day-of-week" if _UNKNOWN_DAY.search(fields[5]) else ""
        wrong = "bad day-of-month" if "L" in fields[3].upper() else wrong
    except CronSimError as error:
        wrong = str(error).lower()
    except StopIteration:
        wrong = "it names no day that there is"
    if wrong:
        raise UserError(
            f"The cron expression {text!r} can't be used ({wrong}): write numbers (Sunday is 0) "
            "or names such as mon and jan, ranges as 1-5, steps as */15, or *."
        )
    return " ".join(fields)


def next_time(text: str, now: datetime) -> datetime | None:
    """Returns the first time after now, in its zone; None if that can't be told."""
    fields = text.split()
    try:
        # Where others have written five, Kubeflow takes the last one for the month.
        return next(CronSim(_plain(fields if len(fields) > 5 else [*fields, "*"]), now), None)
    except CronSimError:
        return None


def _plain(fields: list[str]) -> str:
    return " ".join(fields).replace("?", "*")
