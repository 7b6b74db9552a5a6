"""Cron expressions as Kubeflow reads them: six fields, seconds first."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from components.errors import UserError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("second", 0, 59, {}),
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    ("day of week", 0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_ITEM = re.compile(r"(\*|\?|\w+)(?:-(\w+))?(?:/(\d+))?", re.ASCII)
_DAYS_AHEAD = 366 * 8  # over the longest wait for a 29 February


@dataclass(frozen=True)
class Cron:
    """A checked expression.

    Attributes:
        text: As it was written.
        fields: The values that each of the six fields allows.
        either_day: Whether one of day of month and day of week is enough, as it is when neither
            is ``*``.
    """

    text: str
    fields: tuple[frozenset[int], ...]
    either_day: bool

    def next_after(self, time: datetime) -> datetime | None:
        """Returns the first moment after `time`, in its zone; None if there is none in 8 years."""
        seconds, minutes, hours, *_ = (sorted(allowed) for allowed in self.fields)
        first = time.replace(microsecond=0) + timedelta(seconds=1)
        for days in range(_DAYS_AHEAD):
            day = (first + timedelta(days=days)).replace(hour=0, minute=0, second=0)
            if not self._allows(day):
                continue
            for hour in hours:
                for minute in minutes:
                    for second in seconds:
                        moment = day.replace(hour=hour, minute=minute, second=second)
                        if moment >= first:
                            return moment
        return None

    def _allows(self, day: datetime) -> bool:
        _, _, _, days, months, weekdays = self.fields
        of_month, of_week = day.day in days, day.isoweekday() % 7 in weekdays
        fits = of_month or of_week if self.either_day else of_month and of_week
        return day.month in months and fits


def parse(text: str) -> Cron:
    """Checks an expression.

    Raises:
        UserError: If it has not six fields, or one of them makes no sense.
    """
    fields = text.split()
    if len(fields) == 5:
        minute, hour = fields[:2]
        raise UserError(
            f"The cron expression {text!r} has five fields, and Kubeflow reads six, seconds "
            f"first: it would take {minute!r} for the second and {hour!r} for the minute, of "
            f"every hour that the third field allows; write '0 {text.strip()}'."
        )
    if len(fields) != 6:
        raise UserError(
            f"The cron expression {text!r} has {len(fields)} fields; write six: second, minute, "
            "hour, day of month, month, day of week, such as '0 0 3 * * *' for 3:00 each day."
        )
    pairs = zip(fields, _FIELDS, strict=True)
    allowed = tuple(_allowed(text, field, *about) for field, about in pairs)
    stars = [field[0] in "*?" for field in (fields[3], fields[5])]
    return Cron(" ".join(fields), allowed, either_day=not any(stars))


def _allowed(
    text: str, field: str, title: str, low: int, high: int, names: dict[str, int]
) -> frozenset[int]:
    values: set[int] = set()
    for item in field.split(","):
        found = _item(item, low, high, names)
        if not found:
            raise UserError(
                f"{item!r} is no {title} in the cron expression {text!r}; write numbers from "
                f"{low} to {high}, ranges as 1-5, steps as */15, or *."
            )
        values.update(found)
    return frozenset(values)


def _item(item: str, low: int, high: int, names: dict[str, int]) -> range:
    """The values of a part such as ``5``, ``mon-fri`` or ``*/15``; none if it makes no sense."""
    match = _ITEM.fullmatch(item)
    if match is None or (match[1] in "*?" and match[2]):
        return range(0)
    if match[1] in "*?":
        first, last = low, high
    else:
        first = _value(match[1], names)
        # A step without a range counts up to the highest value.
        last = _value(match[2], names) if match[2] else high if match[3] else first
    step = int(match[3] or 1)
    return range(first, last + 1, step) if low <= first <= last <= high and step else range(0)


def _value(text: str, names: dict[str, int]) -> int:
    return int(text) if text.isdigit() else names.get(text.lower(), -1)
