"""Knobs that make Slack misbehave, per Web API method, a number of times or until cleared.

A method is named as in the API (`chat.postMessage`); `response_url` stands for posts to response URLs and `*` for all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["rate_limited", "server_error", "hang", "slow", "lost_response", "refuse"]


@dataclass
class Fault:
    """One fault that waits for its calls; `left` is None when it lasts until cleared."""

    kind: Kind
    method: str
    left: int | None = 1
    seconds: float = 0.0
    status: int = 503
    error: str = ""
    hits: int = 0


@dataclass
class Faults:
    """The faults in force; the first one that matches a call is used."""

    waiting: list[Fault] = field(default_factory=list)
    duplicate_envelopes: bool = False
    """Every Socket Mode envelope is delivered twice, over two connections where there are two."""
    bad_token: bool = False
    """Every token is refused with `invalid_auth`, as after a revocation."""

    def _add(self, fault: Fault) -> Fault:
        self.waiting.append(fault)
        return fault

    def rate_limited(self, method: str, *, retry_after: int = 1, times: int | None = 1) -> Fault:
        """Answer HTTP 429 with `Retry-After` (whole seconds), nothing performed."""
        return self._add(Fault("rate_limited", method, times, float(retry_after)))

    def server_error(self, method: str, *, status: int = 503, times: int | None = 1) -> Fault:
        """Answer HTTP 5xx with an HTML page, nothing performed."""
        return self._add(Fault("server_error", method, times, status=status))

    def hang(self, method: str, seconds: float, *, times: int | None = 1) -> Fault:
        """Say nothing for so long, then drop the connection, nothing performed."""
        return self._add(Fault("hang", method, times, seconds))

    def slow(self, method: str, seconds: float, *, times: int | None = 1) -> Fault:
        """Perform the call, but only after so many seconds."""
        return self._add(Fault("slow", method, times, seconds))

    def lost_response(self, method: str, *, times: int | None = 1) -> Fault:
        """Perform the call, then drop the connection without an answer."""
        return self._add(Fault("lost_response", method, times))

    def refuse(self, method: str, error: str, *, times: int | None = 1) -> Fault:
        """Answer `ok: false` with this code, nothing performed."""
        return self._add(Fault("refuse", method, times, error=error))

    def clear(self, method: str = "*") -> None:
        """End the faults of a method, or all of them and the two flags."""
        if method == "*":
            self.waiting.clear()
            self.duplicate_envelopes = self.bad_token = False
        self.waiting[:] = [fault for fault in self.waiting if fault.method != method]

    def take(self, method: str) -> Fault | None:
        """Return the fault for this call and count it as used."""
        for fault in self.waiting:
            if fault.method in {method, "*"}:
                fault.hits += 1
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left <= 0:
                        self.waiting.remove(fault)
                return fault
        return None
