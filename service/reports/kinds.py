"""Which reports are there, in which forms, for which causes, and how do they reach whom?"""

from enum import StrEnum


class ReportKind(StrEnum):
    """What a report is about."""

    EXPERIMENT = "experiment"  # one run of one experiment
    LEVER = "lever"  # all that is known of one hypothesis
    BOARD = "board"  # all levers, for leaders


class Form(StrEnum):
    """One content, five forms; the JSON bundle is what the others are made of."""

    JSON = "json"
    HTML = "html"
    PDF = "pdf"
    MARKDOWN = "md"
    NOTEBOOK = "ipynb"

    @property
    def media_type(self) -> str:
        return _MEDIA[self]


_MEDIA = {
    Form.JSON: "application/json",
    Form.HTML: "text/html; charset=utf-8",
    Form.PDF: "application/pdf",
    Form.MARKDOWN: "text/markdown; charset=utf-8",
    Form.NOTEBOOK: "application/x-ipynb+json",
}


class Cause(StrEnum):
    """Why a report was made."""

    ASKED = "asked"
    SCHEDULED = "scheduled"
    PLANNED_END = "planned_end"
    VERDICT = "verdict"  # a verdict was issued that says something else than the one before


class ReceiverKind(StrEnum):
    """How a report reaches somebody."""

    WEBHOOK = "webhook"
    MAIL = "mail"
    CHAT = "chat"


class DeliveryState(StrEnum):
    """What became of one report's way to one receiver."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"  # given up for now; nothing is lost, and it can be sent again
