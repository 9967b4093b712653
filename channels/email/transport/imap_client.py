"""The libraries' IMAP client, made so that another thread can end whatever it waits for."""

from __future__ import annotations

import imaplib
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from imap_tools import BaseMailBox

from bot.core.servers import Server, Tls
from channels.email.transport.tls import context_for

ANSWER_WITHIN = 20.0


def end(line: socket.socket) -> None:
    """End a connection, whoever waits for it."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


class _Client(imaplib.IMAP4):
    """The standard library's client, which tells of its socket before anything is waited for on it.

    It tells of a duplicate: TLS takes the socket itself over, and is not safe to touch while another thread reads.
    """

    def __init__(self, server: Server, opened: Callable[[socket.socket], None]) -> None:
        self._server, self._opened = server, opened
        super().__init__(server.host, server.port, ANSWER_WITHIN)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        line: socket.socket = super()._create_socket(timeout)  # type: ignore[misc]  # IMAP4_SSL does the same
        self._opened(line.dup())
        if self._server.tls is not Tls.IMPLICIT:
            return line
        try:
            return context_for(verify=self._server.verify).wrap_socket(line, server_hostname=self._server.host)
        except BaseException:
            line.close()
            raise


class Box(BaseMailBox):
    """imap-tools over that client; ``opened`` gets the socket's duplicate."""

    def __init__(self, server: Server, opened: Callable[[socket.socket], None]) -> None:
        self._server, self._opened = server, opened
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        return _Client(self._server, self._opened)


def file_of(client: Any) -> Any:
    """What the library reads the socket through; Python 3.14 names it otherwise."""
    return getattr(client, "_file", None) or getattr(client, "file", None)


def has_unread(client: Any) -> bool:
    """Whether the library holds bytes that it has not looked at; no poll of the socket tells."""
    read = getattr(client, "_readbuf", None)
    if read is not None:
        # Python 3.14 and later.
        return bool(read)
    pending = getattr(client.sock, "pending", None)
    if pending is not None and pending():
        return True
    client.sock.settimeout(0)
    try:
        return bool(file_of(client).peek(1))
    except OSError:
        return False
    finally:
        client.sock.settimeout(ANSWER_WITHIN)
