"""A real Firefox, wherever this machine has it: the one browser whose push service can be told to be ours."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("firefox-esr", "firefox")
_WITHIN = 30
"""Seconds until it answers, and that one script may take; the machine may be busy."""

_PREFS = {
    # Push: our service, over plain http, and no wait before a message counts.
    "dom.push.connection.enabled": True,
    "dom.push.testing.allowInsecureServerURL": True,
    "dom.webnotifications.requireuserinteraction": False,
    # Its own pop-ups; there is no desktop to hand them to.
    "alerts.useSystemBackend": False,
    # Nothing else calls anywhere, asks anything, or takes itself for offline.
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.safebrowsing.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.manage-offline-status": False,
    "services.settings.server": "http://127.0.0.1:1",
    "termsofuse.bypassNotification": True,
    "toolkit.telemetry.enabled": False,
}


class Firefox:
    """One browser with one window, driven by Marionette's own protocol: JSON with its length before it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._sent = 0

    async def begin(self) -> None:
        """Say hello, and let scripts take their time."""
        await self._message()
        await self._call("WebDriver:NewSession", capabilities={})
        await self._call("WebDriver:SetTimeouts", script=_WITHIN * 1000)

    async def open(self, url: str) -> None:
        """Go there, and wait until it has loaded."""
        await self._call("WebDriver:Navigate", url=url)

    async def run(self, script: str, *given: Any) -> Any:
        """What the body of an asynchronous function gives in the page; it finds the arguments in ``given``."""
        answer = (await self._call("WebDriver:ExecuteAsyncScript", script=_TOLD % script, args=[list(given)]))["value"]
        assert "fault" not in answer, answer["fault"]
        return answer.get("value")

    async def inside(self, script: str, *given: Any) -> Any:
        """The same in the browser's own code, where ``Services`` and ``Cc`` are."""
        await self._call("Marionette:SetContext", value="chrome")
        try:
            return await self.run(script, *given)
        finally:
            await self._call("Marionette:SetContext", value="content")

    async def allow(self, origin: str) -> None:
        """Let a site notify, as somebody who was asked does."""
        await self.inside(
            "const who = Services.scriptSecurityManager.createContentPrincipalFromOrigin(given[0]);"
            "Services.perms.addFromPrincipal(who, 'desktop-notification', 1);",
            origin,
        )

    async def _call(self, command: str, **parameters: Any) -> Any:
        self._sent += 1
        text = json.dumps([0, self._sent, command, parameters])
        self._writer.write(f"{len(text)}:{text}".encode())
        _, number, fault, result = await self._message()
        assert number == self._sent
        assert fault is None, fault
        return result

    async def _message(self) -> Any:
        length = int((await self._reader.readuntil(b":"))[:-1])
        return json.loads(await self._reader.readexactly(length))


_TOLD = """
const [given, told] = arguments;
(async () => { %s })().then((value) => told({ value }), (fault) => told({ fault: String(fault) }));
"""
"""Marionette gives a callback as the last argument; a fault is told, not waited for."""


@asynccontextmanager
async def firefox(folder: Path, **prefs: Any) -> AsyncIterator[Firefox]:
    """Open the browser on a fresh profile in ``folder``; where there is none, skip, or fail under SAYSO_TEST_ALL=1.

    ``prefs``: names with two underscores for each dot.
    """
    path = next((found for found in map(shutil.which, _NAMES) if found), None)
    if path is None:
        if os.environ.get("SAYSO_TEST_ALL") == "1":
            pytest.fail("there is no Firefox on this machine")
        pytest.skip("there is no Firefox on this machine; install Debian's package firefox-esr to run this")
    port = _free_port()
    said = {**_PREFS, **{name.replace("__", "."): value for name, value in prefs.items()}, "marionette.port": port}
    profile = folder / "firefox"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in said.items()]
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    command = [path, "--headless", "--no-remote", "--marionette", "--remote-allow-system-access"]
    with (folder / "firefox.log").open("wb") as log:
        running = subprocess.Popen(  # noqa: ASYNC220, S603  # a browser of the system's, which is not waited for here
            [*command, "--profile", str(profile), "about:blank"],
            env={**os.environ, "HOME": str(profile), "MOZ_HEADLESS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        async with asyncio.timeout(_WITHIN):
            reader, writer = await _connected(port)
            driven = Firefox(reader, writer)
            await driven.begin()
        try:
            yield driven
        finally:
            writer.close()
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        await asyncio.to_thread(running.wait)


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError:  # it is still starting, and tells nobody when it has
            await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port
