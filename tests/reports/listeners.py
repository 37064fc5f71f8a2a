"""Who listens on the loopback: a receiver of webhooks and a mail server, each of which stops by itself."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True, kw_only=True)
class Heard:
    """What came in, and what is answered: each answer once, the last one from then on."""

    port: int = 0
    answers: list[int] = field(default_factory=lambda: [204])
    headers: dict[str, str] = field(default_factory=dict)  # that are answered
    messages: list[tuple[dict[str, str], str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def answer(self) -> int:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def web_receiver() -> Iterator[Heard]:
    heard = Heard()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            heard.messages.append(({name.lower(): value for name, value in self.headers.items()}, body))
            heard.paths.append(self.path)
            self.send_response(heard.answer())
            for name, value in heard.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self) -> None:
            heard.paths.append(self.path)  # a redirect was followed
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.port = server.server_address[1]
        with _running(server):
            yield heard


@contextmanager
def mail_server() -> Iterator[Heard]:
    """As much of SMTP as a client needs; the first answers of 4xx or 5xx refuse a recipient."""
    heard = Heard(answers=[250])

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                verb = line.strip().upper()[:4]
                if verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    heard.messages.append(({}, self._read()))
                    self.wfile.write(b"250 kept\r\n")
                elif verb == b"RCPT":
                    self.wfile.write(f"{heard.answer()} said\r\n".encode())
                elif verb == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 fine\r\n")

        def _read(self) -> str:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b"."))
            return b"".join(lines).decode()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        heard.port = server.server_address[1]
        with _running(server):
            yield heard


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
