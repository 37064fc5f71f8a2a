"""How does the demo talk to the service? Over HTTP like anybody, and believing no answer unchecked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
import msgspec
import pyarrow as pa
from pyarrow import parquet

from analyses import Json
from service.cli.demo.answers import Problem
from service.kit.errors import ServiceError

PATIENCE = 60.0  # seconds for one answer: far more than any takes


class Unexpected(ServiceError):
    """The service answered something else than the story needs."""

    title = "The service gave an answer that the demo does not expect"


class Failed(ServiceError):
    """Not a refusal: something broke inside."""

    title = "The service failed"


class Silent(ServiceError):
    """The service does not answer at all."""

    title = "The service stopped answering"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told[T]:
    """An answer, and the version that a change of it is based on."""

    body: T
    status: int
    etag: str | None
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One caller with one key."""

    base_url: str
    key: str
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        # Nobody's proxy: the service is on this machine.
        found = httpx.Client(base_url=self.base_url, headers=headers, timeout=PATIENCE, trust_env=False)
        object.__setattr__(self, "http", found)

    def get[T](self, path: str, answer: type[T]) -> Told[T]:
        return self._told(self._ask("GET", path), answer, 200)

    def post[T](
        self, path: str, document: Mapping[str, Json] | None, answer: type[T], *, expect: int = 201
    ) -> Told[T]:
        return self._told(self._ask("POST", path, document), answer, expect)

    def step[T](self, path: str, etag: str | None, answer: type[T]) -> Told[T]:
        """A change of state: only if nobody else changed it first."""
        return self._told(self._ask("POST", path, None, {"If-Match": etag or ""}), answer, 200)

    def change[T](
        self, method: str, path: str, etag: str | None, document: Mapping[str, Json], answer: type[T]
    ) -> Told[T]:
        return self._told(self._ask(method, path, document, {"If-Match": etag or ""}), answer, 200)

    def send[T](self, path: str, rows: pa.Table, name: str, answer: type[T]) -> Told[T]:
        """A batch of facts as Parquet; sent twice under the same name, it counts once."""
        sink = pa.BufferOutputStream()
        parquet.write_table(rows, sink, compression="zstd")
        headers = {"Content-Type": "application/vnd.apache.parquet", "Idempotency-Key": name}
        return self._told(self._sent("POST", path, sink.getvalue().to_pybytes(), headers), answer, 201)

    def refused(self, path: str, document: Mapping[str, Json], status: int) -> Problem:
        """A request that must be refused."""
        return self._told(self._ask("POST", path, document), Problem, status).body

    def _ask(
        self,
        method: str,
        path: str,
        document: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        if document is None:
            return self._sent(method, path, None, headers or {})
        as_json = {"Content-Type": "application/json"}
        return self._sent(method, path, msgspec.json.encode(document), as_json | dict(headers or {}))

    def _sent(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> httpx.Response:
        try:
            return self.http.request(method, path, content=body, headers=dict(headers))
        except httpx.HTTPError as error:
            raise Silent(f"{method} {path}: {error or type(error).__name__}.") from error

    def _told[T](self, response: httpx.Response, answer: type[T], expected: int) -> Told[T]:
        request = response.request
        if response.status_code != expected:
            kind = Failed if response.is_server_error else Unexpected
            raise kind(
                f"{request.method} {request.url.path} answered {response.status_code}, not {expected}:\n"
                f"{response.text}"
            )
        try:
            body = msgspec.json.decode(response.content, type=answer)
        except msgspec.MsgspecError as error:
            raise Unexpected(f"{request.method} {request.url.path}: {error}") from error
        return Told(
            body=body,
            status=response.status_code,
            etag=response.headers.get("etag"),
            path=request.url.path,
        )
