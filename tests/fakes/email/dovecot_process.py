"""dovecot, run without anything that needs root: its own folder, ports above 1024, and any user with one password."""

from __future__ import annotations

import atexit
import functools
import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

PASSWORD = "secret"
_UP_WITHIN = 10.0
_BINARY = "/usr/sbin/dovecot"

_CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 1000
first_valid_uid = 1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u allow_all_users=yes
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""


class Dovecot:
    """One dovecot; ``port`` speaks IMAP, ``lmtp`` LMTP. The folders of its mail are ``folder/mail/USER``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.lmtp = _free_port(), _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    @functools.cache
    def running() -> Dovecot:
        """The one for the whole run. Skips where dovecot is not installed, and fails under SAYSO_TEST_ALL=1."""
        if not Path(_BINARY).exists():
            if os.environ.get("SAYSO_TEST_ALL") == "1":
                pytest.fail("dovecot is not installed")
            pytest.skip("dovecot is not installed")
        made = Dovecot(Path(tempfile.mkdtemp(prefix="sayso-dovecot-")))
        atexit.register(made.stop)
        made.start()
        return made

    def start(self) -> None:
        """Run it, and wait until it greets."""
        # dovecot gives its rights up where it has root's, and the user it becomes must reach the folder.
        user = pwd.getpwnam("nobody" if os.geteuid() == 0 else getpass.getuser())
        self.folder.chmod(0o755)
        for name in ("run", "state", "mail"):
            (self.folder / name).mkdir(exist_ok=True)
        if os.geteuid() == 0:
            os.chown(self.folder / "mail", user.pw_uid, user.pw_gid)
        group = "nogroup" if os.geteuid() == 0 else _group(user.pw_gid)
        text = _CONFIGURATION.format(
            folder=self.folder, user=user.pw_name, group=group, uid=user.pw_uid, gid=user.pw_gid,
            port=self.port, lmtp=self.lmtp, password=PASSWORD,
        )  # fmt: skip
        configuration = self.folder / "dovecot.conf"
        configuration.write_text(text)
        self._process = subprocess.Popen([_BINARY, "-F", "-c", str(configuration)])  # noqa: S603  # the file above
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + _UP_WITHIN
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
                    if client.recv(4) == b"* OK":
                        return
            except OSError:
                time.sleep(0.05)
        log = self.folder / "dovecot.log"
        pytest.fail(f"dovecot does not start: {log.read_text() if log.exists() else 'no log'}")

    def stop(self) -> None:
        """End it, and remove its folder."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)


def _group(gid: int) -> str:
    import grp  # noqa: PLC0415  # POSIX alone has it

    return grp.getgrgid(gid).gr_name


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
