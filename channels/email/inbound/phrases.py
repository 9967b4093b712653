"""Words by which clients of many languages set apart what is not new: headers of a quoted letter, their footers."""

from __future__ import annotations

import re

_FROM = (
    "from von de da van från fra lähettäjä od nadawca odesílatel odosielateľ feladó "
    "expeditor pošiljatelj от від от: από kimden gönderen מאת من از فرستنده 差出人 发件人 "
    "寄件者 寄件人 보낸 보낸사람 từ จาก dari oorspronkelijke saatja nuo no remetente mittente "
    "expéditeur absender"
)
_OTHERS = (
    "sent date to cc subject reply-to importance gesendet datum an betreff "
    "wichtigkeit envoyé à objet cci enviado enviada fecha para asunto assunto data "
    "inviato a oggetto verzonden aan onderwerp skickat till ämne sendt til emne "
    "lähetetty päivämäärä vastaanottaja aihe kopio wysłano do temat dw odesláno komu "
    "předmět kopie odoslané predmet elküldve dátum címzett tárgy másolat trimis către "
    "subiect poslano za zadeva отправлено дата кому тема копия надіслано копія "
    "изпратено до относно στάλθηκε ημερομηνία προς θέμα κοιν gönderildi tarih kime "
    "konu bilgi נשלח תאריך אל נושא עותק التاريخ إلى الموضوع نسخة تاريخ الإرسال به "
    "موضوع 送信日時 日付 日時 宛先 件名 发送时间 日期 时间 收件人 主题 抄送 寄件日期 傳送日期 "
    "收件者 主旨 副本 보낸날짜 보낸 받는 받는사람 "
    "제목 참조 날짜 gửi ngày đến chủ ส่ง ถึง เรื่อง วันที่ dikirim kepada perihal tanggal "
    "saadetud kellele teema išsiųsta kam tema nosūtīts temats"
)
FROM_LABELS = frozenset(_FROM.split())
LABELS = FROM_LABELS | frozenset(_OTHERS.split())
"""First words of the lines ``From: …``, ``Sent: …`` above a quoted letter, in lower case."""

_OPENERS = "on am le el il em op den dne dňa w dnia в на pe på la a στις tarihinde kl. vào ב- في pada 于 在 az dana"
OPENERS = frozenset(_OPENERS.split())
"""First words of the line above a quote: ``On Friday, … wrote:``."""

FORWARDED = re.compile(
    r"(?:begin forwarded message|anfang der weitergeleiteten nachricht|début du message réexpédié)\s*:"
)

_FOOTERS = (
    r"sent (?:from|via|with|using) \[?(?:my |mail\b|outlook|yahoo|proton|samsung|gmail|aol|blue ?mail|spark)",
    r"(?:get|download) outlook for ", r"von meinem .{1,40} gesendet", r"gesendet (?:mit|von|aus|über) ",
    r"diese nachricht wurde von meinem ", r"envoyé (?:de|depuis|à partir de|avec|via) ",
    r"télécharge[rz] outlook pour ", r"enviado (?:desde|do|de|con|com|a partir d|por|via) ",
    r"enviada (?:desde|do|a partir d|pel)", r"obten(?:er|ha) outlook ", r"obter o outlook para ",
    r"inviato (?:da|dal|con|tramite) ", r"scarica outlook per ", r"verzonden (?:vanaf|met|van|via|vanuit) ",
    r"verstuurd vanaf ", r"outlook voor .{1,20} downloaden", r"skickat från ", r"skickades från ",
    r"hämta outlook ", r"sendt fra ", r"sendt med ", r"hent outlook ", r"få outlook ", r"lähetetty ",
    r"hanki outlook", r"wysłan[eoay] z ", r"pobierz (?:program )?outlook", r"odesláno z", r"odoslané z",
    r"elküldve ", r"küldve ", r"trimis (?:de pe|din|cu) ", r"poslano (?:z|s|iz|sa) ", r"poslato sa ",
    r"отправлено (?:с|из|от|через) ", r"изпратено от ", r"надіслано (?:з|із|від) ", r"στάλθηκε από ",
    r"gönderildi$", r"נשלח מ", r"أرسلت من ", r"أُرسلت من ", r"مرسل من ", r"تم الإرسال من", r"ارسال شده از ",
    r"发自我的", r"从我的.{1,20}发送", r"發自我的", r"從我的.{1,20}傳送",
    r"從我的.{1,20}寄出", r"发自", r"đã gửi từ ", r"gửi từ ",
    r"ส่งจาก", r"dikirim dari ", r"dihantar dari", r"enviat (?:des d|amb)", r"saadetud minu ", r"išsiųsta iš ",
    r"nosūtīts no ", r"outlook für .{1,20} beziehen", r"holen sie sich outlook", r"laden sie outlook",
)  # fmt: skip
_ENDINGS = (
    r"(?:から送信|より送信|에서 보냄|에서 전송"
    r"|'(?:dan|den|mdan|umdan|imden) gönderildi|(?:dan|den) gönderildi|ile gönderildi)"
)
FOOTER = re.compile(rf"(?:{'|'.join(_FOOTERS)}).*|.{{0,60}}{_ENDINGS}")
"""A whole line, folded in case, that a client on a phone puts below every letter."""
