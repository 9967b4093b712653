"""Push is on where there is a way to it, and off where there is none."""

from __future__ import annotations

import pytest

from bot.settings import settings_of
from bot.settings.push import Push
from tests.test_settings import MAIL, values

KEY = "a" * 43


PUSH: list[tuple[dict[str, str], Push]] = [
    ({}, Push(web=True, vapid_subject="https://localhost")),
    ({"SAYSO_PUBLIC_URL": "http://a.example"}, Push(vapid_subject="https://localhost")),
    ({"SAYSO_PUBLIC_URL": "http://192.0.2.7:8000"}, Push(vapid_subject="https://localhost")),
    ({"SAYSO_PUBLIC_URL": "http://[::1]:8000"}, Push(web=True, vapid_subject="https://localhost")),
    ({"SAYSO_PUBLIC_URL": "https://a.example"}, Push(web=True, vapid_subject="https://a.example")),
    (MAIL | {"SAYSO_PUBLIC_URL": "https://a.example"}, Push(web=True, vapid_subject="mailto:sayso@example.com")),
    ({"VAPID_PRIVATE_KEY": KEY}, Push(web=True, vapid_private_key=KEY, vapid_subject="https://localhost")),
    ({"VAPID_SUBJECT": "mailto:a@b.example"}, Push(web=True, vapid_subject="mailto:a@b.example")),
    (
        {"NTFY_URL": "http://ntfy/", "NTFY_TOKEN": "tk_1"},
        Push(web=True, vapid_subject="https://localhost", ntfy_url="http://ntfy", ntfy_token="tk_1"),
    ),
    (
        {"APPRISE_URLS": "ana=json://u:p@a.example/?x=y,  gotify://b.example/t\n ben=pover://c@d"},
        Push(
            web=True,
            vapid_subject="https://localhost",
            services=(("ana", "json://u:p@a.example/?x=y"), (None, "gotify://b.example/t"), ("ben", "pover://c@d")),
        ),
    ),
]


@pytest.mark.parametrize(("given", "push"), PUSH)
def test_push_is_on_where_there_is_a_way(given: dict[str, str], push: Push) -> None:
    """Browsers at an https address, a server of topics, or an address of a service; whoever is silent has it off."""
    settings = settings_of(values(**given))
    assert settings.push == push
    assert settings.push_on == (push.web or bool(push.ntfy_url) or bool(push.services))
    assert not any(secret in repr(settings.push) for secret in ("tk_1", KEY, "u:p@"))
