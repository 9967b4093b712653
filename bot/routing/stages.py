"""The stages of a rule: who reviews, one round after the other or together, and how many of them it takes.

What people can never give is refused here: a review that cannot end well is one that nobody meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from msgspec import Struct

from bot.core.matching import matched
from bot.core.policy import Chain, StageSpec
from bot.routing import chains, conditions, nodes
from bot.routing.chains import Roster
from bot.routing.faults import listed, quoted
from bot.routing.nodes import Node, Place, plain
from bot.routing.values import Reader

STAGE_KEYS = ("name", "chain", "approvals", "rejections", "distinct_groups", "if")
PARALLEL = "parallel"
MOST_VOTES = 1000
_TOGETHER = 2
"""Stages that are asked together, at least."""
_LOOKED_AT = 8
"""Stages of which every selection is looked at for people enough; beyond that only all of them at once."""


class Ground(Struct, frozen=True):
    """What rules refer to: the file's text, its chains, whom it knows, its agents, and whether its default asks."""

    text: str
    chains: Mapping[str, Chain]
    roster: Roster
    agents: tuple[str, ...] = ()
    default_asks: bool = False

    def asking(self, chain: str) -> dict[str, frozenset[str]]:
        """Under which names a chain may ask people, and whom each name may mean."""
        return chains.asking(self.chains.get(chain, Chain()), self.roster)

    def reach(self, chain: str) -> frozenset[str]:
        """Everybody whom a chain can ask."""
        return frozenset[str]().union(*self.asking(chain).values())


def stages(reader: Reader, node: Node, ground: Ground) -> tuple[StageSpec, ...]:
    """A list of stages, and of groups of stages that are asked together (``parallel:``)."""
    found: list[StageSpec] = []
    group = 0
    for item in reader.items(node, "stages"):
        if not (isinstance(item, nodes.Mapping) and PARALLEL in item.entries):
            _stage(reader, item, ground, found, 0)
            continue
        group += 1
        inside = _together(reader, item)
        for each in inside:
            _stage(reader, each, ground, found, group)
    _different_people(reader, node, found, ground)
    return tuple(found)


def _together(reader: Reader, item: nodes.Mapping) -> list[Node]:
    reader.mapping(item, "a parallel group", (PARALLEL,))
    inside = reader.items(item.entries[PARALLEL], PARALLEL)
    if len(inside) == 1:
        what = "a parallel group of one stage changes nothing"
        reader.faults.add(item.keys[PARALLEL].place, what, "add the stages that are asked with it, or list it alone")
    return inside


def _stage(reader: Reader, item: Node, ground: Ground, found: list[StageSpec], group: int) -> None:
    """Read one stage into ``found``; names are unique, since votes are told by them."""
    if group and isinstance(item, nodes.Mapping) and PARALLEL in item.entries:
        what = "a parallel group cannot hold another one"
        reader.faults.add(
            item.keys[PARALLEL].place, what, "all of a group are asked together; list its stages side by side"
        )
        return
    fields = reader.mapping(item, "a stage", STAGE_KEYS)
    if not isinstance(item, nodes.Mapping):
        return
    chain = reader.reference(fields["chain"], "chain", ground.chains) if "chain" in fields else None
    if "chain" not in fields:
        reader.missing(item, "a stage", "chain", "say who reviews it: chain: finance")
    name = reader.name(fields["name"], "the name of a stage") if "name" in fields else None
    asked_if = fields.get("if")
    stage = StageSpec(
        name=name or chain or "",
        chain=chain or "",
        approvals=_votes(reader, fields, "approvals"),
        condition=conditions.condition(reader, asked_if, "the condition of a stage", ground.text) if asked_if else None,
        rejections=_votes(reader, fields, "rejections"),
        distinct_groups=_distinct(reader, fields),
        parallel=group,
    )
    if chain:
        _possible(reader, stage, fields, item.place, ground)
    if stage.name in [other.name for other in found]:
        place = fields["name"].place if "name" in fields else item.place
        what = f"there are two stages {quoted(stage.name)} in this rule"
        reader.faults.add(place, what, "give one a name of its own")
    found.append(stage)


def _votes(reader: Reader, fields: dict[str, Node], key: str) -> int:
    return (reader.whole(fields[key], key, 1, MOST_VOTES) if key in fields else None) or 1


def _distinct(reader: Reader, fields: dict[str, Node]) -> bool:
    return bool(reader.boolean(fields["distinct_groups"], "distinct_groups")) if "distinct_groups" in fields else False


def _possible(reader: Reader, stage: StageSpec, fields: dict[str, Node], place: Place, ground: Ground) -> None:
    """Refuse votes that the people of the chain can never give."""
    place = fields["approvals"].place if "approvals" in fields else place
    fillable(reader, place, stage.chain, ground, stage.approvals)
    reached = len(ground.reach(stage.chain))
    if stage.rejections > max(reached, 1):
        asks = f"the chain {quoted(stage.chain)} asks {_people(reached)}"
        what = f"{stage.rejections} rejections can never be reached: {asks}"
        reader.faults.add(fields["rejections"].place, what, "ask more people, or for fewer rejections")
    if not stage.distinct_groups:
        return
    if stage.approvals == 1 and ("approvals" not in fields or plain(fields["approvals"]) == 1):
        what = "distinct_groups changes nothing where one approval is enough"
        reader.faults.add(fields["distinct_groups"].place, what, "ask for two approvals or more, or remove it")
    names = matched([*ground.asking(stage.chain).values()])
    if stage.approvals > names and stage.approvals <= reached:
        what = (
            f"{stage.approvals} approvals from different names can never be reached: "
            f"those of the chain {quoted(stage.chain)} can give {names}"
        )
        reader.faults.add(
            fields["distinct_groups"].place, what, "name more groups in its steps, or ask for fewer approvals"
        )


def fillable(reader: Reader, place: Place, chain: str, ground: Ground, approvals: int = 1) -> None:
    """Refuse more approvals than a chain has people."""
    reached = len(ground.reach(chain))
    if approvals > reached:
        votes = "1 approval" if approvals == 1 else f"{approvals} approvals"
        what = f"{votes} can never be reached: the chain {quoted(chain)} asks {_people(reached)}"
        reader.faults.add(place, what, "ask more people, or for fewer approvals")


def _people(count: int) -> str:
    return f"{count} person" if count == 1 else f"{count or 'no'} people"


def _different_people(reader: Reader, node: Node, found: Iterable[StageSpec], ground: Ground) -> None:
    """One person never fills two stages, so those that are always asked need people enough between them (Hall)."""
    always = [stage for stage in found if stage.condition is None and stage.chain]
    sizes = range(_TOGETHER, len(always) + 1) if len(always) <= _LOOKED_AT else [len(always)]
    for some in (some for size in sizes for some in combinations(always, size)):
        needed = sum(stage.approvals for stage in some)
        people = frozenset[str]().union(*(ground.reach(stage.chain) for stage in some))
        if needed > len(people) and all(stage.approvals <= len(ground.reach(stage.chain)) for stage in some):
            names = listed(quoted(stage.name) for stage in some)
            what = f"the stages {names} need {needed} different people, and they ask {_people(len(people))}"
            fix = "one person never fills two stages: ask more people, or for fewer approvals"
            reader.faults.add(node.place, what, fix)
            return
