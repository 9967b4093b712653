"""OWASP agentic top ten. Source: OWASP GenAI Security Project, Top 10 for Agentic Applications for 2026 (Dec. 2025)."""

from __future__ import annotations

from bot.reports.mapping.row import Row, Text

OWASP = Text(
    key="owasp",
    name="OWASP Top 10 for Agentic Applications (2026)",
    note="Risks, not requirements: named here, and described in our own words.",
    rows=(
        Row(
            clause="ASI01 Agent Goal Hijack",
            asks="Hostile content redirects what an agent pursues.",
            answers="Whatever it pursues, it proposes; what the rules give to people does not run unread.",
            evidence=(2, 3),
            not_="The hijack is not detected as such, and actions that run by rule run.",
        ),
        Row(
            clause="ASI02 Tool Misuse and Exploitation",
            asks="Legitimate tools are used in harmful ways.",
            answers="Arguments against a schema, limits that count what is pending, conditions on arguments, targets"
            " from the configuration alone.",
            evidence=(2, 5),
            not_="Tools that an agent calls without Sayso.",
        ),
        Row(
            clause="ASI03 Identity and Privilege Abuse",
            asks="Identities and privileges are inherited, escalated or misused.",
            answers="Keys carry one role, an agent can never decide, and whoever asked or is acted for has no vote.",
            evidence=(4, 5),
            not_="Credentials that the agent holds by itself.",
        ),
        Row(
            clause="ASI04 Agentic Supply Chain Vulnerabilities",
            asks="Models, tools, plug-ins or prompts from elsewhere are compromised.",
            answers="What a compromised part proposes meets the same rules.",
            evidence=(2,),
            not_="The supply chain itself.",
        ),
        Row(
            clause="ASI05 Unexpected Code Execution",
            asks="Generated or injected code is run.",
            answers="Sayso runs declared actions only, never code out of a request; what an agent sends is never"
            " compiled.",
            evidence=(3,),
            not_="Code that the agent runs where it lives.",
        ),
        Row(
            clause="ASI06 Memory and Context Poisoning",
            asks="What an agent remembers or is given is poisoned.",
            answers="History earns autonomy only by a person's decision, within ceilings; examples leave only by an"
            " admin's hand.",
            evidence=(5,),
            not_="The agent's own memory.",
        ),
        Row(
            clause="ASI07 Insecure Inter-Agent Communication",
            asks="Messages between agents are forged or altered.",
            answers="Advisors' opinions need a key of their own, and only ever make a review stricter.",
            evidence=(2,),
            not_="Messages that do not pass through Sayso.",
        ),
        Row(
            clause="ASI08 Cascading Failures",
            asks="One fault spreads through many agents and steps.",
            answers="Limits, cool-downs after a rejection, a stop for all replays, at most one execution each, unknown"
            " outcomes that are said and settled by people.",
            evidence=(5,),
            not_="Cascades within one approved action.",
        ),
        Row(
            clause="ASI09 Human-Agent Trust Exploitation",
            asks="People are led to approve what they should not.",
            answers="The card cannot be forged by the agent, hides nothing, and cannot be approved where it is not"
            " shown whole; what was shown is recorded.",
            evidence=(3, 4),
            not_="People who approve without reading; figures and practice show it, and do not prevent it.",
        ),
        Row(
            clause="ASI10 Rogue Agents",
            asks="An agent acts beyond what it was meant to.",
            answers="An agent is stopped at once; autonomy ends with one rejection, an incident or a drift.",
            evidence=(5,),
            not_="An agent that acts by other means.",
        ),
    ),
)
