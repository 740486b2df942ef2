"""Times as timers have them: calendar events and time spans. Source: systemd.time(7)."""

from __future__ import annotations

import re

from transpiler.lint.content.tables import listed

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = "|".join((*_LONG_DAYS, *_DAYS))

_NAMES = {
    "minutely",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "quarterly",
    "semi-annually",
    "semiannually",
    "bi-annually",
    "biannually",
    "half-yearly",
    "annually",
    "yearly",
    "anually",
}

_WEEKDAYS = re.compile(rf"(?:(?:{_DAY})(?:(?:\.\.|-)(?:{_DAY}))?,?)+", re.IGNORECASE)
_TIME = re.compile(r"[\d*.,/]+:[\d*.,/]+(?::[\d*.,/]+)?|[\d*.,/]+:[\d*.,/]*")
_DATE = re.compile(r"(?:(?P<year>[\d*.,/]+)-)?(?P<month>[\d*.,/]+)(?P<sep>[-~])(?P<day>[\d*.,/]+)")
_LOCAL_ZONE = re.compile(r"[A-Z]{3,4}")
"""The form of abbreviations such as CET, which systemd accepts if the machine's own zone has them."""

_LIMITS = {
    "year": (1970, 2199),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 60),
}

_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_UNITS = (
    r"nsec|ns|usec|us|µs|μs|msec|ms|seconds|second|sec|s|minutes|minute|min|months|month|M|m|hours|hour|hr|h|days|day|d"
    r"|weeks|week|w|years|year|y"
)


def wrong_span(text: str) -> bool:
    """Whether systemd refuses a text as a time span such as `1h 30min`; a number alone is in seconds."""
    value = text.strip()
    return not re.fullmatch(rf"(?:\d++(?:\.\d*+)?\s*+(?:{_UNITS})?\s*+)+|infinity", value)


def wrong_calendar(text: str) -> str:
    """Why systemd refuses a calendar event such as `Mon *-*-* 04:30`, or why it never comes; empty if it is good."""
    words = text.split()
    if len(words) > 1 and words[-1][0].isalpha() and not _WEEKDAYS.fullmatch(words[-1]):
        if not _is_zone(words[-1]):
            return f"{_quoted(words[-1])} is no time zone"
        words = words[:-1]
    if len(words) == 1 and (words[0].lower() in _NAMES or re.fullmatch(r"@\d+(\.\d+)?", words[0])):
        return ""
    wrong = ""
    if words and _WEEKDAYS.fullmatch(words[0]):
        wrong = _wrong_days(words[0])
        words = words[1:]
    elif words and words[0][0].isalpha():
        wrong = f"{_quoted(words[0])} is no day of the week"
    return wrong or _wrong_moment(words)


def _wrong_moment(words: list[str]) -> str:
    """Why words are no date and time; either may be absent. A `T` or a space stands between them."""
    before, divided, after = words[0].partition("T") if words else ("", "", "")
    date = _DATE.fullmatch(before)
    if date is None and divided:
        return f"{_quoted(words[0])} is no date"
    times = words
    if date is not None:
        times = [after, *words[1:]] if divided else words[1:]
        if wrong := _wrong_date(date):
            return wrong
    if len(times) > 1:
        return f"{_quoted(times[1])} does not belong there"
    return _wrong_time(times[0]) if times else ""


def _is_zone(word: str) -> bool:
    known = word.upper() == "UTC" or word in listed("timezones")
    return known or _LOCAL_ZONE.fullmatch(word) is not None


def _quoted(word: str) -> str:
    return f"`{word[:40]}`"


def _wrong_days(text: str) -> str:
    for item in text.lower().split(","):
        first, _, last = item.replace("..", "-").partition("-")
        if last and _DAYS.index(first[:3]) > _DAYS.index(last[:3]):
            return f"{_quoted(item)} ends before it begins"
    return ""


def _wrong_date(date: re.Match[str]) -> str:
    for part in ("year", "month", "day"):
        wrong = date[part] is not None and _wrong_numbers(date[part], part)
        if wrong:
            return wrong
    month, day = date["month"], date["day"]
    is_one_day = re.fullmatch(r"\d+", month) and re.fullmatch(r"\d+", day)
    if is_one_day and float(day) > _DAYS_OF_MONTH[int(float(month)) - 1]:  # int() refuses more than 4300 digits
        return f"month {float(month):.0f} has no day {float(day):.0f}"
    return ""


def _wrong_time(text: str) -> str:
    if not _TIME.fullmatch(text):
        return f"{_quoted(text)} is no time"
    parts = text.split(":")
    for part, name in zip(parts, ("hour", "minute", "second"), strict=False):
        wrong = _wrong_numbers(part, name)
        if wrong:
            return wrong
    return ""


def _wrong_numbers(text: str, name: str) -> str:
    """Why a list such as `*`, `1,5`, `0/15` or `8..18/2` is no list of numbers of this kind; empty if it is one."""
    low, high = _LIMITS[name]
    fraction = r"(?:\.\d+)?" if name == "second" else ""
    for item in text.split(","):
        form = re.fullmatch(
            rf"(\*|\d+{fraction})(?:\.\.(\d+{fraction}))?(?:/(\d+{fraction}))?",
            item,
        )
        if form is not None and form[1] == "*" and form[3]:
            return f"{_quoted(item)} must begin with a number, such as `0/{form[3]}`"
        if form is None or (form[1] == "*" and (form[2] is not None or text != "*")):
            return f"{_quoted(item)} is no {name}"
        for number in (form[1], form[2]):
            if number not in {None, "*"} and not (_in_range(number, name, low, high)):
                return f"{_quoted(number)} is no {name}"
        if form[2] is not None and float(form[1]) > float(form[2]):
            return f"{_quoted(item)} begins behind its end"
        if form[3] is not None and float(form[3]) == 0:
            return f"{_quoted(item)} repeats after nothing"
    return ""


def _in_range(number: str, name: str, low: int, high: int) -> bool:
    if name == "year" and len(number) <= 2:
        return True  # 26 is 2026
    return low <= float(number) <= high
