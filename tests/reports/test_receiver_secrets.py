"""With which secrets are messages signed, and whose are they?"""

import pytest
from standardwebhooks import Webhook

from service.reports.sending.message import Unsent
from service.reports.sending.secrets import new_secret, secret_of
from service.settings import Settings
from tests.reports.outbox import Sending, hook


def test_secrets_come_from_the_environment_or_a_mounted_file(proven, kept, heard, tmp_path) -> None:
    (tmp_path / "hook").write_text(new_secret() + "\n")
    hosts = (f"127.0.0.1:{heard.port}",)
    own = {"webhook_hosts": hosts, "receiver_secrets": tmp_path, "receiver_grants": ("growth:hook",)}
    sending = Sending(proven, kept, **own)
    receiver = sending.receiver(**hook(heard), secret={"file": "hook"})
    assert receiver["secret"] is None
    proven.report(proven.hypothesis, receivers=[receiver["id"]])
    sending.send()
    ((headers, body),) = heard.messages
    Webhook((tmp_path / "hook").read_text().strip()).verify(body, headers)
    refused = sending.client.post(
        "/v1/receivers", json={"name": "x", **hook(heard), "secret": {"environment": "AWS_SECRET_ACCESS_KEY"}}
    )
    assert refused.status_code == 422


@pytest.mark.parametrize("grants", [(), ("ops:LEVERBOARD_RECEIVER_SECRET_OPS",)])
def test_a_secret_of_another_team_signs_nothing(monkeypatch, grants) -> None:
    monkeypatch.setenv("LEVERBOARD_RECEIVER_SECRET_OPS", "whsec_b3Bz")
    named = {"environment": "LEVERBOARD_RECEIVER_SECRET_OPS"}
    with pytest.raises(Unsent, match="LEVERBOARD_RECEIVER_GRANTS=growth:"):
        secret_of(Settings(receiver_grants=grants), named, "growth")
    if grants:
        assert secret_of(Settings(receiver_grants=grants), named, "ops") == "whsec_b3Bz"


def test_a_secret_file_that_cannot_be_read_says_so(tmp_path) -> None:
    (tmp_path / "hook").write_bytes(b"\xff\xfe")
    with pytest.raises(Unsent, match="cannot be read"):
        secret_of(Settings(receiver_secrets=tmp_path, receiver_grants=("hook",)), {"file": "hook"}, "growth")
