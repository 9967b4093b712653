"""The new text of a letter, as every client writes it; and a quoted letter never answers itself (T19)."""

from __future__ import annotations

import re
import textwrap
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.grammar import Command, parse
from channels.email.inbound.text import MARKER, new_text
from tests.channels.email.inbound.letters import OURS, mail, said

US = f"Sayso <{OURS[1]}>"
LETTER = f"{MARKER}\n\nbilling-bot wants to refund 240 USD.\n\nReply with one of:\napprove\nreject\n"
QUOTED = "\n".join(f"> {line}" for line in LETTER.split("\n"))

NEW = {
    "gmail": (
        f"APPROVE\n\nFine by me.\n\nOn Thu, Nov 20, 2026 at 3:14 PM {US} wrote:\n\n{QUOTED}",
        "APPROVE\n\nFine by me.",
    ),
    "gmail wrapped": (
        f"reject: paid\n\nOn Thu, Nov 20, 2026 at 3:14 PM Sayso via Finance\n<{OURS[1]}> wrote:\n\n{QUOTED}",
        "reject: paid",
    ),
    "the date on two lines": (f"approve\n\nOn Thu, Nov 20,\n2026 at 3:14 PM {US} wrote:\n{QUOTED}", "approve"),
    "no blank line": (f"approve\nOn 20 Nov 2026, Sayso wrote:\n{QUOTED}", "approve"),
    "a command with a colon above a quote": (f"ask: which of these:\n{QUOTED}", "ask: which of these:"),
    "outlook": (
        f"approve\r\n\r\nDana\r\n\r\n_________________________\r\nFrom: {US}\r\nSent: x\r\nTo: y\r\n\r\n{LETTER}",
        "approve\n\nDana",
    ),
    "outlook without a rule": (f"reject\n\nFrom: {US}\nSent: Friday\nTo: Ana\nSubject: x\n\n{LETTER}", "reject"),
    "outlook in bold": (f"reject\n\n*From:* {US}\n*Sent:* Friday\n*To:* Ana\n\nwithout its first line", "reject"),
    "german outlook": (f"approve\n\nVon: {US}\nGesendet: heute\nAn: Ana\nBetreff: x\n\n{LETTER}", "approve"),
    "japanese outlook": (f"approve\n\n差出人: {US}\n送信日時: 今日\n宛先: 田中\n件名: x\n\n{LETTER}", "approve"),
    "unknown language": (f"approve\n\nAsal: {US}\nBila: 1\nKe: x\nTajuk: x\n\nnothing marked\n", "approve"),
    "original message": (f"approve\n\n-----Ursprüngliche Nachricht-----\nVon: x\n\n{LETTER}", "approve"),
    "apple": (f"Reject\n\nSent from my iPhone\n\n> On Nov 20, 2026, at 15:14, {US} wrote:\n> \n{QUOTED}", "Reject"),
    "bottom": (f"On 20/11/2026 15:14, Sayso wrote:\n{QUOTED}\n\napprove\n\n-- \nKim\nACME", "approve"),
    "bottom, french": (f"Le 20/11/2026 à 15:14, {US} a écrit :\n{QUOTED}\napprove", "approve"),
    "inline": ("> It wants to refund.\n\nWhich order?\n\n> Reply.\n\nREJECT", "Which order?\n\nREJECT"),
    "german gmail": (
        f"reject\n\nAm Do., 20. Nov. 2026 um 15:14 Uhr schrieb Sayso <\n{OURS[1]}>:\n\n{QUOTED}",
        "reject",
    ),
    "chinese": (f"approve\n\n于2026年11月20日周五 15:14，{US} 写道：\n{QUOTED}", "approve"),
    "yahoo, nothing marked": (
        f"approve\n\nOn Friday, November 20, 2026, {US} wrote:\n\n  Reply:\n  reject\n",
        "approve",
    ),
    "proton": (f"approve\n\nSent with Proton Mail secure email.\n\nOn Friday, {US} wrote:\n\n{QUOTED}", "approve"),
    "nothing marks the quote": (f"approve\n\nfine\n\nSayso wrote:\n\n{LETTER}", "approve\n\nfine"),
    "a question above the marker": (f"ask: which one:\n{LETTER}", "ask: which one:"),
    "the marker in capitals": (f"approve\n\n{LETTER.upper()}", "approve"),
    "marks of a keyboard": ("\ufeff\u200f\u202bapprove\u202c\u200e\u00a0\n\n\u200bok\u00ad\n", "approve\n\nok"),
    "linked by outlook": ("edit to=A@x.example<mailto:a@x.example>, n=5", "edit to=A@x.example, n=5"),
    "linked by gmail": ("edit to=a@x.example <a@x.example>", "edit to=a@x.example"),
    "linked by gmail, wrapped": ("edit site=www.x.example\n<http://www.x.example/>\n", "edit site=www.x.example"),
    "linked by zimbra": ("edit to=[ mailto:a@x.example | a@x.example ]", "edit to=a@x.example"),
    "a link to something else": ("edit to=a@x.example<mailto:b@x.example>",) * 2,
    "a name and an address": ("edit to=Ana <a@x.example>",) * 2,
    "nothing": ("\n \n\u00a0\n", ""),
    "line ends that are none": ("approve\u2028ok\rx\x0by", "approve\u2028ok\rx\x0by"),
    "a comment of labels": ("approve\norder: 1\nwho: Kim\nwhy: fine", "approve\norder: 1\nwho: Kim\nwhy: fine"),
    "a reason and a label": (
        "reject: paid\nOrder: 1\nContact: x@y.example",
        "reject: paid\nOrder: 1\nContact: x@y.example",
    ),
}


