"""Joiners in what people only read: alone where a script or an emoji needs them, visible elsewhere (threat T4)."""

from __future__ import annotations

import pytest

from bot.core.card import literal
from bot.core.joiners import prose
from bot.core.scrutiny import visible

NON, ZWJ, VS = "\u200c", "\u200d", "\ufe0f"

ORDINARY = {
    "Persian": f"می{NON}روم، خانه{NON}ها را دیدم.",
    "Persian with vowel marks": f"مِیَ{NON}روم",
    "Hindi": f"क्{ZWJ}ष क्{NON}ष",
    "Sinhala": f"ශ්{ZWJ}රී ලංකා",
    "a doctor": f"👩🏽{ZWJ}⚕{VS}",
    "a couple": f"👨{ZWJ}❤{VS}{ZWJ}💋{ZWJ}👨",
    "a flag, beside words": f"Done!🏳{VS}{ZWJ}🌈ok",
    "a keycap": f"1{VS}\u20e3",
}
ODD = {
    "Latin": f"ab{NON}cd",
    "digits": f"1{ZWJ}2",
    "a virama on Latin": f"a\u094d{NON}b",
    "twice": f"خانه{NON}{NON}ها",
    "where nothing joins": f"دا{NON}د",
    "at an end": f"خانه{NON}",
    "half an emoji": f"👩{ZWJ}",
    "a letter and an emoji": f"x{ZWJ}👩",
    "a selector twice": f"❤{VS}{VS}",
    "a selector on a letter": f"a{VS}",
    "hidden in tags": "🏴\U000e0067\U000e007f",
    "alone": NON,
}
ADDRESSES = [
    f"https://خانه{NON}ها.ir/a",
    f"می{NON}روم@example.org",
    f"نام_می{NON}روم",
    f"خانه{NON}ها.ir",
    f"c:\\می{NON}روم",
]


@pytest.mark.parametrize("text", ORDINARY.values(), ids=ORDINARY)
def test_what_a_script_or_an_emoji_needs_is_left_alone_in_prose_only(text: str) -> None:
    """Prose reads as it was written; what runs still says every one of them."""
    assert prose(text) == text
    assert prose(f"{text}\n{text}") == f"{text}⏎\n{text}"
    assert {NON, ZWJ, VS}.isdisjoint(literal(text))
    assert {NON, ZWJ, VS}.isdisjoint(literal({text: [text]}))


@pytest.mark.parametrize("text", [*ODD.values(), *ADDRESSES], ids=[*ODD, *map(ascii, ADDRESSES)])
def test_t04_a_joiner_elsewhere_is_shown_in_prose_too(text: str) -> None:
    """Where it does nothing that is seen, or stands in what is followed, each shows its number."""
    last = ODD["a selector twice"] == text
    assert prose(text).count("⟦") == visible(text).count("⟦") - last
    assert "⟦U+" in prose(text)
    beside = ORDINARY["Persian"]
    assert prose(f"{beside} {text}\u202e⟦") == f"{beside} {prose(text)}⟦U+202E⟧⟦U+27E6⟧"


def test_t22_a_text_of_nothing_else_is_shown_by_numbers() -> None:
    """More of them than anybody writes are not looked at one by one; all of the Han signs in a text change nothing."""
    assert prose(ORDINARY["Hindi"] * 4000) == visible(ORDINARY["Hindi"] * 4000)
    han = "".join(map(chr, range(0x4E00, 0xA000)))
    assert prose(han + ORDINARY["Hindi"]) == han + visible(ORDINARY["Hindi"])
