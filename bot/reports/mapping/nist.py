"""NIST AI RMF. Source: NIST AI 100-1, Artificial Intelligence Risk Management Framework (AI RMF 1.0), January 2023."""

from __future__ import annotations

from bot.reports.mapping.row import Row, Text

NIST = Text(
    key="nist",
    name="NIST AI Risk Management Framework 1.0 (NIST AI 100-1)",
    note="The framework is voluntary, and is no checklist.",
    rows=(
        Row(
            clause="GOVERN 2.1",
            asks="“Roles and responsibilities and lines of communication related to mapping, measuring, and managing AI"
            " risks are documented and are clear to individuals and teams throughout the organization.”",
            answers="People, groups, chains, rotas and owners of agents are one reviewable file.",
            evidence=(2,),
            not_="Whether the people know it.",
        ),
        Row(
            clause="GOVERN 3.2",
            asks="“Policies and procedures are in place to define and differentiate roles and responsibilities for"
            " human-AI configurations and oversight of AI systems.”",
            answers="The rules say which actions run by rule, which people decide, and who is barred.",
            evidence=(2, 4),
            not_="Policies beyond what passes through Sayso.",
        ),
        Row(
            clause="MAP 3.5",
            asks="“Processes for human oversight are defined, assessed, and documented in accordance with"
            " organizational policies from the GOVERN function.”",
            answers="Each request keeps the route it got; what was decided is counted here.",
            evidence=(2, 3),
            not_="The assessment itself.",
        ),
        Row(
            clause="MEASURE 2.4",
            asks="“The functionality and behavior of the AI system and its components – as identified in the MAP"
            " function – are monitored when in production.”",
            answers="Approvals, edits, rejections and incidents by agent and action; whether stated confidence fits"
            " what came of it.",
            evidence=(3, 5),
            not_="Behaviour that proposes nothing.",
        ),
        Row(
            clause="MEASURE 2.8",
            asks="“Risks associated with transparency and accountability – as identified in the MAP function – are"
            " examined and documented.”",
            answers="Who decided what, having been shown what, in a trail that shows tampering.",
            evidence=(3, 6),
            not_="The examination.",
        ),
        Row(
            clause="MANAGE 2.4",
            asks="“Mechanisms are in place and applied, and responsibilities are assigned and understood, to supersede,"
            " disengage, or deactivate AI systems that demonstrate performance or outcomes inconsistent with intended"
            " use.”",
            answers="Stops, earned autonomy that is lost at once, rollbacks.",
            evidence=(5,),
            not_="Deactivation of the AI system itself.",
        ),
        Row(
            clause="MANAGE 4.1",
            asks="Post-deployment monitoring plans are implemented, “including mechanisms for capturing and evaluating"
            " input from users and other relevant AI actors, appeal and override, decommissioning, incident response,"
            " recovery, and change management”.",
            answers="Edits, reasons, incidents, reviews afterwards; recovery by rollback; rules by hash.",
            evidence=(2, 5),
            not_="The plan, decommissioning, and the appeals of those concerned.",
        ),
        Row(
            clause="MANAGE 4.3",
            asks="“Incidents and errors are communicated to relevant AI actors, including affected communities.”"
            " Processes for tracking, responding to and recovering from them are followed and documented.",
            answers="Incidents and unknown outcomes are tracked to who settled them.",
            evidence=(5,),
            not_="Telling affected communities.",
        ),
    ),
)
