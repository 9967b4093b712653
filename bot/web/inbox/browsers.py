"""What a browser calls itself, in words that its owner knows it by; the raw header is kept nowhere."""

from __future__ import annotations

_UNKNOWN = "A browser"

_BROWSERS = (
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""The sign, and whose it is. In this order: most browsers also name those whose pages they want to be given."""

_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
"""In this order: Android names Linux, too."""


def browser_of(user_agent: str | None) -> str:
    """``Firefox on Linux``: one of the names above and never a word of the header itself, which anybody may write."""
    said = user_agent or ""
    browser = next((name for sign, name in _BROWSERS if sign in said), "")
    system = next((name for sign, name in _SYSTEMS if sign in said), "")
    if not system:
        return browser or _UNKNOWN
    return f"{browser or _UNKNOWN} on {system}"
