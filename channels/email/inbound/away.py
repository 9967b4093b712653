"""Subjects that out-of-office answers begin with, as Exchange, Gmail, Zimbra and people's own rules write them."""

from __future__ import annotations

import re
import unicodedata

_AUTOMATIC = (
    # English, German, French, Spanish, Portuguese, Italian, Dutch
    "automatic reply", "auto reply", "auto-reply", "autoreply", "auto response", "auto-response", "autoresponse",
    "automated reply", "automated response", "autoresponder", "out of office", "out of the office", "out-of-office",
    "away from the office", "vacation reply", "vacation response", "on vacation", "on leave", "on annual leave",
    "automatische antwort", "automatische rückantwort", "abwesenheitsnotiz", "abwesenheitsmeldung",
    "abwesenheitsbenachrichtigung", "abwesenheitsassistent", "nicht im büro", "nicht im hause", "außer haus",
    "ausser haus", "réponse automatique", "reponse automatique", "absence du bureau", "absent du bureau",
    "message d'absence", "notification d'absence", "respuesta automática", "respuesta automatica",
    "fuera de la oficina", "fuera de oficina", "resposta automática", "resposta automatica", "fora do escritório",
    "ausência temporária", "risposta automatica", "fuori sede", "fuori ufficio", "assenza dall'ufficio",
    "automatisch antwoord", "automatische reactie", "afwezigheidsbericht", "niet op kantoor", "afwezig wegens",
    # Swedish, Norwegian, Danish, Finnish, Icelandic
    "automatiskt svar", "autosvar", "frånvaromeddelande", "inte på kontoret", "ej på kontoret", "automatisk svar",
    "fraværsmelding", "ikke på kontoret", "ikke til stede", "fraværsmeddelelse", "automaattinen vastaus",
    "poissaoloilmoitus", "poissa toimistosta", "sjálfvirkt svar",
    # Polish, Czech, Slovak, Hungarian, Romanian, Slovenian, Croatian, Serbian, Bulgarian, Russian, Ukrainian
    "automatyczna odpowiedź", "odpowiedź automatyczna", "autoodpowiedź", "poza biurem", "nieobecność",
    "automatická odpověď", "mimo kancelář", "automatická odpoveď", "mimo kancelárie", "automatikus válasz",
    "házon kívül", "răspuns automat", "raspuns automat", "samodejni odgovor", "automatski odgovor",
    "аутоматски одговор", "автоматичен отговор", "извън офиса", "автоматический ответ", "автоответ",
    "нет на месте", "вне офиса", "автоматична відповідь", "поза офісом",
    # Greek, Turkish, Hebrew, Arabic, Persian, Estonian, Latvian, Lithuanian, Catalan, Basque, Galician
    "αυτόματη απάντηση", "εκτός γραφείου", "otomatik yanıt", "otomatik cevap", "ofis dışında", "תשובה אוטומטית",
    "מענה אוטומטי", "מחוץ למשרד", "رد تلقائي", "الرد التلقائي", "خارج المكتب", "پاسخ خودکار", "automaatvastus",
    "automātiska atbilde", "automātiskā atbilde", "automatinis atsakymas", "resposta automàtica",
    "fora de l'oficina", "erantzun automatikoa",
    # Japanese, Chinese, Korean, Vietnamese, Thai, Indonesian, Malay, Hindi
    "自動応答", "自動返信", "不在通知", "不在のお知らせ", "自动回复", "自動回覆", "自動回復", "自动答复", "外出自动",
    "자동 회신", "자동회신", "자동 응답", "부재중", "trả lời tự động", "vắng mặt tại văn phòng", "ตอบกลับอัตโนมัติ",
    "การตอบกลับอัตโนมัติ", "balasan otomatis", "jawaban otomatis", "di luar kantor", "balasan automatik",
    "jawapan automatik", "स्वचालित उत्तर", "स्वतः उत्तर",
    # Other words that the same languages' programs use
    "abwesend bis", "urlaubsvertretung", "hors du bureau", "odp. automatyczna", "avtomatski odgovor",
    "automatska poruka", "תגובה אוטומטית", "رد تلقائى", "tự động trả lời", "ตอบกลับโดยอัตโนมัติ",
)  # fmt: skip

_SHORT = (
    "auto", "ooo", "oof", "vacation", "holiday", "away", "abwesend", "urlaub", "absent", "absence", "ausente",
    "ausencia", "vacaciones", "férias", "assente", "ferie", "afwezig", "frånvarande", "semester", "fravær", "poissa",
    "urlop", "dovolená", "dovolenka", "szabadság", "concediu", "отпуск", "відпустка", "izinde", "不在", "休暇", "休假",
)  # fmt: skip
"""Words that a person's own subject could begin with too: they count before a colon, or alone."""


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _any_of(phrases: tuple[str, ...]) -> str:
    return "|".join(re.escape(_folded(phrase)) for phrase in sorted(phrases, key=len, reverse=True))


_BEFORE = re.compile(r"[\s\[(*<\"'«“„【]*+")
_BEGINS = re.compile(rf"(?:{_any_of(_AUTOMATIC)})(?!\w)|(?:{_any_of(_SHORT)})\s*+(?:[:：\])】]|$)")
_SOMEBODY_IS = re.compile(
    r"[^:]{1,80} (?:is (?:currently )?out of (?:the )?office|is away from (?:the )?office|ist (?:zurzeit )?ausser haus"
    r"|ist (?:zurzeit )?nicht im (?:büro|hause?)|est absente? du bureau|está fuera de la oficina"
    r"|è fuori (?:sede|ufficio)|está fora do escritório|is afwezig|is niet op kantoor)"
)
"""As Notes writes it: who, before what."""

_SCRIPT_WITHOUT_SPACES = re.compile(r"自動応答|自動返信|不在通知|自动回复|自動回覆|自動回復|자동 회신|자동회신|부재중")


def says_away(subject: str) -> bool:
    """Whether a subject begins as an automatic answer's does. A person's answer begins with Re:, AW: and the like."""
    text = _folded(subject)
    start = _BEFORE.match(text)
    at = start.end() if start else 0
    return any(shape.match(text, at) for shape in (_BEGINS, _SOMEBODY_IS, _SCRIPT_WITHOUT_SPACES))
