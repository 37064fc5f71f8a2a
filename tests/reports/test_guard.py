"""Does a webhook reach nobody's neighbour, whatever its address or its answer says?"""

import ipaddress
import socket

import pytest

from service.reports.kinds import ReceiverKind
from service.reports.sending import guard, webhook
from service.reports.sending.message import Address, Unsent
from service.reports.sending.secrets import new_secret
from service.reports.sending.webhook import send_webhook
from service.settings import Settings
from tests.reports.outbox import MESSAGE, hook


def test_redirects_are_not_followed(sending, heard) -> None:
    heard.answers, heard.headers = [302], {"Location": f"http://127.0.0.1:{heard.port}/elsewhere"}
    receiver = sending.receiver(**hook(heard))
    sending.proven.report(sending.proven.hypothesis, receivers=[receiver["id"]])
    sending.send()
    assert sending.delivery(receiver)["error"] == "The receiver answered 302."
    assert heard.paths == ["/in?a=1"]
    sending.client.put(
        f"/v1/receivers/{receiver['id']}",
        json={"name": "Hook", **hook(heard), "active": False},
        headers={"If-Match": '"1"'},
    )


def test_by_itself_a_host_of_our_own_is_not_reached(sending, heard) -> None:
    settings = sending.settings.model_copy(update={"webhook_hosts": ()})
    for url in (f"http://127.0.0.1:{heard.port}/", f"https://127.0.0.1:{heard.port}/", "https://localhost/"):
        address = Address(kind=ReceiverKind.WEBHOOK, address=url, secret=new_secret())
        with pytest.raises(Unsent, match="LEVERBOARD_WEBHOOK_HOSTS"):
            send_webhook(settings, address, MESSAGE)
    assert heard.messages == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "::7f00:1",
        "ff02::1",
    ],
)
def test_no_address_of_ours_is_public_whatever_its_form(address) -> None:
    assert not guard.public(ipaddress.ip_address(address))


def test_public_addresses_are() -> None:
    assert all(
        guard.public(ipaddress.ip_address(one)) for one in ("1.1.1.1", "93.184.216.34", "2606:4700::1111")
    )


def test_a_name_is_resolved_once_and_the_checked_address_is_reached(monkeypatch) -> None:
    """A name that first leads to the public and then to a neighbour (rebinding) gains nothing."""
    asked, reached = [], []

    def resolve(host, port, **_):
        asked.append(host)
        public = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (public, port))]

    def connect(address, timeout):
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(guard.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(guard.socket, "create_connection", connect)
    address = Address(kind=ReceiverKind.WEBHOOK, address="https://hooks.example/in", secret=new_secret())
    with pytest.raises(Unsent, match="did not answer"):
        send_webhook(Settings(), address, MESSAGE)
    assert (asked, reached) == (["hooks.example"], [("93.184.216.34", 443)])


def test_one_address_of_ours_among_several_is_enough_to_refuse(monkeypatch) -> None:
    def resolve(host, port, **_):
        return [(2, 1, 6, "", (one, port)) for one in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(guard.socket, "getaddrinfo", resolve)
    with pytest.raises(Unsent, match=r"10\.0\.0\.1"):
        guard.checked("https://hooks.example/", ())


def test_a_receiver_that_hangs_is_hung_up_on(sending, monkeypatch) -> None:
    monkeypatch.setattr(webhook, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = sending.settings.model_copy(update={"webhook_hosts": (f"127.0.0.1:{port}",)})
        url = f"http://127.0.0.1:{port}/"
        address = Address(kind=ReceiverKind.WEBHOOK, address=url, secret=new_secret())
        with pytest.raises(Unsent, match="did not answer"):
            send_webhook(settings, address, MESSAGE)


@pytest.mark.parametrize("url", ["https://[x", "https://[1.2.3.4]/", "https://a:99999/", "https://:80/"])
def test_an_address_that_nobody_can_take_apart_is_refused_at_the_door(sending, url) -> None:
    draft = {"kind": "webhook", "name": "Hook", "url": url}
    assert sending.client.post("/v1/receivers", json=draft).status_code == 422
