"""SOC 2. Source: AICPA, TSP Section 100, 2017 Trust Services Criteria (with revised points of focus, 2022)."""

from __future__ import annotations

from bot.reports.mapping.row import Row, Text

SOC_2 = Text(
    key="soc",
    name="SOC 2: Trust Services Criteria CC6 and CC8",
    note="A SOC 2 examination is of an organisation's controls, by an auditor. These figures can be evidence of one"
    " control among them.",
    rows=(
        Row(
            clause="CC6.1",
            asks="“The entity implements logical access security software, infrastructure, and architectures over"
            " protected information assets to protect them from security events to meet the entity’s objectives.”",
            answers="API keys carry one role and are stored as hashes; sign-in by one-time link or identity provider;"
            " what an agent proposes does not reach its target without a decision.",
            evidence=(2, 5),
            not_="Access to the targets by other ways than Sayso; the machine and database it runs on.",
        ),
        Row(
            clause="CC6.2",
            asks="Users are registered and authorised before credentials are issued, and credentials are removed when"
            " access is no longer authorised.",
            answers="Keys made and revoked are on record, by whom; a person taken out of the rules decides nothing from"
            " then on.",
            evidence=(2, 5),
            not_="Who decided that somebody should have access, and the identity provider's own process.",
        ),
        Row(
            clause="CC6.3",
            asks="“The entity authorizes, modifies, or removes access to data, software, functions, and other protected"
            " information assets based on roles, responsibilities, or the system design and changes, giving"
            " consideration to the concepts of least privilege and segregation of duties, to meet the entity’s"
            " objectives.”",
            answers="Who asked, who owns the agent, whom it acts for and their delegates have no vote; it is counted"
            " again from the rows.",
            evidence=(2, 4),
            not_="Whether roles in the rules fit the organisation.",
        ),
        Row(
            clause="CC8.1",
            asks="“The entity authorizes, designs, develops or acquires, configures, documents, tests, approves, and"
            " implements changes to infrastructure, data, software, and procedures to meet its objectives.”",
            answers="A change that an agent proposes is approved by the people its rule names, runs once and exactly as"
            " approved, and its outcome is recorded. Changes of the rules are on record by hash; a file that is not"
            " good is refused.",
            evidence=(2, 3, 5),
            not_="Development and testing of what changes; who approved a change of the rules, unless the file's own"
            " version control says so.",
        ),
    ),
)
