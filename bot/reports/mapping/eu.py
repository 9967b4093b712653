"""The EU AI Act. Source: Regulation (EU) 2024/1689, OJ L, 2024/1689, 12.7.2024, Articles 12, 14 and 26."""

from __future__ import annotations

from bot.reports.mapping.row import Row, Text

EU = Text(
    key="eu",
    name="EU AI Act (Regulation (EU) 2024/1689)",
    note="Articles 12 and 14 bind providers of high-risk AI systems, Article 26 their deployers. Whether a system is"
    " high-risk, and from when the duties apply to it, is a question of law that no tool answers.",
    rows=(
        Row(
            clause="Art. 12(1)",
            asks="“High-risk AI systems shall technically allow for the automatic recording of events (logs) over the"
            " lifetime of the system.”",
            answers="Every proposal, card, decision, execution and change of rules is a line of one audit trail,"
            " written in the transaction that makes the change.",
            evidence=(6, 7),
            not_="What the AI system does without asking Sayso: its own reasoning, its inputs, its training.",
        ),
        Row(
            clause="Art. 12(2)",
            asks="Logging has to record events relevant for identifying situations of risk and substantial"
            " modifications, for post-market monitoring, and for monitoring by deployers (Art. 26(5)).",
            answers="Rejections, edits, incidents, rollbacks, refusals and stops are events with their reasons; changed"
            " rules are recorded by their hash.",
            evidence=(2, 5),
            not_="Changes of the model or its prompt, unless the agent says them in what it proposes.",
        ),
        Row(
            clause="Art. 14(1)",
            asks="High-risk systems are to be designed so that “they can be effectively overseen by natural persons”"
            " while they are in use.",
            answers="What the rules give to people does not run before people approved exactly those arguments; silence"
            " never approves.",
            evidence=(2, 3),
            not_="Actions that never pass through Sayso, or that the house's rules let run by themselves.",
        ),
        Row(
            clause="Art. 14(4)(a), (c)",
            asks="Overseers have to be able to understand capacities and limitations, to monitor for anomalies, and"
            " “to correctly interpret the high-risk AI system’s output”.",
            answers="The card is made from the stored arguments, with what could mislead made visible, the agent's"
            " reason set apart as its own words, and its confidence beside the gate.",
            evidence=(3,),
            not_="Whether the people understand the system: instruction and training are the house's.",
        ),
        Row(
            clause="Art. 14(4)(b)",
            asks="Overseers have to “remain aware of the possible tendency of automatically relying or over-relying on"
            " the output” (automation bias).",
            answers="Figures on fast and unbroken approvals, declared practice requests, and optional guards (a reason,"
            " a second person, a rest).",
            evidence=(3, 4),
            not_="This report counts decisions and does not judge how carefully each was made.",
        ),
        Row(
            clause="Art. 14(4)(d)",
            asks="Overseers have to be able to decide not to use the system, or “to disregard, override or reverse the"
            " output”.",
            answers="Reject, edit, ask, escalate; take an approval back before anything ran; roll back what ran where"
            " the action declares how.",
            evidence=(3, 5),
            not_="What cannot be undone stays done; the card says so before approval.",
        ),
        Row(
            clause="Art. 14(4)(e)",
            asks="Overseers have to be able to intervene or interrupt by a “‘stop’ button or a similar procedure”.",
            answers="Replays are stopped at once by a button, a command or the API; the switch is on record.",
            evidence=(5,),
            not_="A stop holds what Sayso runs; an agent that acts by other means is stopped elsewhere.",
        ),
        Row(
            clause="Art. 14(5)",
            asks="For remote biometric identification, no action on an identification unless “separately verified and"
            " confirmed by at least two natural persons”.",
            answers="Stages may take several approvals by different people, and from distinct groups; one person never"
            " fills two places.",
            evidence=(2, 4),
            not_="Whether the house's rules ask for two where the law does.",
        ),
        Row(
            clause="Art. 26(2)",
            asks="Deployers “shall assign human oversight to natural persons who have the necessary competence,"
            " training and authority, as well as the necessary support”.",
            answers="Who may decide what is written in the rules and kept in each request's route.",
            evidence=(2,),
            not_="Competence, training and support of these people.",
        ),
        Row(
            clause="Art. 26(5)",
            asks="Deployers monitor the operation, suspend use where there is a risk, and report serious incidents.",
            answers="Incidents are recorded with their severity and lead back to the approval; agents and actions can"
            " be stopped.",
            evidence=(5,),
            not_="Telling the provider, the distributor or an authority.",
        ),
        Row(
            clause="Art. 26(6)",
            asks="Deployers keep the logs under their control for an appropriate period “of at least six months”,"
            " unless other law says otherwise, in particular on personal data.",
            answers="Nothing of the trail is ever deleted by Sayso; personal data can be erased while the chain still"
            " holds.",
            evidence=(7,),
            not_="Backups, and the logs of the AI system itself.",
        ),
    ),
)
