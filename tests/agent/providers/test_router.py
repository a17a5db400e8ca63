"""Which endpoint serves a request: those whose window holds it, in the given order, and a reason for every one."""

import pytest

from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.router import Need, route


def endpoint(slug: str, window: int | None) -> Endpoint:
    return Endpoint(slug=slug, provider="p", model=slug, base_url="http://127.0.0.1/v1", window_tokens=window)


@pytest.mark.parametrize(
    ("windows", "served", "dropped"),
    [
        ([None], [0], []),
        ([8_000], [0], []),
        ([1_200], [0], []),
        ([1_199], [], [0]),
        ([1_000, 8_000], [1], [0]),
        ([8_000, 1_000, None], [0, 2], [1]),
        ([], [], []),
    ],
)
def test_what_is_known_to_be_too_small_is_dropped_and_the_order_stays(
    windows: list[int | None], served: list[int], dropped: list[int]
) -> None:
    candidates = tuple(endpoint(f"p/{number}", window) for number, window in enumerate(windows))
    found = route(candidates, Need(input_tokens=1_000, output_tokens=200))
    assert [choice.endpoint for choice in found.order] == [candidates[at] for at in served]
    assert [choice.endpoint for choice in found.dropped] == [candidates[at] for at in dropped]
    assert all(choice.reason for choice in (*found.order, *found.dropped))


def test_the_reason_for_dropping_names_both_numbers() -> None:
    found = route((endpoint("p/small", 1_000),), Need(input_tokens=1_500, output_tokens=200))
    assert "1700" in found.dropped[0].reason
    assert "1000" in found.dropped[0].reason
