"""A server that speaks S3, as a process of its own: moto's."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

_OPENS_WITHIN = 60.0
_SOMEBODY = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20261126/us-east-1/s3/aws4_request, Signature=0",
    "Content-Type": "application/octet-stream",
}
"""Moto asks who it is, and believes it."""


class Buckets:
    """A server with one bucket, ``audit``."""

    def __init__(self, log: Path) -> None:
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            self.port = int(trial.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(self.port)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ, "NO_COLOR": "1"})  # noqa: S603  # our own words
        end = time.monotonic() + _OPENS_WITHIN
        while True:
            try:
                self.ask("PUT", "audit")
            except OSError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """A request of our own: what it answers. Raises ``OSError`` where it does not, or says no."""
        asked = urllib.request.Request(f"{self.url}/{path}", data=body, method=method, headers=_SOMEBODY)  # noqa: S310  # our own server
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310  # as above
            told: bytes = answer.read()
        return told

    def said(self) -> str:
        """Its log: a line a request."""
        return self._log.read_text(encoding="utf-8", errors="replace")
