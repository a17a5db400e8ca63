"""What a success says of the limits that are left: in headers of OpenAI's kind and of Anthropic's."""

from datetime import UTC, datetime

import pytest

from tallystick_agent.providers.rate_headers import exhausted_for, wait_in

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("12", 12.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("6m0s", 360.0),
        ("200ms", 0.2),
        ("1h2m3.5s", 3_723.5),
        ("1d", 86_400.0),
        ("2m59.56s", 179.56),
        (" 7s ", 7.0),
        ("2026-11-23T12:00:30Z", 30.0),
        ("2026-11-23T12:00:30", 30.0),
        ("2026-11-23T14:00:30+02:00", 30.0),
        ("2026-11-23T11:59:00Z", 0.0),
        ("", None),
        ("soon", None),
        ("5 minutes", None),
        ("5x", None),
        ("s", None),
        ("3s?", None),
    ],
)
def test_a_wait_is_read_in_every_form_that_providers_write(value: str, seconds: float | None) -> None:
    found = wait_in(value, NOW)
    assert found == (pytest.approx(seconds) if seconds is not None else None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "60s"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "60s"}, 60.0),
        ({"x-ratelimit-remaining-requests": "0"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon"}, None),
        ({"x-ratelimit-remaining-tokens": " 0 ", "x-ratelimit-reset-tokens": "1m"}, 60.0),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "9s",
            },
            9.0,
        ),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-tokens": "1",
                "x-ratelimit-reset-tokens": "9s",
            },
            2.0,
        ),
        ({"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2026-11-23T12:00:10Z"}, 10.0),
        ({"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2026-11-23T12:01:00Z"}, 60.0),
    ],
)
def test_only_a_limit_with_nothing_left_makes_a_wait_and_the_longest_holds(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert exhausted_for(headers, NOW) == seconds
