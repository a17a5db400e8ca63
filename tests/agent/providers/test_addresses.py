"""Addresses that a page named in a prompt may not have, unless the user allows it."""

import asyncio

import pytest

from tallystick_agent.providers.addresses import is_private, is_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True),
        ("2606:4700::1111", True),
        ("::ffff:1.1.1.1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%lo", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::127.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_which_addresses_are_of_the_open_network(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "app.localhost", "printer.local", "127.0.0.1", "2130706433", "0x7f.1"]
)
def test_names_of_this_machine_are_private(host: str) -> None:
    assert asyncio.run(is_private(host))


def test_a_name_that_nobody_knows_is_left_to_the_request() -> None:
    assert not asyncio.run(is_private("no-such-host.invalid"))
