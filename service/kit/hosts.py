"""Which machine does a pattern of the settings name? One way of writing it, wherever hosts are allowed."""


def allows(pattern: str, host: str, port: int) -> bool:
    """`host`, `host:port`, or `*.domain` with or without a port; whatever the case, and brackets of IPv6.

    >>> allows("*.example.com", "db.example.com", 5432), allows("*.example.com:443", "db.example.com", 5432)
    (True, False)
    >>> allows("example.com", "db.example.com", 443), allows("[::1]:8080", "::1", 8080)
    (False, True)
    """
    name, colon, number = pattern.rpartition(":")
    if not colon or not number.isdigit():
        name, number = pattern, str(port)
    if number != str(port):
        return False
    name, host = name.strip("[]").lower(), host.strip("[]").lower().rstrip(".")
    return host == name or (name.startswith("*.") and host.endswith(name[1:]))
