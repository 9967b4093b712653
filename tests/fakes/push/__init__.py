"""Push for tests: a strict push service with browsers that decrypt, a strict ntfy server, a receiver of Apprise's."""

from tests.fakes.push.browser import Browser
from tests.fakes.push.ntfy import NtfyServer
from tests.fakes.push.service import PushService
from tests.fakes.push.services import JsonService

__all__ = ["Browser", "JsonService", "NtfyServer", "PushService"]
