"""One IMAP connection, blocking, by imap-tools: for a thread of its own.

Every wait has an end: the socket's timeout for each answer, and `abort` from another thread for everything else.
"""

from __future__ import annotations

import imaplib
import logging
import socket
import threading
from collections.abc import Sequence
from datetime import date
from typing import Any

from imap_tools import BaseMailBox
from imap_tools.errors import MailboxFolderSelectError, MailboxLoginError

from bot.core.scrutiny import visible
from bot.core.servers import Server, Tls
from channels.email.settings import LARGEST
from channels.email.transport.imap_answers import is_about, literal_in, number_in, size_in, words_of
from channels.email.transport.imap_client import Box, end, file_of, has_unread
from channels.email.transport.tls import context_for

_log = logging.getLogger(__name__)

_START = 128 * 1024
"""Of a letter larger than `LARGEST`: its headers, and more than the first 64 KiB of the rest."""
_WORDS = 200
_LEAVE_WITHIN = 1.0
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class ImapFailed(Exception):
    """What is wrong, in one line. ``settled``: somebody must change something, so it is tried again slowly."""

    def __init__(self, detail: str, *, settled: bool = False) -> None:
        """``detail`` may hold the server's own words."""
        one_line = visible(" ".join(detail.split()))
        super().__init__(one_line if len(one_line) <= _WORDS else one_line[: _WORDS - 1] + "…")
        self.settled = settled


