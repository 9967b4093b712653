"""Lines that a client broke softly, put together again (format=flowed, RFC 3676)."""

from __future__ import annotations

_SIGNATURE = "-- "


def unwrapped(text: str, *, delete_space: bool) -> str:
    """The paragraphs of a flowed text, quote marks kept before each; ``delete_space`` is DelSp=yes."""
    done: list[str] = []
    pending: list[str] = []
    pending_depth = 0
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")
        flows = content.endswith(" ") and content != _SIGNATURE
        if pending and (depth != pending_depth or content == _SIGNATURE):
            done.append(_quoted(pending_depth, "".join(pending)))
            pending = []
        pending_depth = depth
        pending.append(content[:-1] if flows and delete_space else content)
        if not flows:
            done.append(_quoted(depth, "".join(pending)))
            pending = []
    if pending:
        done.append(_quoted(pending_depth, "".join(pending)))
    return "\n".join(done)


def _quoted(depth: int, content: str) -> str:
    return f"{'>' * depth} {content}" if depth else content
