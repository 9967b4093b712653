"""Email for tests: an SMTP server with knobs, real IMAP servers behind a proxy, a DNS zone, and DKIM keys.

Only what the world would do is made up here; what speaks is real (aiosmtpd, dovecot, pymap, dnspython, dkimpy).
"""

from tests.fakes.email.certificate import Certificate, new_certificate
from tests.fakes.email.dkim_keys import DkimKey, signed
from tests.fakes.email.dns import DnsZone
from tests.fakes.email.imap import ImapServer, dovecot, pymap_server
from tests.fakes.email.proxy import Proxy
from tests.fakes.email.smtp import FakeSmtp
from tests.fakes.email.smtp_values import Mail, Stage
from tests.fakes.email.talk import Talk, lmtp_send, smtp_send

__all__ = [
    "Certificate",
    "DkimKey",
    "DnsZone",
    "FakeSmtp",
    "ImapServer",
    "Mail",
    "Proxy",
    "Stage",
    "Talk",
    "dovecot",
    "lmtp_send",
    "new_certificate",
    "pymap_server",
    "signed",
    "smtp_send",
]
