"""What bounds a rule that approves: how much in a while, a share of it to people, and who is asked where it does not.

An account is kept by what the agent cannot choose, and it adds up what will really be done: by its own word (labels,
risk, whom it acts for) an agent could split the account or shrink the sum.
"""

from __future__ import annotations

from bot.core.policy import Limit
from bot.routing import conditions, nodes
from bot.routing.faults import meant, quoted
from bot.routing.nodes import Node
from bot.routing.stages import Ground, fillable
from bot.routing.values import Reader

LIMIT_KEYS = ("sum", "max", "count", "per", "by")
REVIEW_KEYS = ("share", "chain")
ACCOUNTS = ("agent", "action", "target")
ARGUMENT = "arguments."
MOST_COUNTED = 1_000_000
_OWN_WORD = ("labels", "on_behalf_of", "risk", "confidence", "context", "reason", "kind")
"""What a request says and its agent chooses."""


def limit(reader: Reader, node: Node, text: str) -> Limit | None:
    """The ``limit`` of a rule; ``text`` is the whole file."""
    fields = reader.mapping(node, "limit", LIMIT_KEYS)
    if not isinstance(node, nodes.Mapping):
        return None
    per = reader.duration(fields["per"], "per") if "per" in fields else None
    if "per" not in fields:
        reader.missing(node, "limit", "per", "say in how long: per: 24h")
    if "sum" in fields and "max" not in fields:
        reader.missing(node, "limit", "max", "say what the sum may be: max: 500")
    if "max" in fields and "sum" not in fields:
        reader.missing(node, "limit", "sum", "say what is added up: sum: arguments.amount, or count them: count: 20")
    if not {"sum", "max", "count"} & fields.keys():
        reader.missing(node, "limit", "bound", "write sum and max, or count, or all three")
    amount = conditions.amount(reader, fields["sum"], "the sum of a limit", text) if "sum" in fields else None
    most = reader.more(fields["max"], "max") if "max" in fields else None
    count = reader.whole(fields["count"], "count", 1, MOST_COUNTED) if "count" in fields else None
    by = _by(reader, fields["by"]) if "by" in fields else ACCOUNTS
    if per is None:
        return None
    return Limit(per=per, by=by, sum=amount, max=most, count=count)


def _by(reader: Reader, node: Node) -> tuple[str, ...]:
    def account(item: Node) -> str | None:
        name = reader.text(item, "what a limit is kept by", limit=200)
        if name is None or name in ACCOUNTS:
            return name
        argument = name.removeprefix(ARGUMENT)
        if argument != name and argument and "." not in argument and not any(c.isspace() for c in argument):
            return name
        what, fix = f"a limit cannot be kept by {quoted(name)}", meant(name, ACCOUNTS, "{}, or arguments.<name>")
        if argument != name:
            fix = "write arguments and the name of one: arguments.customer"
        elif name.partition(".")[0] in _OWN_WORD:
            what += ", which is the agent's own word: with another one it would begin a new account"
            fix = "keep it by agent, action, target or arguments.<name>"
        reader.faults.add(item.place, what, fix)
        return None

    return reader.references(node, "by", account)


def second_look(reader: Reader, node: Node, ground: Ground) -> str | None:
    """The chain that is asked where the rule held and yet does not approve."""
    chain = reader.reference(node, "chain", ground.chains)
    if chain is not None:
        fillable(reader, node.place, chain, ground)
    return chain


def sample(reader: Reader, node: nodes.Mapping, fields: dict[str, Node], ground: Ground) -> float:
    """The share that goes to a person all the same, where there is somebody to ask."""
    share = reader.percentage(fields["sample"], "sample")
    if "second_look" not in fields and not ground.default_asks:
        what = "nobody looks at what sample takes out: the rule has no second_look, and the default has no stages"
        reader.faults.add(node.keys["sample"].place, what, "write second_look: and the name of a chain")
    return share or 0.0


def review_after(reader: Reader, node: Node, fields: dict[str, Node], ground: Ground) -> tuple[float, str | None]:
    """The share that is put before people once it ran, and the chain they are (None: that of ``second_look``)."""
    item = fields.get("review_after")
    if item is None or not isinstance(node, nodes.Mapping):
        return 0.0, None
    if not isinstance(item, nodes.Mapping):
        share = reader.percentage(item, "review_after")
        if "second_look" not in fields:
            what = "nobody looks at what review_after takes out: the rule has no second_look, and no chain is named"
            fix = "write second_look:, or review_after: {share: 10%, chain: NAME}"
            reader.faults.add(node.keys["review_after"].place, what, fix)
        return share or 0.0, None
    given = reader.mapping(item, "review_after", REVIEW_KEYS)
    for key, fix in (("share", "say how much of it: share: 10%"), ("chain", "name who looks at it: chain: finance")):
        if key not in given:
            reader.missing(item, "review_after", key, fix)
    share = reader.percentage(given["share"], "share") if "share" in given else None
    chain = reader.reference(given["chain"], "chain", ground.chains) if "chain" in given else None
    if chain is not None:
        fillable(reader, given["chain"].place, chain, ground)
    return share or 0.0, chain
