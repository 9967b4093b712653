"""What texts ask for, what of Sayso answers, where in the report the evidence is, and what is not answered.

Quoted are the texts as published; what stands without quotation marks is a paraphrase. Support is claimed, never
compliance: that is for whoever runs the house, and whoever judges it.
"""

from __future__ import annotations

from bot.reports.mapping.eu import EU
from bot.reports.mapping.nist import NIST
from bot.reports.mapping.owasp import OWASP
from bot.reports.mapping.part11 import PART_11
from bot.reports.mapping.row import Text
from bot.reports.mapping.soc import SOC_2

TEXTS: tuple[Text, ...] = (EU, SOC_2, PART_11, NIST, OWASP)

__all__ = ["TEXTS", "Text"]
