"""Inputs of the inbox's threat tests."""

ELSEWHERE = (
    "//evil.example",
    "/\\evil.example",
    "https://evil.example/inbox",
    "https:evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/inbox\r\nSet-Cookie: a=b",
    "/requests/../../evil",
    "/requests/x/decisions",
    "/requests/x?y",
    "/sign-out",
    "inbox",
    "",
)
"""What ``next`` may say and must not be followed."""

FOREIGN: tuple[dict[str, str], ...] = (
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
)
"""Headers of forms that no page of ours sent."""

MARKUP = (
    "<svg onload=alert(1)>",
    "<script>alert(1)</script>",
    "</pre><form action=https://evil.example><button>Approve</button></form>",
    '" autofocus onfocus=alert(1) x="',
    "' onmouseover='alert(1)",
    "{{7*7}}{% raw %}",
    "<a href=javascript:alert(1)>click</a>",
    "<!-- -->",
    "&lt;b&gt;",
    "]]>",
)
"""Texts that must stay texts."""

HIDDEN = ("\u202e", "\u200b", "\U000e0041", "\u00ad", "\ufeff", "\u2066", "\u3164", "\t", "\x00", "\u00a0")
"""Characters that nobody would see, or that change how others are seen."""

NOT_LINKS = (
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "ftp://files.example/x",
    "//evil.example/x",
    "https://",
    "https://b\u0430nk.example/",
    "https://bank.example/\u202egpj",
    "https://bank.example/ x",
    "https://[bad/",
)
"""Addresses in evidence that are shown and cannot be clicked."""

NOT_MARKS = (
    "",
    "HASH",
    "CUT",
    "A" * 43,
    "A" * 43 + "; sayso-asked=CUT",
    "%00",
    '"' + "A" * 43 + '"',
    "null",
    "x" * 4000,
)
"""What a browser may hold that did not ask for a link; HASH is the SHA-256 of the right thing, CUT all but its end."""

EARNED = (500, 1, 1000)
"""Of T15: so many approvals, each of so little, and then one of so much."""

CANARIES = tuple(f"canary{n:02}" for n in range(50))
"""Of T23: what agents write, and nobody logs, pushes or streams."""