@pytest.mark.parametrize(("body", "new"), NEW.values(), ids=NEW)
def test_the_new_text(body: str, new: str) -> None:
    """What was typed, above, below or between."""
    assert said(body.replace("\r\n", "\n")) == new


FOOTERS = [
    "Sent from my iPhone", "Sent from Yahoo Mail for Android", "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "Sent from Mail for Windows", "Von meinem iPhone gesendet", "Gesendet mit der GMX Mail App",
    "Envoyé de mon iPhone", "Télécharger Outlook pour iOS", "Enviado desde mi iPhone", "Enviado do meu iPhone",
    "Inviato da iPhone", "Verstuurd vanaf mijn iPhone", "Skickat från min iPhone", "Sendt fra min iPhone",
    "Lähetetty iPhonesta", "Wysłane z iPhone'a", "Odesláno z iPhonu", "Elküldve az iPhone-omról",
    "Отправлено с iPhone", "Надіслано з iPhone", "Στάλθηκε από το iPhone μου", "iPhone'umdan gönderildi",
    "נשלח מה-iPhone שלי", "أُرسلت من الـ iPhone", "iPhoneから送信", "发自我的 iPhone", "從我的 iPhone 傳送",
    "나의 iPhone에서 보냄", "Đã gửi từ iPhone của tôi", "ส่งจาก iPhone ของฉัน", "Dikirim dari iPhone saya",
]  # fmt: skip


@pytest.mark.parametrize("footer", FOOTERS)
def test_a_footer_of_a_phone_is_no_comment(footer: str) -> None:
    """In any language, also where nothing else was written."""
    assert said(f"approve\n\n{footer}\n") == "approve"
    assert said(f"{footer}\n\n{QUOTED}") == ""


TOP = "<div>approve</div><div>fine</div>"
HTML = {
    "gmail": '<div dir="ltr">approve<br><div>fine</div></div><br><div class="gmail_quote">'
    '<div class="gmail_attr">On x wrote:<br></div><blockquote>{}</blockquote></div>',
    "outlook": '<head><style>p {{}}</style></head><body><p class="MsoNormal">approve</p><p>fine</p>'
    '<div id="divRplyFwdMsg">From: x</div><div>{}</div></body>',
    "outlook desktop": '<p>approve</p><p>fine</p><div><div style="border-top:solid"><p><b>From:</b> Sayso<br>'
    "<b>Sent:</b> x<br><b>To:</b> y</p></div></div>{}",
    "hotmail": TOP + "<hr id=stopSpelling><div id=appendonsend></div>{}",
    "apple": "<body>approve<div>fine</div><div><br><blockquote type=cite><div>On x, Sayso wrote:</div></blockquote>"
    "</div><blockquote>{}</blockquote></body>",
    "thunderbird": '<p>approve</p><p>fine</p><div class="moz-cite-prefix">On 1/1/26 x wrote:</div>'
    '<blockquote type="cite">{}</blockquote>',
    "yahoo": TOP + "<div id='x' class='yahoo_quoted'><div>On x wrote:</div><div>{}</div></div>",
    "proton": TOP + '<div class="protonmail_quote">On x wrote:<blockquote>{}</blockquote></div>',
    "fastmail": TOP + "<div>On Tue, Nov 24, 2026, Sayso wrote:</div><blockquote>{}</blockquote>",
    "nothing marks it": TOP + "<div>{}</div>",
    "hidden": '<div style="display: none">reject</div><span hidden>no</span>' + TOP + '<p style="font-size:0">x</p>{}',
    "never closed": TOP + "<blockquote><div>{}</div>",
    "a script": "<script>'</div>reject'</script><title>reject</title>" + TOP + "<!-- reject -->{}",
}


