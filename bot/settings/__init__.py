"""The environment as one frozen value; the one source of `.env.example`.

``NAME`` is read from the environment, else from ``.env``; ``NAME_FILE`` names a file that holds the value (as
container secrets do). What is missing or wrong is said in one line each, naming the variable and what to do.
"""

from __future__ import annotations

from bot.settings.audit import Audit, audit_of
from bot.settings.environment import read_env
from bot.settings.problems import SettingsError
from bot.settings.values import Settings, public_url_of, settings_of
from bot.settings.variables import VARIABLES, Variable, env_example

__all__ = [
    "VARIABLES",
    "Audit",
    "Settings",
    "SettingsError",
    "Variable",
    "audit_of",
    "env_example",
    "public_url_of",
    "read_env",
    "settings_of",
]
