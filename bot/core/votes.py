"""In which of the stages that run together somebody's vote counts: where it leaves enough people for all of them."""

from __future__ import annotations

from bot.core.matching import matched
from bot.core.model import Request, Step, Track


def place(request: Request, person: str) -> Track | None:
    """The track in which their decision counts; None where the request has none.

    Of several that ask them, it is one after which the rest of those asked can still fill every stage, where there is
    such a one; and of those the one with the fewest others left.
    """
    open_tracks = request.open_tracks
    mine = [track for track in open_tracks if person in request.asked(track)]
    if len(mine) < 2:  # noqa: PLR2004 - nothing to choose between
        return next(iter(mine or open_tracks or request.tracks), None)
    voted = {vote.by for vote in request.votes}
    left = {track.stage: request.route.stages[track.stage].people - voted for track in open_tracks}
    missing = {t.stage: request.route.stages[t.stage].approvals - request.given(t.stage) for t in open_tracks}

    def filled(chosen: Track) -> int:
        slots = [
            left[stage] - {person} for stage, count in missing.items() for _ in range(count - (stage == chosen.stage))
        ]
        return matched(slots)

    return max(mine, key=lambda track: (filled(track), missing[track.stage] - len(left[track.stage])))


def steps_asking(request: Request, track: Track, person: str) -> tuple[Step, ...]:
    """The steps of a stage in which somebody was asked so far, in order."""
    return tuple([step for step in request.reached(track) if person in step.people])
