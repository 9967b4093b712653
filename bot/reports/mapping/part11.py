"""21 CFR Part 11. Source: eCFR, Title 21, Part 11, Electronic Records; Electronic Signatures."""

from __future__ import annotations

from bot.reports.mapping.row import Row, Text

PART_11 = Text(
    key="part11",
    name="21 CFR Part 11: electronic records, electronic signatures",
    note="A decision in Sayso is a record of who approved what; whether it is an electronic signature in the sense of"
    " this part (11.100, 11.200: components, certification to the agency) is for the house to settle.",
    rows=(
        Row(
            clause="11.10(e)",
            asks="“Use of secure, computer-generated, time-stamped audit trails to independently record the date and"
            " time of operator entries and actions that create, modify, or delete electronic records. Record changes"
            " shall not obscure previously recorded information.” Kept as long as the records, and available for"
            " review and copying.",
            answers="Each change is a line with its time, chained by hash to all before it; a revision is never"
            " changed, an edit makes the next one. The trail is exported and verified without Sayso.",
            evidence=(6, 7),
            not_="The machine's clock; retention of backups. An erasure for data protection destroys contents, on"
            " record, where the house asks for that.",
        ),
        Row(
            clause="11.10(g)",
            asks="Authority checks, so that only authorised individuals can use the system, sign a record, or perform"
            " the operation at hand.",
            answers="Each vote is checked against who was asked in that stage at that time; what is refused is on"
            " record with its reason.",
            evidence=(2, 4),
            not_="Identity proofing of the people.",
        ),
        Row(
            clause="11.50(a), (b)",
            asks="A signed record shows the printed name of the signer, the date and time, and the meaning of the"
            " signature (“such as review, approval, responsibility, or authorship”), also in any human-readable form.",
            answers="Every decision is printed in this report with who, when, through what, and its meaning: approved,"
            " approved with edits, rejected, asked, escalated, approved past the review.",
            evidence=(3,),
            not_="Meanings of the house's own beyond these.",
        ),
        Row(
            clause="11.70",
            asks="Signatures “shall be linked to their respective electronic records to ensure that the signatures"
            " cannot be excised, copied, or otherwise transferred to falsify an electronic record by ordinary means”.",
            answers="A decision holds the digest of exactly what was decided (request, revision, agent, action,"
            " arguments, target), and stands in a chain of hashes that signed checkpoints pin.",
            evidence=(3, 6),
            not_="A cryptographic signature by the person: the house signs the trail, the person is authenticated by"
            " the channel.",
        ),
    ),
)