class ImapConnection:
    """One connection with one folder selected.

    ``validity``, ``next_uid`` (RFC 3501, 2.3.1.1) and ``count`` are as the folder was selected.
    """

    def __init__(self, server: Server) -> None:
        """Nothing is connected yet."""
        self._server = server
        self._box: BaseMailBox | None = None
        self._line: socket.socket | None = None
        self._aborted = threading.Event()
        self.validity = 0
        self.next_uid = 0
        self.count = 0
        self.capabilities: tuple[str, ...] = ()

    @property
    def _client(self) -> Any:
        if self._box is None:
            raise ImapFailed("not connected")
        return self._box.client

    def open(self) -> None:
        """Connect, encrypt, sign in and select the folder. Raises `ImapFailed`, `OSError` and imaplib's errors."""
        server = self._server
        self._box = Box(server, self._opened)
        if self._aborted.is_set():
            raise ImapFailed("given up")
        offered = "STARTTLS" in self._client.capabilities
        if server.tls is Tls.STARTTLS and not offered:
            raise ImapFailed("the server does not offer STARTTLS, so no password was sent", settled=True)
        if server.tls is Tls.STARTTLS or (server.tls is Tls.OFFERED and offered):
            self._client.starttls(context_for(verify=server.verify))
        self._sign_in()
        self._select()

    def _opened(self, line: socket.socket) -> None:
        self._line = line
        if self._aborted.is_set():
            end(line)

    def _sign_in(self) -> None:
        server, box = self._server, self._box
        if box is None:
            raise ImapFailed("not connected")
        if not server.user:
            self.capabilities = tuple(self._client.capabilities)
            return
        try:
            plain = (server.user + server.password).isascii() and "LOGINDISABLED" not in self._client.capabilities
            if plain:
                box.login(server.user, server.password, initial_folder=None)
            else:
                box.login_utf8(server.user, server.password, initial_folder=None)
        except (MailboxLoginError, imaplib.IMAP4.error) as refused:
            if isinstance(refused, imaplib.IMAP4.abort):
                raise
            # Some servers repeat what they did not understand.
            words = words_of(refused).replace(server.password or "\0", "…")
            raise ImapFailed(f"the sign-in was refused: {words}", settled=True) from None
        status, said = self._client.capability()
        if status == "OK" and said and said[0]:
            self.capabilities = tuple(said[0].decode("ascii", "replace").upper().split())
        self._introduce()

    def _introduce(self) -> None:
        """Say who we are where that may be said (RFC 2971): NetEase (163, 126) opens no folder to a nameless client."""
        if "ID" not in self.capabilities:
            return
        try:
            self._client.xatom("ID", '("name" "Sayso" "version" "1")')
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            # Whoever wants it to be said takes it.
            return

    def _select(self) -> None:
        folder, box = self._server.folder or "INBOX", self._box
        if box is None:
            raise ImapFailed("not connected")
        try:
            selected = box.folder.set(folder)
        except MailboxFolderSelectError as refused:
            raise ImapFailed(f"the folder {folder} cannot be opened: {words_of(refused)}", settled=True) from None
        except imaplib.IMAP4.readonly:
            # What is read need not be marked.
            selected = box.folder.set(folder, readonly=True)
        self.count = number_in(selected[1])
        self.validity = number_in(self._client.response("UIDVALIDITY")[1])
        self.next_uid = number_in(self._client.response("UIDNEXT")[1])
        if not self.validity:
            raise ImapFailed("the server names no UIDVALIDITY, so nobody can know what was read", settled=True)

    def after(self, uid: int) -> list[int]:
        """The UIDs after one, ascending."""
        # The last letter is in the answer whatever its number (RFC 3501, 6.4.8).
        return [found for found in self._search(f"UID {uid + 1}:*") if found > uid]

    def since(self, day: date) -> list[int]:
        """The UIDs of what came on this day or later (as the server keeps days), ascending."""
        return self._search(f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}")

    def all(self) -> list[int]:
        """Every UID, ascending."""
        return self._search("ALL")

    def named(self, message_id: str) -> list[int]:
        """The UIDs of letters with this Message-ID, or with ours of that name where a service put in another."""
        if not message_id.isascii() or not message_id.isprintable() or set('"\\') & set(message_id):
            return []
        return self._search(f'OR HEADER Message-ID "{message_id}" HEADER X-Sayso-Letter "{message_id}"')

    def _search(self, criteria: str) -> list[int]:
        status, found = self._client.uid("SEARCH", criteria)
        if status != "OK":
            raise ImapFailed(f"SEARCH was refused: {found!r}")
        words = b" ".join(part for part in found if isinstance(part, bytes)).split()
        return sorted({int(word) for word in words})

    def fetch(self, uid: int) -> tuple[bytes, int] | None:
        """A letter and its size in bytes, without marking it; None where it is gone.

        Of one over `LARGEST` the first 128 KiB.
        """
        found = self._fetch(uid, "(UID RFC822.SIZE)")
        size = size_in(found)
        if size is None:
            return None
        # A server that is wrong about the size cannot make us read more than this.
        most = LARGEST if size <= LARGEST else _START
        raw = literal_in(self._fetch(uid, f"(UID BODY.PEEK[]<0.{most + 1}>)"))
        if raw is None:
            return None
        return raw, max(size, len(raw))

    def headers(self, uid: int) -> bytes | None:
        """A letter's headers, without marking it."""
        return literal_in(self._fetch(uid, "(UID BODY.PEEK[HEADER])"))

    def _fetch(self, uid: int, what: str) -> Sequence[Any]:
        status, found = self._client.uid("FETCH", str(uid), what)
        if status != "OK":
            raise Unfetchable(f"letter {uid} cannot be fetched: {found!r}")
        # Other letters' news may stand in between.
        return [item for item in found if is_about(item, uid, found)]

    def mark_seen(self, uid: int) -> None:
        """Mark a letter as seen, where the server lets us."""
        try:
            self._client.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)")
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            # It is for people who look into the mailbox, and nothing hangs on it.
            return

    @property
    def encryption(self) -> str | None:
        """The version of TLS, or None."""
        version = getattr(self._client.sock, "version", None)
        return str(version()) if version is not None else None

    @property
    def idles(self) -> bool:
        """Whether the server tells of news by itself (RFC 2177)."""
        return "IDLE" in self.capabilities

    def idle(self, within: float) -> None:
        """Wait until the server tells something, for at most so many seconds."""
        box = self._box
        if box is None:
            raise ImapFailed("not connected")
        box.idle.start()  # type: ignore[no-untyped-call]  # the library's own
        # What came together with the server's yes is read already, and no poll would show it.
        said = [] if has_unread(self._client) else box.idle.poll(within)
        if any(line.upper().startswith(b"* BYE") for line in said):
            raise ImapFailed("the server ended the connection")
        if self._aborted.is_set():
            raise ImapFailed("given up")
        box.idle.stop()  # type: ignore[no-untyped-call]  # the library's own

    def noop(self) -> None:
        """Let the server tell what is new, where it does not by itself."""
        self._client.noop()

    def abort(self) -> None:
        """End it now, from any thread: whoever waits for the server is woken with an error."""
        self._aborted.set()
        if self._line is not None:
            end(self._line)

    def close(self) -> None:
        """Take leave and let the sockets go. Never raises."""
        box, self._box = self._box, None
        try:
            if box is not None and not self._aborted.is_set():
                box.client.sock.settimeout(_LEAVE_WITHIN)
                box.logout()
        except Exception as fault:  # noqa: BLE001  # taking leave is a courtesy, and a broken server breaks the libraries
            _log.info("%s: the connection ended without a farewell: %s", self._server.shown, kind_of(fault))
        finally:
            client = box.client if box is not None else None
            line, self._line = self._line, None
            for part in (file_of(client), getattr(client, "sock", None), line):
                self._let_go(part)

    def _let_go(self, part: Any) -> None:
        try:
            if part is not None:
                part.close()
        except OSError as fault:
            # The others are let go all the same, or each reconnection would cost a file for good.
            _log.warning("%s: a socket could not be closed: %s", self._server.shown, kind_of(fault))


class Unfetchable(ImapFailed):
    """The server has the letter and refuses to give it."""


def mailbox_name(server: Server) -> str:
    """What the cursor of this mailbox is kept under: two accounts of one server have a folder of the same name each."""
    user = f"{server.user}@" if server.user else ""
    return server.shown.replace("://", f"://{user}", 1) + f"/{server.folder or 'INBOX'}"


def kind_of(fault: Exception) -> str:
    """What went wrong, in the system's words or by its class: never in the server's, which may repeat a letter."""
    return (fault.strerror if isinstance(fault, OSError) else None) or type(fault).__name__


def told(fault: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(fault, ImapFailed):
        return str(fault)
    if isinstance(fault, TimeoutError):
        return "no answer in time"
    return str(ImapFailed(f"{type(fault).__name__}: {fault}"))
