"""The audit's notary and its reports out of the settings, and what ``/readyz`` and ``/metrics`` say of the trail."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.checkpoints import Notary, Placing, open_places
from bot.core.checkpoint import SigningKey
from bot.core.policy import Policy
from bot.core.ports import Clock, Herald, Store
from bot.reports import Reports
from bot.settings import Settings, SettingsError
from bot.web.house import Figure, Probe


def open_notary(settings: Settings, store: Store, clock: Clock, herald: Herald | None) -> Notary:
    """The notary of this house's trail; ``herald`` sends to webhooks. Raises `SettingsError` on an impossible place."""
    audit = settings.audit
    try:
        places = open_places(audit.places, herald, audit.access)
    except Exception as problem:  # the library of buckets names no class for what it refuses
        raise SettingsError((f"SAYSO_AUDIT_CHECKPOINTS: {problem}",)) from problem
    return Notary(
        store,
        clock,
        keys=tuple(map(SigningKey, audit.keys)),
        house=settings.public_url,
        every=audit.every,
        placings=tuple(map(Placing, places)),
    )


def open_reports(settings: Settings, store: Store, policy: Callable[[], Policy], clock: Clock) -> Reports:
    """Who writes compliance reports, holding checkpoints against the house's own keys."""
    trusted = [SigningKey(key).public for key in settings.audit.keys]
    return Reports(store, policy, clock, trusted=trusted, house=settings.public_url)


def trail_probes(notary: Notary) -> Sequence[Probe]:
    """Whether the trail verifies and is signed in time, and each place. None of it stops the bot's work."""
    report, late = notary.report, notary.overdue()
    found = [Probe("audit", report.ok, report.fault or f"verified up to line {report.seq}", vital=False)]
    if notary.keys:
        newest = notary.signed
        signed = "nothing to sign yet" if newest is None else f"signed up to line {newest.checkpoint.seq}"
        found.append(Probe("checkpoints", late is None, late or signed, vital=False))
    for placing in notary.placings:
        placed = "nothing yet" if placing.placed is None else f"line {placing.placed.checkpoint.seq} is there"
        name = f"checkpoints at {placing.place.name}"
        found.append(Probe(name, placing.fault is None, placing.fault or placed, vital=False))
    return found


def trail_figures(notary: Notary) -> Sequence[Figure]:
    """The same for Prometheus."""
    report = notary.report
    found = [
        Figure("sayso_audit_ok", "Whether the audit trail verifies, as far as it was looked at.", float(report.ok)),
        Figure("sayso_audit_verified_line", "Up to which line the trail was verified.", float(report.seq)),
    ]
    if notary.keys:
        newest = None if notary.signed is None else notary.signed.checkpoint
        late = "Whether a checkpoint has been due for a quarter of an hour and was not made."
        at = "When the newest checkpoint was signed, in seconds since 1970; 0 where there is none."
        found += [
            Figure("sayso_audit_checkpoint_overdue", late, float(notary.overdue() is not None)),
            Figure("sayso_audit_checkpoint_timestamp_seconds", at, newest.at.timestamp() if newest else 0.0),
            Figure("sayso_audit_checkpoint_line", "Up to which line the trail is signed.", newest.seq if newest else 0),
        ]
    return [*found, *_place_figures(notary.placings)]


def _place_figures(placings: Sequence[Placing]) -> list[Figure]:
    """Metric by metric, as Prometheus wants the samples of one together."""
    ok = "Whether the newest attempt to put a checkpoint at a place went well."
    line = "Up to which line the checkpoint at a place signs."
    failed = "Attempts to put a checkpoint at a place that failed."
    return [
        *(Figure("sayso_audit_place_ok", ok, float(one.fault is None), _where(one)) for one in placings),
        *(Figure("sayso_audit_place_line", line, _line(one), _where(one)) for one in placings),
        *(Figure("sayso_audit_place_failures_total", failed, one.failures, _where(one), "counter") for one in placings),
    ]


def _line(placing: Placing) -> int:
    return 0 if placing.placed is None else placing.placed.checkpoint.seq


def _where(placing: Placing) -> dict[str, str]:
    return {"place": placing.place.name}
