"""Which addresses may a webhook reach? Public ones, and those of our own that were named; nothing else.

Who registers a receiver is not who runs the worker: a URL could lead to the worker's own neighbours. So the
name is resolved once, each address that it has is checked, and the connection goes to the one that was
checked: a name that changes its mind between the two (rebinding) gains nothing. Redirects are not followed.
"""

import ipaddress
import socket
import ssl
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from service.kit.hosts import allows
from service.reports.sending.message import Unsent

type Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
# Forms of IPv6 that carry an address of IPv4 inside, which may be anybody's neighbour.
_CARRIERS = tuple(
    map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96"))
)


def checked(url: str, allowed: Sequence[str]) -> tuple[SplitResult, str]:
    """The parts of the URL and the address to connect to; Unsent where it may not be reached."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Unsent(f"the address is no URL: {error}", final=True) from error
    host, port = parts.hostname or "", port_of(parts)
    named = any(allows(pattern, host, port) for pattern in allowed)
    if parts.scheme != "https" and not named:
        raise Unsent(f"{host} is reached over https only, unless LEVERBOARD_WEBHOOK_HOSTS names it.")
    found = _resolved(host, port)
    refused = [one for one in found if not named and not public(one)]
    if refused:
        raise Unsent(
            f"{host} leads to {refused[0]}, which is not public. Whoever runs the worker can allow it: "
            f"LEVERBOARD_WEBHOOK_HOSTS={host}:{port}"
        )
    return parts, str(found[0])


def port_of(parts: SplitResult) -> int:
    try:
        given = parts.port
    except ValueError as error:
        raise Unsent(f"the address has no port that could be: {error}", final=True) from error
    return given or (443 if parts.scheme == "https" else 80)


def _resolved(host: str, port: int) -> list[Ip]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unsent(f"{host} cannot be resolved: {error}") from error
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


def public(address: Ip) -> bool:
    """Whether it is an address of the public internet, whatever it carries inside.

    >>> [public(ipaddress.ip_address(a)) for a in ("127.0.0.1", "::ffff:10.0.0.1", "1.1.1.1")]
    [False, False, True]
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return public(address.ipv4_mapped)
        if any(address in network for network in _CARRIERS):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def connection(parts: SplitResult, address: str, timeout: float) -> HTTPConnection:
    """Not connected yet; it goes to the address, and speaks to the host by its name."""
    host, port = parts.hostname or "", port_of(parts)
    if parts.scheme == "https":
        return _Pinned(host, port, address, timeout)
    return _Plain(host, port, address, timeout)


class _Plain(HTTPConnection):
    """HTTP to a checked address."""

    def __init__(self, host: str, port: int, address: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _Pinned(HTTPSConnection):
    """HTTPS to a checked address; the certificate must be the host's."""

    def __init__(self, host: str, port: int, address: str, timeout: float) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(host, port, timeout=timeout, context=self._tls)
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
