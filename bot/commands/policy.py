"""``sayso check``, ``sayso explain`` and ``sayso test``: what a routing file says, before anything depends on it."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot import routing
from bot.commands.earned import earned_of
from bot.commands.surroundings import GOOD, NO, CommandError, add_json, environment, say
from bot.core.errors import SaysoError
from bot.core.model import Submission
from bot.core.policy import Policy
from bot.routing import RoutingErrors
from bot.web import strict_json
from bot.web.submission import parse_submission


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    checking = commands.add_parser("check", help="read routing.yaml and say what is wrong with it")
    checking.add_argument("file", nargs="?", type=Path, help="the file (default: SAYSO_CONFIG)")
    checking.add_argument("--strict", action="store_true", help="answer no where there are warnings, too")
    add_json(checking)
    checking.set_defaults(run=check)
    explaining = commands.add_parser("explain", help="say which rule a request would meet, and who would be asked when")
    explaining.add_argument(
        "request", type=Path, help="the request as JSON, as it would be posted; - reads it from input"
    )
    explaining.add_argument("--agent", default="agent", help="who asks (default: agent)")
    explaining.add_argument("--at", type=moment, metavar="TIME", help="as at this time: 2026-03-01T09:00:00Z")
    _add_config(explaining)
    explaining.set_defaults(run=explain)
    testing = commands.add_parser("test", help="run the tests that stand in routing.yaml")
    testing.add_argument("--at", type=moment, metavar="TIME", help="as at this time: 2026-03-01T09:00:00Z")
    _add_config(testing)
    testing.set_defaults(run=test)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", dest="file", type=Path, help="the routing file (default: SAYSO_CONFIG)")
    add_json(parser)


def moment(text: str) -> datetime:
    """A time with its zone, as an option takes it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 2026-03-01T09:00:00Z") from None
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} names no zone: write {text}Z for UTC, or {text}+01:00")
    return found.astimezone(UTC)


def file_of(args: argparse.Namespace) -> Path:
    """The routing file that was named, else the one of SAYSO_CONFIG."""
    return args.file if args.file is not None else Path(environment()["SAYSO_CONFIG"])


def check(args: argparse.Namespace) -> int:
    """Say what is wrong with the file, and what may not be meant; 0 where it loads."""
    path = file_of(args)
    try:
        policy = routing.load(path)
    except RoutingErrors as refused:
        say(
            args,
            {"ok": False, "errors": refused.errors, "warnings": []},
            f"{refused}\n{plural(refused.errors, 'error')}",
        )
        return NO
    told = routing.warnings(policy)
    lines = [f"{path.name}: warning: {line}" for line in told]
    summary = (
        f"{path.name} is good: {plural(policy.rules, 'rule')}, {plural(policy.chains, 'chain')}, "
        f"{plural(policy.people, 'person', 'people')}, {plural(policy.actions, 'action')}; "
        f"{plural(told, 'warning')}; {policy.hash}"
    )
    say(args, {"ok": True, "errors": [], "warnings": told, "hash": policy.hash}, "\n".join([*lines, summary]))
    return NO if told and args.strict else GOOD


def plural(things: Any, one: str, many: str | None = None) -> str:
    """How many there are, in words."""
    return f"{len(things)} {one if len(things) == 1 else many or one + 's'}"


def loaded(path: Path) -> Policy:
    """The policy; raises `CommandError` with everything that is wrong with it."""
    try:
        return routing.load(path)
    except RoutingErrors as refused:
        raise CommandError(str(refused)) from None


def explain(args: argparse.Namespace) -> int:
    """Say the whole path of one request; 1 where the intake would refuse it."""
    policy = loaded(file_of(args))
    submission, now = _submission(args.request), args.at or datetime.now(UTC)
    explanation = routing.explain(policy, submission, args.agent, now)
    grants, text = earned_of(policy, explanation.rule, submission, args.agent, now)
    say(args, explanation.as_json() | grants, "\n".join([explanation.text(), *([text] if text else [])]))
    return NO if explanation.faults else GOOD


def _submission(path: Path) -> Submission:
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as broken:
        raise CommandError(f"{path} cannot be read: {broken.strerror}.") from None
    try:
        return parse_submission(strict_json.parse(content))
    except SaysoError as refused:
        faults = [f"  {fault.pointer or '/'}: {fault.detail}" for fault in refused.faults]
        raise CommandError("\n".join([f"{path} is no request: {refused.detail}", *faults])) from None


def test(args: argparse.Namespace) -> int:
    """Run the file's own tests; 0 where all pass."""
    results = routing.run_tests(loaded(file_of(args)), args.at or datetime.now(UTC))
    lines = []
    for result in results:
        lines.append(f"{'ok  ' if result.passed else 'FAIL'} {result.name}")
        lines += [f"       {line}" for line in result.wrong]
        if not result.passed:
            lines.append(f"       by the rule {result.rule!r}: {result.why}")
    failed = [result for result in results if not result.passed]
    summary = f"{plural(results, 'test')}, {len(failed)} failed" if results else "there are no tests in this file"
    document = {"ok": not failed, "tests": [{"passed": r.passed, **_fields(r)} for r in results]}
    say(args, document, "\n".join([*lines, summary]))
    return NO if failed else GOOD


def _fields(result: Any) -> dict[str, Any]:
    return {name: getattr(result, name) for name in result.__struct_fields__}
