"""Proposals of what was earned: asked like any other request, decided by an admin, in force in the same transaction."""

from __future__ import annotations

from msgspec.structs import replace

from bot.core.model import Decision, Request, Risk, State, Submission
from bot.core.policy import TRUST, TRUST_LASTS, Routing, Rule
from bot.core.ports import Effect, Tx
from bot.core.trust.evidence import Evidence
from bot.core.trust.grants import Ending, Grant, GrantState, void
from bot.core.trust.proposing import BackTest, proposable, standing
from bot.core.trust.wording import proposal
from bot.desk.ledger import Deed
from bot.desk.tightening import Tightening, barred_from, deciders

_SAID = ("rule", "terms", "above", "agent", "action", "ceilings", "confidence", "irreversible", "sample", "per_day")


class Granting(Tightening):
    """The side of trust that is given."""

    def _proposed(
        self, tx: Tx, rule: Rule, grant: Grant, evidence: tuple[Evidence, ...], tested: BackTest, *, actor: str
    ) -> Deed | None:
        """Put a grant before its admins; None where another was proposed meanwhile, or nobody may decide about it."""
        now = self._ledger.clock.now()
        known = standing(g for g in tx.grants() if g.about == grant.about)
        if proposable(rule, evidence, known, now) != grant.level:
            return None
        policy = self._policy()
        told = proposal(grant, rule, evidence, tested)
        upto = ", ".join(f"{pointer} up to {ceiling:g}" for pointer, ceiling in grant.ceilings.items())
        title = f"May {grant.agent} run {grant.action} by rule{', ' + upto if upto else ''}?"
        said = "It was earned by what people decided. Approve: it runs without asking, sampled, until it ends."
        it = self._proposal(policy, Submission(action=TRUST, arguments=told, reason=said), title)
        it = replace(it, id=grant.request)
        why = f"trust: earned under the rule {grant.rule!r}"
        route = self._trust_route(it, grant.ask, grant.agent, why, TRUST_LASTS)
        if not deciders(route):
            return None
        # As what cannot be undone, so that it is decided on its page, with all of it before the admin.
        change = self._created(it, Routing(replace(route, risk=Risk.IRREVERSIBLE), ()), actor=actor)
        tx.record(change)
        tx.put_grant(grant)
        self.trust.stale = True
        about = {"grant": grant.id, "rule": grant.rule, "agent": grant.agent, "action": grant.action}
        tx.append(
            self._event("trust.proposed", change.after, actor=actor, via="desk", **about, ceilings=grant.ceilings)
        )
        return Deed(change.after, change.effects)

    def _trust_decided(self, tx: Tx, ended: Request, decision: Decision) -> tuple[Effect, ...]:
        """An admin decided about a proposal: it is in force from now on, or not proposed again for a while."""
        grant = next((g for g in tx.grants() if g.request == ended.id), None)
        if grant is None or grant.state is not GrantState.PROPOSED:
            return ()
        by, via = f"person:{decision.by}", decision.channel
        if ended.state is not State.APPROVED:
            why = decision.comment or "an admin refused it"
            return self._ended_grant(tx, grant, Ending.REFUSED, why, request=ended.id, actor=by, via=via)
        known = standing(g for g in tx.grants() if g.about == grant.about)
        nothing = void(self.trust.file(), grant)
        if nothing is None and known.since is not None and known.since > grant.proposed_at:
            nothing = "trust in the same was taken back since it was proposed"
        barred = barred_from(self._policy(), grant.agent, decision.at, decision.at)
        if nothing is None and any(vote.by in barred for vote in ended.votes):
            nothing = "who approved it may not decide about it any more"
        if nothing is not None:
            return self._ended_grant(tx, grant, Ending.CHANGED, nothing, request=ended.id, actor=by, via=via)
        effects: tuple[Effect, ...] = ()
        if known.in_force is not None:
            why = f"{grant.request} grants more in its place"
            effects = self._ended_grant(tx, known.in_force, Ending.REPLACED, why, request=ended.id, actor=by, via=via)
        until = decision.at + grant.lasts
        tx.put_grant(replace(grant, state=GrantState.IN_FORCE, by=decision.by, granted_at=decision.at, until=until))
        self.trust.stale = True
        said = {name: getattr(grant, name) for name in _SAID}
        tx.append(self._event("trust.granted", ended, actor=by, via=via, grant=grant.id, until=until, **said))
        return effects
