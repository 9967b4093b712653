"""The log: one record a line, as text or JSON, with what it is about and without any secret."""

from bot.logs.lines import log_to_stderr
from bot.logs.masks import Masks, secrets_among

__all__ = ["Masks", "log_to_stderr", "secrets_among"]
