"""``sayso``: reads the command line, imports the one command that was asked for, and runs it."""

from __future__ import annotations

import argparse
import errno
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

COMMANDS: Mapping[str, str] = {
    "up": "bot.commands.up",
    "demo": "bot.commands.demo",
    "check": "bot.commands.policy",
    "test": "bot.commands.policy",
    "explain": "bot.commands.policy",
    "schema": "bot.commands.schema",
    "diff": "bot.commands.history",
    "simulate": "bot.commands.history",
    "send": "bot.commands.requests",
    "list": "bot.commands.requests",
    "show": "bot.commands.requests",
    "drill": "bot.commands.drill",
    "key": "bot.commands.keys",
    "link": "bot.commands.keys",
    "pause": "bot.commands.replays",
    "resume": "bot.commands.replays",
    "audit": "bot.commands.audit",
    "erase": "bot.commands.erase",
    "trust": "bot.commands.trust",
    "examples": "bot.commands.examples",
    "report": "bot.commands.report",
    "stats": "bot.commands.stats",
    "backup": "bot.commands.backup",
    "restore": "bot.commands.restore",
    "migrate-store": "bot.commands.moving",
    "doctor": "bot.commands.doctor",
}
"""Where each command is. A module's ``add_parsers`` adds all that it holds."""

INTERRUPTED = 130
"""What shells give for a command that Ctrl-C ended."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

_ABOUT = (
    "Sayso stands between what an AI agent proposes and what happens. "
    "Exit status: 0 good, 1 the answer is no, 2 used wrongly."
)


def parser_for(command: str | None) -> argparse.ArgumentParser:
    """The parser, with the modules that the command needs (every one where it is unknown, for the help)."""
    parser = argparse.ArgumentParser(prog="sayso", description=_ABOUT)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    known = COMMANDS.get(command or "")
    modules = [known] if known else dict.fromkeys(COMMANDS.values())
    for module in modules:
        import_module(module).add_parsers(commands)
    return parser


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    return parser_for(words[0] if words else None).parse_args(words)


def _loaded() -> argparse.Namespace:
    """The command line's arguments, the collector at rest: its looks at modules, which stay, are a seventh of a start.

    In a process of its own only, for what was frozen is never collected.
    """
    gc.disable()
    try:
        return _arguments(sys.argv[1:])
    finally:
        gc.freeze()
        gc.enable()


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit status. ``argv`` None: the command line's, of a process that does nothing else."""
    args = _loaded() if argv is None else _arguments(argv)
    # Only here: a command that fails to parse has told its story already.
    from bot.commands.surroundings import MISUSED, NO, CommandError, told, unobeyed  # noqa: PLC0415  # --help stays quick
    from bot.core.errors import NotFound, SaysoError  # noqa: PLC0415  # as above

    try:
        return int(args.run(args))
    except (CommandError, SaysoError) as problem:
        sys.stderr.write(f"{unobeyed(told(problem))}\n")
        return NO if isinstance(problem, NotFound) else MISUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has enough.
        _discard()
        return 0
    except OSError as problem:
        if problem.errno not in _NO_ROOM:
            raise
        _discard()
        written = problem.filename or "standard output"
        sys.stderr.write(f"{written}: {problem.strerror}; what was written is not whole.\n")
        return MISUSED


def _discard() -> None:
    """Python would complain once more while closing the stream."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
