"""``sayso schema``: what routing.yaml may hold, for editors that complete and check it."""

from __future__ import annotations

import argparse
import sys

from bot.commands.surroundings import GOOD
from bot.routing import schema_document


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    schema = commands.add_parser("schema", help="print the JSON Schema of routing.yaml, for your editor")
    schema.set_defaults(run=print_schema)


def print_schema(_args: argparse.Namespace) -> int:
    """Print the schema of this version's routing.yaml."""
    sys.stdout.write(schema_document.written())
    return GOOD
