"""Where callers come from, as far as one of them can be told from another."""

import ipaddress
from functools import lru_cache

_CUSTOMER_BITS = 64
"""An IPv6 customer draws addresses from so many bits, and so is counted by what is left of them."""


@lru_cache(maxsize=4096)
def network_of(source: str | None) -> str | None:
    """Return the address, or the /64 of an IPv6 one; None where the address is unknown.

    An IPv4 address that is written as an IPv6 one (RFC 4291, 2.5.5.2) is the IPv4 one.
    """
    try:
        address = ipaddress.ip_address(source or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(address), 128 - _CUSTOMER_BITS), strict=False))
        address = address.ipv4_mapped
    return str(address)
