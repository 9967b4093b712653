"""What a card says, before anybody approves, of how the action is taken back."""

from __future__ import annotations

from bot.core.model import Risk
from bot.core.policy import ActionSpec


def undo_text(spec: ActionSpec) -> str:
    """How the action is taken back, in a sentence of the house."""
    parts = []
    if spec.undo_window:
        parts.append(f"Runs {spec.undo_window.total_seconds():g} s after approval.")
    if spec.rollback is not None:
        parts.append(f"Can be rolled back with {spec.rollback.action}.")
        if spec.rollback.filling is not None and spec.rollback.filling.reads_result:
            parts.append("That needs what the run gives back: without a result it cannot be undone.")
    elif spec.risk is Risk.IRREVERSIBLE:
        parts.append("Cannot be undone.")
    return " ".join(parts)
