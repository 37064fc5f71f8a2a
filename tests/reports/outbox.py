"""The outbox of the proven company, and what it sends in tests."""

from sqlalchemy import update

from service.kit.clock import now
from service.reports import delivering
from service.reports.kinds import Cause, ReportKind
from service.reports.sending.message import Message, Sent
from service.reports.tables import ReportDelivery

HOSTILE = "<script>alert(1)</script>\u202e evil\u2067 " + "x" * 500
MESSAGE = Message(
    id="msg_01",
    at=now(),
    title=HOSTILE,
    answer=f"Confirmed. {HOSTILE}",
    language="en",
    report=Sent(
        cause=Cause.VERDICT, kind=ReportKind.LEVER, subject="hyp_01", sha256="ab" * 32, run_id=None, forms={}
    ),
)


class Sending:
    """The proven company's outbox, with a worker that may reach these hosts."""

    def __init__(self, proven, kept, **settings) -> None:
        self.proven, self.kept = proven, kept
        self.settings = proven.company.settings.model_copy(update=settings)
        self.client = proven.company.client

    def receiver(self, **draft) -> dict:
        answer = self.client.post("/v1/receivers", json={"name": "Hook", **draft})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def send(self) -> dict:
        return delivering.deliver(self.settings, self.kept, None, lambda *_: None).told

    def later(self) -> None:
        """As if the pauses had passed."""
        with self.kept.write() as session:
            session.execute(
                update(ReportDelivery).where(ReportDelivery.next_at.is_not(None)).values(next_at=now())
            )

    def delivery(self, receiver: dict) -> dict:
        (found,) = self.client.get("/v1/deliveries", params={"receiver": receiver["id"]}).json()["items"]
        return self.client.get(f"/v1/deliveries/{found['id']}").json()


def hook(heard) -> dict:
    return {"kind": "webhook", "url": f"http://127.0.0.1:{heard.port}/in?a=1"}