@pytest.mark.parametrize("template", HTML.values(), ids=HTML)
def test_the_new_text_of_html(template: str) -> None:
    """Where a client writes no plain text; with our letter below, as that client puts it there."""
    lines = LETTER.split("\n")
    for quoted in ("<br>".join(lines), "".join(f"<p>{line}</p>" for line in lines)):
        text = said(template.format(quoted), "text/html; charset=utf-8")
        assert [line for line in text.split("\n") if line] == ["approve", "fine"]


def test_html_is_text_to_the_eye() -> None:
    """Entities, blanks, preformatted lines, cells, and markup that is none."""
    text = said(
        "<p>edit\n note=&quot;a &lt; b&quot;</p><pre>x\n  y</pre><table><tr><td>1<td>2</table>3 < 4<nonsense",
        "text/html",
    )
    assert text == 'edit note="a < b"\n\nx\n  y\n\n 1 2\n3 < 4'
    assert said("<p>approve&#99999999999;</p>", "text/html") == "approve\ufffd"
    assert said('<p title="a>b" class=x>approve</p>', "text/html") == "approve"


PARTS = "--b\nContent-Type: text/plain; charset=utf-8\n\n{}\n--b\nContent-Type: text/html\n\n<p>html</p>\n--b--\n"


@pytest.mark.parametrize(
    ("kind", "body", "new"),
    [
        ("multipart/alternative; boundary=b", PARTS.format("plain"), "plain"),
        ("multipart/alternative; boundary=b", PARTS.format("  "), "html"),
        ('multipart/mixed; boundary="b"', PARTS.format("plain"), "plain\n\nhtml"),
        ("multipart/related; boundary=b", PARTS.format("plain"), "plain"),
        (
            'multipart/mixed; boundary*1="b"; boundary*0=a',
            PARTS.format("plain").replace("--b", "--ab"),
            "plain\n\nhtml",
        ),
        ("multipart/mixed; boundary=b", "--b\nContent-Type: text/plain; name*0=a; name*1=b\n\napprove\n--b--", ""),
        ("multipart/encrypted; boundary=b", PARTS.format("plain"), ""),
        ("multipart/mixed", PARTS.format("plain"), ""),
        ("multipart/mixed; boundary=b", "approve\n--b\n\nplain", "plain"),
        ("multipart/mixed; boundary=b", "--b\nContent-Type: message/rfc822\n\n\napprove\n--b--", ""),
        ("multipart/mixed; boundary=b", "--b\nContent-Disposition: attachment\n\napprove\n--b--", ""),
        ("multipart/mixed; boundary=b", "--b\nContent-Disposition: inline; filename=a\n\napprove\n--b--", ""),
        ("multipart/mixed; boundary=b", "--b\nContent-Type: text/plain; name=a\n\napprove\n--b--", ""),
        ("multipart/mixed; boundary=b", "--b\nContent-Type: application/x\n\napprove\n--b--\napprove", ""),
        ("message/rfc822", "\napprove", ""),
        ("application/octet-stream", "approve", ""),
        ("text/plain; name=a.txt", "approve", ""),
    ],
)
def test_only_text_of_the_senders_is_read(kind: str, body: str, new: str) -> None:
    """One of the alternatives, and never what is attached, passed on, or around the parts."""
    assert said(body, kind) == new


@pytest.mark.parametrize(
    ("kind", "raw", "new"),
    [
        ("text/plain; charset=iso-8859-1", b"approve\nm\xfcde", "approve\nmüde"),
        ("text/plain; charset=koi8-r", b"approve\n\xd0\xc1", "approve\nпа"),
        ("text/plain; charset=iso-2022-jp", b"approve\n\x1b$B>5G'\x1b(B", "approve\n承認"),
        ("text/plain; charset=gb2312", b"approve\n\xc4\xe3", "approve\n你"),
        ("text/plain; charset=shift_jis", b"approve\n\x8f\xb3", "approve\n承"),
        ("text/plain; charset=windows-1255", b"approve\n\xf9", "approve\nש"),
        ("text/plain; charset=utf-16", "approve".encode("utf-16"), "approve"),
        ("text/plain; charset=us-ascii", "approve\nü".encode(), "approve\nü"),
        ("text/plain; charset=us-ascii", b"approve\n\xfc", "approve\nü"),
        ("text/plain; charset=utf-8", b"approve\n\xfc", "approve\n\ufffd"),
        ("text/plain; charset=no-such", b"approve", "approve"),
        ("text/plain; charset=utf-7", b"+AGEAcABwAHIAbwB2AGU-", "+AGEAcABwAHIAbwB2AGU-"),
        ("text/plain; charset=hex", b"617070726f7665", "617070726f7665"),
        ("text/plain; charset=punycode", b"approve-", "approve-"),
        ("text/plain; charset=\xff", b"approve", "approve"),
    ],
)
def test_a_charset_that_is_unknown_or_lies(kind: str, raw: bytes, new: str) -> None:
    """What cannot be read is marked; what is no charset of mail is not used."""
    letter = mail(f"Content-Type: {kind}", body=raw.decode("utf-8", "surrogateescape"))
    assert new_text(letter, OURS) == new


