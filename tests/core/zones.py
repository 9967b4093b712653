"""Thirty time zones and more, chosen for how differently their clocks change."""

from __future__ import annotations

ZONES = (
    "UTC",
    "Africa/Cairo",  # summer time came back in 2023, at midnight
    "Africa/Casablanca",  # clocks go back for Ramadan
    "Africa/Johannesburg",
    "America/Asuncion",  # at midnight, until 2024
    "America/Caracas",  # half an hour, in 2007 and 2016
    "America/Chicago",
    "America/Havana",  # the first hour of the day happens twice
    "America/Los_Angeles",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",  # at midnight, until 2019: a day without its first hour, a day with its last one twice
    "America/St_Johns",  # one minute after midnight, until 2011: clocks go back into the day before
    "Antarctica/Troll",  # two hours
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",  # a quarter of an hour
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Lord_Howe",  # summer time of half an hour
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Dublin",  # summer is the standard time there
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Moscow",
    "Pacific/Apia",  # 30 December 2011 did not happen
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Pacific/Honolulu",
)
