"""The process in which one function runs. Started by path, alone: it imports nothing of ours and nothing large.

In: one JSON object on standard input, ``{"function": "module:name", "arguments": {}, "execution": "exe_…"}``.
Out: lines of JSON on what was standard output: ``{"called": true}`` just before the call, then one of
``{"result": "<JSON text>"}``, ``{"text", "note"}`` (it ran, but its result is not JSON), ``{"error"}`` (it raised).
An ``error`` without ``called`` means that the function was never called.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, TextIO

MOST_RESULT = 1024 * 1024
QUOTED = 500
KEY = "execution_id"
"""A parameter of this name is given the execution's id, the idempotency key."""


class NotCallable(Exception):
    """The function cannot be called with these arguments."""


def take_over() -> TextIO:
    """The way back to the bot; what the function itself prints goes to standard error from here on."""
    way_back = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return way_back


def load(name: str) -> Callable[..., Any]:
    """The function under ``module:name``, looked for in the working directory, then among what is installed."""
    sys.path.insert(0, str(os.getcwd()))  # noqa: PTH109  # pathlib would be imported for this alone
    module, _, attribute = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise NotCallable(f"{name} is not a function")
    return found  # type: ignore[no-any-return]  # callable() leaves it Any


def prepare(function: Callable[..., Any], arguments: dict[str, Any], execution: str) -> dict[str, Any]:
    """The keyword arguments of the call; raises `NotCallable` where the function would not take them."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # a builtin without a signature
        return arguments
    if KEY in signature.parameters:
        if KEY in arguments:
            raise NotCallable(
                f"the action has an argument named {KEY}, which the function keeps for the execution's id"
            )
        arguments = {**arguments, KEY: execution}
    try:
        signature.bind(**arguments)
    except TypeError as fault:
        raise NotCallable(f"it does not take the action's arguments: {fault}") from None
    return arguments


def call(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call it, and wait for it where it is async."""
    result = function(**arguments)
    if inspect.isawaitable(result):
        import asyncio  # noqa: PLC0415  # 40 ms that a plain function need not pay

        async def wait() -> Any:
            return await result

        return asyncio.run(wait())
    return result


def report(result: Any) -> dict[str, Any]:
    """The result as the bot takes it: JSON text, or a short description where it is not JSON."""
    try:
        text = json.dumps(result, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as fault:
        note = f"result_not_kept: the function returned a {type(result).__name__} that is not JSON ({fault})"
        return {"text": _repr(result), "note": note[:QUOTED]}
    if len(text) > MOST_RESULT:
        note = f"result_not_kept: the function returned {len(text):,} characters of JSON, more than {MOST_RESULT:,}"
        return {"text": None, "note": note}
    return {"result": text}


def _repr(value: Any) -> str:
    try:
        return repr(value)[:QUOTED]
    except Exception as fault:  # noqa: BLE001  # a repr of the function's own making
        return f"<{type(value).__name__} whose repr raised {type(fault).__name__}>"


def described(fault: BaseException) -> str:
    """An exception in one line."""
    return f"{type(fault).__name__}: {fault}"[:QUOTED]


def main() -> None:
    """Read the order, call the function, report."""
    order = json.load(sys.stdin)
    way_back = take_over()

    def say(message: dict[str, Any]) -> None:
        print(json.dumps(message), file=way_back, flush=True)

    try:
        function = load(order["function"])
        arguments = prepare(function, order["arguments"], order["execution"])
    except BaseException as fault:  # noqa: BLE001  # SystemExit in a module is a failure to load it as well
        traceback.print_exc()
        say({"error": f"not_loaded: {order['function']} was not called: {described(fault)}"})
        return
    say({"called": True})
    try:
        result = call(function, arguments)
    except BaseException as fault:  # noqa: BLE001  # SystemExit is an exception that the function raised
        traceback.print_exc()
        say({"error": f"raised: {order['function']} raised {described(fault)}"})
        return
    say(report(result))


if __name__ == "__main__":
    main()
