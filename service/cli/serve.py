"""`leverboard serve`."""


def serve() -> None:
    """Answer the HTTP API."""
