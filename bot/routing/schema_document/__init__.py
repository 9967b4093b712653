"""What routing.yaml may hold, as JSON Schema 2020-12 for editors: made from the reader's own tables.

It says which keys there are, of which shape, and what they mean. Whether names exist, conditions compile and reviews
can be fulfilled, only the reader knows: a file that fits the schema may still be refused; one that does not fit is.
"""

from __future__ import annotations

import json

from bot.routing import reader, schemas
from bot.routing.schema_document import asking, attention, folk, trying, work
from bot.routing.schema_document.shapes import Shape, closed

ID = f"urn:sayso:routing:{reader.VERSION}"
"""A name, not an address: nothing is fetched."""


def document() -> Shape:
    """The schema of a whole file."""
    sections: dict[str, Shape] = {
        "version": {"description": "The version of this format.", "const": reader.VERSION},
        **folk.folk(),
        **folk.time(),
        "agents": folk.agents(),
        "channels": folk.channels(),
        "actions": work.action_list(),
        "network": folk.network(),
        "chains": asking.chain_list(),
        **asking.safeguard_list(),
        **attention.attention_list(),
        "rules": {
            "description": "What happens to a request: the first rule whose when holds answers.",
            "type": "array",
            "items": {"$ref": "#/$defs/rule"},
        },
        "default": asking.default(),
        "tests": trying.test_list(),
    }
    whole = closed(reader.SECTIONS, sections, required=("version", "default"))
    return {
        "$schema": schemas.DIALECT,
        "$id": ID,
        "title": "Sayso's routing.yaml",
        "description": "Who is asked, for what, through which channels, and what may run without anybody.",
        **whole,
        "$defs": {
            "rule": asking.rule(),
            "stages": asking.stage_list(),
            "stage": asking.stage(),
            "step": asking.step(),
            "keywords": work.keywords(),
            "type": work.types(),
        },
    }


def written() -> str:
    """The schema as the file docs/routing.schema.json holds it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
