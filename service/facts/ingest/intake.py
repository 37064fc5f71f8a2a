"""How does a request with facts get from its first byte to its answer, however many come and however large?

Its body is spooled, never held in memory whole. So many bytes may be on their way at once, and whoever comes
beyond is asked to come again. It is parsed without a transaction, and committed together with its neighbours.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Annotated, ClassVar, Self, override

from anyio import CancelScope, CapacityLimiter, to_thread
from fastapi import Depends, FastAPI, Request, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from service.facts.ingest.committing import Committer
from service.facts.ingest.encodings import codec_of, unpack
from service.facts.ingest.spool import Spool
from service.kit import idempotency
from service.kit.database import Database
from service.kit.errors import Unavailable
from service.kit.http import BoundedRequest, Handler, Route, claim_of, remember, replay
from service.kit.problems import instance_of
from service.settings import Settings

FIRST_PROBLEM = 400  # status, of an answer that is no answer: the same key may be used again
MOST_REQUESTS = 512  # on their way at once
LARGE = 8 * 1024 * 1024  # bytes of a body that takes long to parse
_LARGE_AT_ONCE = 2
_READ_AT_ONCE = 4  # bodies: more threads would only wait for one another


class IngestBusy(Unavailable):
    """More is on its way than this process takes at once."""

    slug, title = "ingest-busy", "More facts are on their way than are taken at once; try again"


class Budget:
    """How many requests, and how many bytes of them, are on their way; in memory or in spool files."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = Lock()
        self.bytes = 0
        self.requests = 0

    def enter(self) -> None:
        with self._lock:
            if self.requests >= MOST_REQUESTS:
                raise IngestBusy
            self.requests += 1

    def leave(self, taken: int) -> None:
        with self._lock:
            self.requests -= 1
            self.bytes -= taken

    def take(self, size: int) -> None:
        """One request alone may always have what its address allows."""
        with self._lock:
            if self.requests > 1 and self.bytes + size > self._most_bytes:
                raise IngestBusy
            self.bytes += size


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What the requests of one process share."""

    settings: Settings
    database: Database
    committer: Committer
    budget: Budget
    large: CapacityLimiter
    reading: CapacityLimiter

    @property
    def folder(self) -> Path:
        return self.settings.data_dir / "spool"

    @classmethod
    def of(cls, app: FastAPI) -> Self:
        """Made when the first request comes."""
        if getattr(app.state, "intake", None) is None:
            settings, database = app.state.settings, app.state.database
            app.state.intake = cls(
                settings=settings,
                database=database,
                committer=Committer(database),
                budget=Budget(settings.ingest_waiting),
                large=CapacityLimiter(_LARGE_AT_ONCE),
                reading=CapacityLimiter(_READ_AT_ONCE),
            )
        intake: Self = app.state.intake
        return intake


def stop(app: FastAPI) -> None:
    """Let the process end: whatever waits is committed."""
    if getattr(app.state, "intake", None) is not None:
        app.state.intake.committer.stop()


class SpooledRequest(BoundedRequest):
    """A request whose body lies in a spool, unpacked; its limit holds before unpacking and after."""

    spool: Spool
    taken = 0

    async def receive_into(self, intake: Intake, packed: Spool, plain: Spool) -> None:
        codec = codec_of(self.headers.get("content-encoding", ""))
        self._take(intake, self.announced if self.announced <= self.limit else 0)
        into = plain if codec is None else packed
        async for piece in self.stream():
            if into.size + len(piece) > self.taken:
                self._take(intake, len(piece))
            into.write(piece)
        if codec is not None:
            take = partial(self._take, intake)
            await run_in_threadpool(unpack, packed, codec, self.limit, plain, take)
        self.spool = plain

    def _take(self, intake: Intake, size: int) -> None:
        intake.budget.take(size)
        self.taken += size

    @override
    async def body(self) -> bytes:
        return await run_in_threadpool(self.spool.whole)


class IntakeRoute(Route):
    """A route whose endpoint takes a Desk, and answers with what the desk made of its work."""

    refuses_unknown_parameters: ClassVar[bool] = False  # other tools' clients add what they like

    def limit_for(self, request: Request) -> int:  # noqa: ARG002 - for those that read the head
        return self.body_limit

    @override
    async def serve(self, request: Request, answer: Handler) -> Response:
        if request.method != "POST":
            return await super().serve(request, answer)
        await self.meet(request)
        spooled = SpooledRequest(request.scope, request.receive)
        spooled.limit = self.limit_for(spooled)
        intake = Intake.of(request.app)
        async with _on_its_way(spooled, intake):
            return await _answered(spooled, intake, answer)


@asynccontextmanager
async def _on_its_way(request: SpooledRequest, intake: Intake) -> AsyncGenerator[None]:
    intake.budget.enter()
    try:
        with ExitStack() as spools:
            packed, plain = (spools.enter_context(Spool(intake.folder)) for _ in range(2))
            await request.receive_into(intake, packed, plain)
            yield
    finally:
        intake.budget.leave(request.taken)


async def _answered(request: SpooledRequest, intake: Intake, answer: Handler) -> Response:
    claim = None
    if "idempotency-key" in request.headers:
        claim = claim_of(request, await run_in_threadpool(request.spool.sha256))
    request.state.desk = Desk(intake=intake, claim=claim, instance=instance_of(request))
    large = intake.large if request.spool.size > LARGE else nullcontext()
    async with large:
        with idempotency.in_flight(claim) if claim else nullcontext():
            return await answer(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where one request's work is handed in."""

    intake: Intake
    claim: idempotency.Claim | None
    instance: str  # the name of the request, in what it is told of problems

    @property
    def database(self) -> Database:
        return self.intake.database

    @property
    def folder(self) -> Path:
        """Where spools may lie."""
        return self.intake.folder

    async def work[T](self, read: Callable[[], T]) -> T:
        """What it comes to, read in a thread; as many at once as are worth it."""
        return await to_thread.run_sync(read, limiter=self.intake.reading)

    async def answered(self) -> Response | None:
        """The answer that this very request got before, so that it need not be read again."""
        return None if self.claim is None else await self.work(partial(self._recalled, self.claim))

    def _recalled(self, claim: idempotency.Claim) -> Response | None:
        with self.database.read() as session:
            earlier = idempotency.found(session, claim)
            return None if earlier is None else replay(earlier)

    async def commit(self, work: Callable[[Session], Response]) -> Response:
        """The work's answer, once it is on disk; the same request gets the same answer again.

        Who waits for it holds no thread, so that as many share a commit as have come.
        """
        handed_in = self.intake.committer.hand_in(lambda session: self._once(session, work))
        with CancelScope(shield=True):  # what the work reads is there until it is done
            await asyncio.wait([answer := asyncio.wrap_future(handed_in)])
        return answer.result()

    def _once(self, session: Session, work: Callable[[Session], Response]) -> Response:
        if self.claim is None:
            return work(session)
        if (earlier := idempotency.recall(session, self.claim)) is not None:
            return replay(earlier)
        response = work(session)
        if response.status_code < FIRST_PROBLEM:
            remember(session, self.claim, response)
        return response


async def _desk(request: Request) -> Desk:
    desk: Desk = request.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]
