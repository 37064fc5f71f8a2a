"""How does a compressed body become the one that was meant, without becoming a bomb?"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import pyarrow as pa

from service.facts.ingest.formats import Unreadable
from service.kit.errors import PayloadTooLarge, UnsupportedMediaType, excerpt

_CODECS: Mapping[str, str] = MappingProxyType({"gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd"})


class UnknownEncoding(UnsupportedMediaType):
    """The body is encoded in a way that is not read here."""

    slug, title = "unsupported-encoding", "This address does not take that Content-Encoding"
    headers: ClassVar[dict[str, str]] = {"Accept-Encoding": "gzip, zstd"}


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its Content-Encoding; never more than the limit and one byte of it is unpacked."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    codec = _CODECS.get(name)
    if codec is None:
        raise UnknownEncoding(f"Send the body as it is, or as gzip or zstd, not as {excerpt(name)}.")
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), codec) as stream:
            plain: bytes = stream.read(limit + 1)
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(f"Expected a body encoded as {name}: {excerpt(error)}.") from error
    if len(plain) > limit:
        raise PayloadTooLarge(f"The body may have {limit:,} bytes when unpacked.")
    return plain
