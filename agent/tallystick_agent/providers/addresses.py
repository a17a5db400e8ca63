"""Which addresses are of the open network, and which only this machine or its network reaches. Owns that judgement."""

import asyncio
import ipaddress
import socket


async def is_private(host: str) -> bool:
    """Whether a host is, or may be, an address that only this machine or its network reaches.

    The name is looked up again for the connection: who answers it with another address each time is not caught here.
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        # No such host: the request itself will say so.
        return False
    return not all(is_public(str(one[4][0])) for one in found)


def is_public(text: str) -> bool:
    """Whether an address is one of the open network, and so are those that it may carry inside."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    if address.is_site_local or address in ipaddress.ip_network("::/96") or address in ipaddress.ip_network("64:ff9b::/96"):
        return False
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    return all(one is None or one.is_global for one in inner)
