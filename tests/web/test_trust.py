"""Over HTTP: an admin lets the house look at once what was earned."""

from __future__ import annotations

from tests.web.conftest import Office


async def test_t15_only_an_admin_lets_the_house_propose(office: Office) -> None:
    """Where nothing was earned nothing is proposed; no agent and no reviewer may ask for it (T10)."""
    reply = await office.call("POST", "/v1/trust/proposals", "ops", json={})
    assert (reply.status, reply.body) == (200, {"proposed": []})
    for by in ("billing", "ana"):
        assert (await office.call("POST", "/v1/trust/proposals", by, json={})).status == 403
    reply = await office.call("POST", "/v1/trust/proposals", "ops", json={"agent": "billing"})
    assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, "/agent")
