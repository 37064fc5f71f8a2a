"""The door to what is stored of one unit: it can only be closed."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, ClassVar, override

from fastapi import Path, Request, Response, status
from starlette.convertors import StringConvertor, register_url_convertor

from service.access import CurrentActor, Role, require_role
from service.facts.lake import tombstones
from service.facts.lake.schemas import ErasureState, ErasureView
from service.kit.http import Page, PageQuery, ReadSession, Route, WriteSession, router
from service.kit.problems import problems

LONGEST_UNIT = 1_024


class UnitConvertor(StringConvertor):
    """Whatever follows, line breaks too: `path` would take `a` of `a%0A`, and somebody else were erased."""

    regex: ClassVar[str] = "(?s:.*)"


register_url_convertor("unit", UnitConvertor())


class UntoldRoute(Route):
    """A route whose address names somebody: the log tells the route alone."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            request.state.told_path = self.path_format
            return await answer(request)

        return handle


units = router("/v1/units", ["units"], route=UntoldRoute)
erasures = router("/v1/erasures", ["units"])


@units.delete("/{unit:unit}", status_code=status.HTTP_202_ACCEPTED, responses={200: {"model": ErasureView}})
def erase_unit(
    unit: Annotated[str, Path(min_length=1, max_length=LONGEST_UNIT)],
    session: WriteSession,
    actor: CurrentActor,
    response: Response,
) -> ErasureView:
    """Erase a unit, whatever its type, with all that was ever said of it; only an admin may.

    Every read that begins from now on leaves it out, and workers remove it from every file: 202 until they
    have, 200 from then on. What is sent of it later is taken, left out and removed as well: for good. Ids
    that `/v1/identities` linked to it go with it, and `linked` says how many once workers know. Runs whose
    data held it say so (`snapshot_erased_at`): they cannot be made again, and their results stay as they
    were. SHA-256 of the id is all that is kept.
    """
    require_role(actor, Role.admin)
    view = ErasureView.of(tombstones.entomb(session, unit, requested_by=actor.owner))
    response.headers["Location"] = f"/v1/erasures/{view.id}"
    if view.state is ErasureState.REMOVED:
        response.status_code = status.HTTP_200_OK
    return view


@erasures.get("")
def list_erasures(session: ReadSession, _: CurrentActor, query: PageQuery) -> Page[ErasureView]:
    """Every unit that was erased, by the SHA-256 of its id."""
    found = tombstones.find(session, query)
    return query.answer([ErasureView.of(one) for one in found.items], found.next)


@erasures.get("/{erasure_id}", responses=problems(tombstones.ErasureNotFound))
def get_erasure(erasure_id: str, session: ReadSession, _: CurrentActor) -> ErasureView:
    """One erasure: is the unit out of every file yet?"""
    return ErasureView.of(tombstones.get(session, erasure_id))
