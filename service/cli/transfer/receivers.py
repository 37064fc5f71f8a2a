"""Who takes the pieces of a file: a service that runs, or the store itself?"""

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from service.access.rules import Actor
from service.cli.transfer.pieces import Piece, as_streams
from service.facts import inbox
from service.facts.ingest import service
from service.facts.ingest.checks import checked
from service.facts.ingest.formats import NothingKept
from service.facts.ingest.parts import part_of
from service.facts.ingest.rows import Rejection
from service.facts.ingest.schemas import Receipt
from service.facts.ingest.sieve import Checked
from service.facts.tables import FactKind
from service.kit.database import Database
from service.kit.errors import Invalid, Unavailable, excerpt

STREAM = "application/vnd.apache.arrow.stream"
_PATIENCE = 120  # seconds for one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a piece."""

    accepted: int
    rejections: Sequence[Rejection]
    rejected: int


class Receiver(Protocol):
    """Takes piece after piece; the same piece again is acknowledged as the first time."""

    def take(self, kind: FactKind, piece: Piece) -> Taken: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Straight into the database, without a service."""

    database: Database
    actor: Actor
    source: str
    zone: str | None

    def take(self, kind: FactKind, piece: Piece) -> Taken:
        origin = service.Origin(
            kind=kind, source=self.source, digest=_digest(piece), actor=self.actor, key=piece.key
        )
        with self.database.read() as session:
            known = service.earlier(session, origin)
        if known is None or known.rejected:
            part = part_of(self._checked(kind, piece))
            if known is not None:  # what was missing then may be there now; none is doubled
                origin = replace(origin, key=f"{piece.key}:{sha256(part.rows).hexdigest()[:16]}")
            with self.database.write() as session:
                known = service.accept(session, origin, [part])
        told = [Rejection(row=one.row, field=one.field, reason=one.reason) for one in known.rejections]
        return Taken(accepted=known.accepted, rejected=known.rejected, rejections=told)

    def _checked(self, kind: FactKind, piece: Piece) -> Checked:
        return checked(
            kind,
            piece.parsed,
            service.reading_for(self.database, self.actor, ZoneInfo(self.zone) if self.zone else None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that runs, over HTTP."""

    address: str
    key: str
    source: str
    zone: str | None
    connection: http.client.HTTPConnection

    def take(self, kind: FactKind, piece: Piece) -> Taken:
        accepted, rejected, told = 0, len(piece.parsed.unreadable), list(piece.parsed.unreadable)
        for place, (numbers, body) in enumerate(as_streams(kind, piece.parsed.columns)):
            answer = self._sent(kind, f"{piece.key}:{place}", body)
            accepted, rejected = accepted + answer.accepted, rejected + answer.rejected
            told += [
                Rejection(row=numbers[one.row - 1], field=one.field, reason=one.reason)
                for one in answer.rejections
            ]
        return Taken(accepted=accepted, rejected=rejected, rejections=sorted(told, key=lambda one: one.row))

    def _sent(self, kind: FactKind, key: str, body: bytes) -> Receipt:
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": STREAM,
            "Content-Encoding": "zstd",
            "Idempotency-Key": key,
        }
        query = {"source": self.source} | ({"zone": self.zone} if self.zone else {})
        path = f"{urlsplit(self.address).path.rstrip('/')}/v1/{kind}?{urlencode(query)}"
        try:
            answer, text = self._answered(path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(
                f"{self.address} cannot be reached: {error}. Run the same command again."
            ) from error
        if answer.status == 503:
            raise Unavailable(f"{self.address} is busy. Run the same command again.")
        if answer.status != 201 and not _is_receipt(text):
            raise Invalid(
                f"{self.address} answered {answer.status}: {excerpt(text.decode(errors='replace'))}"
            )
        return Receipt.model_validate_json(text)

    def _answered(
        self, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Once more on a new connection: a service closes one that idled while the next piece was read.

        A piece that was taken all the same is known by its key.
        """
        try:
            return self._asked(path, body, headers)
        except ConnectionError:
            self.connection.close()
            return self._asked(path, body, headers)

    def _asked(
        self, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        self.connection.request("POST", path, body, headers)
        answer = self.connection.getresponse()
        return answer, answer.read()


def _is_receipt(text: bytes) -> bool:
    """Of a batch in which every row was rejected."""
    try:
        return bool(json.loads(text)["type"].endswith(f":{NothingKept.slug}"))
    except (ValueError, KeyError, TypeError):
        return False


def _digest(piece: Piece) -> str:
    return sha256(inbox.packed(piece.parsed.columns)).hexdigest()


def connection_to(address: str) -> http.client.HTTPConnection:
    """It connects with the first piece; who made it closes it."""
    split = urlsplit(address)
    kind = http.client.HTTPSConnection if split.scheme == "https" else http.client.HTTPConnection
    return kind(split.hostname or "", split.port, timeout=_PATIENCE)
