"""The inbox: server-rendered pages in which a person sees what waits, decides, and reads what came of it."""

from bot.web.inbox.addresses import routes

__all__ = ["routes"]
