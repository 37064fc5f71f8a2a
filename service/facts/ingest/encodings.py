"""How does a compressed body become the one that was meant, without becoming a bomb?"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar

import pyarrow as pa

from service.facts.ingest.formats import Unreadable
from service.facts.ingest.spool import PIECE, Spool
from service.kit.errors import PayloadTooLarge, UnsupportedMediaType, excerpt

_CODECS: Mapping[str, str] = MappingProxyType({"gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd"})


class UnknownEncoding(UnsupportedMediaType):
    """The body is encoded in a way that is not read here."""

    slug, title = "unsupported-encoding", "This address does not take that Content-Encoding"
    headers: ClassVar[dict[str, str]] = {"Accept-Encoding": "gzip, zstd"}


def codec_of(encoding: str) -> str | None:
    """None for a body as it is; an encoding that is not read is refused before the body comes."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return None
    codec = _CODECS.get(name)
    if codec is None:
        raise UnknownEncoding(f"Send the body as it is, or as gzip or zstd, not as {excerpt(name)}.")
    return codec


def unpack(packed: Spool, codec: str, limit: int, plain: Spool, take: Callable[[int], None]) -> None:
    """Unpack piece by piece; never more than the limit and one piece of it.

    `take` is told of each piece before it is kept, and may refuse it.
    """
    try:
        with pa.CompressedInputStream(pa.BufferReader(packed.buffer()), codec) as stream:
            while piece := stream.read(PIECE):
                take(len(piece))
                plain.write(piece)
                if plain.size > limit:
                    raise PayloadTooLarge(f"The body may have {limit:,} bytes when unpacked.")
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(f"Expected a body encoded as {codec}: {excerpt(error)}.") from error
