"""Who gets in, who is kept out, and where does the door lead?"""

import re

import pytest
from sqlalchemy import update

from service.access.tables import ApiKey, BrowserSession
from service.kit.clock import now


def form_token(page: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def test_a_stranger_is_sent_to_the_sign_in_and_back_to_where_they_meant_to_go(stranger, key) -> None:
    answer = stranger.get("/board?state=rejected")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/board%3Fstate%3Drejected"
    page = stranger.get(answer.headers["location"])
    assert page.status_code == 200
    assert 'value="/board?state=rejected"' in page.text
    came_in = stranger.post("/sign-in", data={"key": key, "next": "/board?state=rejected"})
    assert (came_in.status_code, came_in.headers["location"]) == (303, "/board?state=rejected")
    assert stranger.get("/board").status_code == 200


def test_the_front_door_is_the_board_of_this_site_whatever_the_host_claims(stranger) -> None:
    answer = stranger.get("/", headers={"host": "elsewhere.example"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/")


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(stranger, key) -> None:
    cookie = stranger.post("/sign-in", data={"key": key}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert key not in cookie


def test_a_wrong_key_is_told_on_the_page_which_does_not_repeat_it(stranger) -> None:
    answer = stranger.post("/sign-in", data={"key": "lvb_live_wrong"})
    assert answer.status_code == 401
    assert "not known here" in answer.text
    assert "lvb_live_wrong" not in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_the_door_leads_to_no_other_site(stranger, key, elsewhere) -> None:
    answer = stranger.post("/sign-in", data={"key": key, "next": elsewhere})
    assert answer.headers["location"] == "/board"


def test_a_revoked_key_signs_out_every_browser(browser, database) -> None:
    assert browser.get("/board").status_code == 200
    with database.write() as session:
        session.execute(update(ApiKey).values(revoked_at=now()))
    assert browser.get("/board").status_code == 303


def test_a_session_ends(browser, database) -> None:
    with database.write() as session:
        session.execute(update(BrowserSession).values(expires_at=now()))
    assert browser.get("/board").status_code == 303


def test_signing_out_needs_the_form_that_was_made_for_this_browser(browser) -> None:
    token = form_token(browser.get("/board").text)
    assert browser.post("/sign-out", data={"form_token": "0" * 64}).status_code == 403
    assert browser.get("/board").status_code == 200
    assert browser.post("/sign-out", data={"form_token": token}).status_code == 303
    assert browser.get("/board").status_code == 303


def test_the_cookie_opens_pages_and_not_the_api(browser) -> None:
    assert browser.get("/v1/levers").status_code == 401
