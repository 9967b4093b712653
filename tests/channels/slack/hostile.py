"""500 strings that would like to be something else: links, mentions, markup, padding, control characters (T3, T4)."""

from __future__ import annotations

import itertools

LINKS = [
    "https://evil.example/pay", "<https://evil.example>", "<https://evil.example|Open the full request>",
    "http://127.0.0.1/", "[click](https://evil.example)", "<mailto:a@evil.example|mail>", "slack://open",
    "<//evil.example|x>", "javascript:alert(1)", "https:\\u002f\\u002fevil.example", "www.evil.example", "&lt;https://evil.example&gt;",
]  # fmt: skip
MENTIONS = [
    "<!channel>", "<!here>", "<!everyone>", "<@U0ANA>", "<@U0ANA|ana>", "<#C0GENERAL>", "<!subteam^S0TEAM>",
    "<!date^1^{date}|now>", "@channel", "@here", "&lt;!channel&gt;", "<!channel|x>", "<<!channel>>", "<!chan\u200bnel>",
]  # fmt: skip
MARKUP = [
    "*bold*", "_it_", "~no~", "`code`", "```\nfence\n```", "> quote", "• list", ":white_check_mark: Approved",
    ":rotating_light:", "# heading", "---", '"}]},{"type":"divider"', '\\"}', "{{ 7*7 }}", "{% raw %}", "{# x #}",
    '","type":"mrkdwn","text":"', "</script><svg onload=1>", "Approved by Ana Silva", "The agent says (checked)",
]  # fmt: skip
HIDDEN = [
    "\u202edesrever", "zero\u200bwidth", "\u2066iso\u2069", "\ufeffbom", "soft\u00adhyphen", "a\u0300\u0301", "\x00nul",
    "\x1b[31mred", "bell\x07", "\u2028line", "\u2029para", "\U000e0041tag", "\ue000private", "\u3164fill", "\u00a0nbsp",
    "pаypal.com", "tab\there", "cr\rlf\r\n", "Subject: x\r\nBcc: all@example.com", "\u2800braille",
]  # fmt: skip
PADDING = [
    "a" * 3_100,
    "\n" * 40 + "after",
    " " * 200 + "after",
    "rm -rf / #" + "\n" * 500 + "tests pass",
    "&" * 300,
    "<" * 300,
]
AROUND = ["{}", "x {} y", "{}\n", "({})", "{}{}", "\n{}", "ok: {} — done"]

HOSTILE: tuple[str, ...] = tuple(
    around.replace("{}", piece)
    for piece, around in itertools.product(LINKS + MENTIONS + MARKUP + HIDDEN + PADDING, AROUND)
)[:500]
