"""How far a request's review has come, stage by stage, as the API shows it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from bot.core.model import Request


class Progress(StrEnum):
    """How far a stage has come."""

    WAITING = "waiting"
    OPEN = "open"
    DONE = "done"


class StageView(Struct, frozen=True):
    """The stage to speak of: its name, its number (``index``, from 1) ``of`` so many, approvals given and needed."""

    name: str
    index: int
    of: int
    approvals: int
    needed: int


class StageProgress(Struct, frozen=True):
    """One stage of the route, in order: ``waiting``, ``open`` or ``done`` (full, or over with the request).

    So many ``rejections`` end the request. Stages next to each other with the same ``parallel`` run together; 0: alone.
    """

    name: str
    state: Progress
    approvals: int
    needed: int
    rejections: int
    parallel: int


def stage_of(request: Request) -> StageView | None:
    """The stage to speak of, or None where there is none."""
    track = request.track
    if track is None:
        return None
    stages = request.route.stages
    plan = stages[track.stage]
    return StageView(plan.name, track.stage + 1, len(stages), request.given(track.stage), plan.approvals)


def stages_of(request: Request) -> tuple[StageProgress, ...]:
    """Every stage of the route, in order."""
    entered = max((track.stage for track in request.tracks), default=-1)
    waiting_for = {track.stage for track in request.open_tracks}
    return tuple(
        [
            StageProgress(
                plan.name,
                _progress(index, entered, waiting_for),
                request.given(index),
                plan.approvals,
                plan.rejections,
                plan.parallel,
            )
            for index, plan in enumerate(request.route.stages)
        ]
    )


def _progress(stage: int, entered: int, waiting_for: set[int]) -> Progress:
    if stage > entered:
        return Progress.WAITING
    return Progress.OPEN if stage in waiting_for else Progress.DONE
