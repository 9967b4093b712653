"""A certificate for localhost that nobody signed but itself, made when it is needed."""

from __future__ import annotations

import functools
import os
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest
from msgspec import Struct


class Certificate(Struct, frozen=True):
    """Files in PEM: the certificate, and its key."""

    certificate: Path
    key: Path

    def served(self) -> ssl.SSLContext:
        """What a server uses."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


@functools.cache
def new_certificate() -> Certificate:
    """One for ``localhost`` and no other name; the same for the whole run. Skips where there is no openssl."""
    if shutil.which("openssl") is None:
        if os.environ.get("SAYSO_TEST_ALL") == "1":
            pytest.fail("openssl is not installed")
        pytest.skip("openssl is not installed")
    folder = Path(tempfile.mkdtemp(prefix="sayso-tls-"))
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603  # every word of it stands above
    return made