@pytest.mark.parametrize(
    ("encoding", "body", "new"),
    [
        ("base64", "YXBw\ncm92ZQ==", "approve"),
        ("BASE64", "YXBwcm92ZQ", "approve"),
        ("base64", "YXBwcm92ZQ==!!x", "approve"),
        ("quoted-printable", "appr=6F=\nve=20\nok", "approve\nok"),
        ("quoted-printable", "approve=ZZ=", "approve=ZZ"),
        ("x-unknown", "approve", "approve"),
    ],
)
def test_transfer_encodings(encoding: str, body: str, new: str) -> None:
    """Broken ones are read as far as they go."""
    assert said(body, "text/plain", f"Content-Transfer-Encoding: {encoding}") == new


def test_flowed_text_is_put_together() -> None:
    """Soft breaks are none (RFC 3676); stuffed blanks, quotes and signatures are as they were."""
    flowed = "text/plain; charset=utf-8; format=flowed"
    assert said("edit note=a long \nnote, amount=5\nok", flowed) == "edit note=a long note, amount=5\nok"
    assert said("edit note=a lo \nng note\n", f"{flowed}; delsp=yes") == "edit note=a long note"
    assert said(" From here\n > no quote\nx\n-- \nKim", flowed) == "From here\nx"
    assert said("> a \n> b\napprove", flowed) == "approve"
    assert said("> a \napprove", flowed) == "approve"


def plain(lines: list[str]) -> str:
    """Quoted as most clients do."""
    return "On Thu, Nov 20, 2026 at 3:14 PM Sayso wrote:\n\n" + "\n".join(f"> {line}" for line in lines)


def wrapped(lines: list[str]) -> str:
    """Quoted, and then wrapped by somebody who does not know what a quote is."""
    quoted = [f"> {line}" for line in [*lines, ""]]
    return "\n".join("\n".join(textwrap.wrap(line, 76)) or ">" for line in quoted) + "\n> end"


STYLES = {
    "plain": (plain, "text/plain"),
    "wrapped": (wrapped, "text/plain"),
    "twice": (lambda lines: plain(plain(lines).split("\n")), "text/plain"),
    "flowed": (plain, "text/plain; format=flowed"),
    "outlook": (lambda lines: "From: Sayso\nSent: x\nTo: y\nSubject: z\n\n" + "\n".join(lines), "text/plain"),
    "bare": ("\n".join, "text/plain"),
    "indented": (lambda lines: f"On Friday, {US} wrote:\n" + "\n".join(f"  {line}" for line in lines), "text/plain"),
    "quoted html": (lambda lines: "<blockquote>" + "<br>".join(map(escape, lines)) + "</blockquote>", "text/html"),
    "bare html": (lambda lines: "".join(f"<p>{escape(line)}</p>" for line in lines), "text/html"),
    "html cells": (
        lambda lines: "<table>" + "".join(f"<tr><td>{escape(line)}</td></tr>" for line in lines),
        "text/html",
    ),
}
LINES = st.lists(
    st.sampled_from(["approve", "reject", "escalate", "ask: who?", "edit amount=1", "", "-- ", "> approve", "x" * 80])
    | st.sampled_from(["x\u2028approve", "x\rapprove", "x\x0bapprove", "\x85approve", "\u200bapprove", "From: x"])
    | st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=90)
    | st.tuples(st.integers(60, 80), st.sampled_from(["approve", "reject"])).map(
        lambda pair: "y" * pair[0] + " " + pair[1]
    ),
    max_size=12,
)


@pytest.mark.parametrize(("quote", "kind"), STYLES.values(), ids=STYLES)
@given(lines=LINES)
@settings(max_examples=120, deadline=None)
def test_t19_a_quoted_letter_never_answers_itself(quote, kind, lines) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  # styles are of several kinds
    """Whatever an agent puts into a letter of ours: an empty reply above it decides nothing, in any client's style."""
    assert not isinstance(parse(said(quote([MARKER, "", *lines, "Sayso"]), f"{kind}; charset=utf-8")), Command)


def test_the_marker_is_what_the_reading_looks_for() -> None:
    """The line that letters begin with is one that they end at."""
    assert re.fullmatch(r"- - - reply above this line - - -", MARKER)
    assert said(f"approve\n{MARKER}\nreject") == "approve"
