"""Where does somebody stand in a form of several steps, and what was wrong beside which field?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from service.access.browsers import require_form_token
from service.kit.errors import Invalid, ServiceError, Violation
from service.web.registry.typed import Document, Shape
from service.web.rendering import COOKIE

SAVE, NEXT, BACK, MORE, TO = "save", "next", "back", "more", "to"
_OURS = frozenset({"form_token", "go", "step"})
MOST_ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One screen of a form: its name and the fields on it, by how their names begin."""

    name: str
    fields: tuple[str, ...]

    def has(self, name: str) -> bool:
        return any(
            name == one or name.startswith(f"{one}.") or one.startswith(f"{name}.") for one in self.fields
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The field that a fault stands at: its name, and what people read there."""

    name: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One fault in the summary above a form: at a field that is shown, on another step, or at neither."""

    fault: Violation
    beside: Beside | None
    step: int | None


@dataclass(slots=True, kw_only=True)
class Form:
    """What was typed, the step it is at, and what is wrong; the template says which fields it has shown."""

    steps: tuple[Step, ...]
    shape: Shape
    typed: dict[str, str]
    fits: Callable[[dict[str, str]], dict[str, str]] = dict  # what of it makes up the document
    at: int = 1
    go: str = ""
    token: str = ""
    faults: list[Violation] = field(default_factory=list)
    problem: ServiceError | None = None
    shown: set[str] = field(default_factory=set)
    beside: dict[int, Beside] = field(default_factory=dict)  # by the place of a fault: the field it stands at

    @classmethod
    def sent(
        cls,
        steps: tuple[Step, ...],
        shape: Shape,
        sent: Mapping[str, str],
        fits: Callable[[dict[str, str]], dict[str, str]] = dict,
    ) -> "Form":
        step = sent.get("step", "")
        at = int(step) if step.isascii() and step.isdigit() and len(step) < 3 else 1
        return cls(
            steps=steps,
            shape=shape,
            typed={name: text for name, text in sent.items() if name not in _OURS},
            fits=fits,
            at=min(max(at, 1), len(steps)),
            go=sent.get("go", ""),
            token=sent.get("form_token", ""),
        )

    @property
    def document(self) -> Document:
        fields = self.fits({name: text for name, text in self.typed.items() if not name.startswith("rows.")})
        return Document.of(fields, self.shape)

    @property
    def step(self) -> Step:
        return self.steps[self.at - 1]

    @property
    def last(self) -> bool:
        return self.at == len(self.steps)

    @property
    def status(self) -> int:
        return 200 if self.problem is None else self.problem.status

    @property
    def revision(self) -> int:
        """Which version a change is based on, as the form was drawn; 0 where it says none."""
        text = self.typed.get("revision", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

    def value(self, name: str) -> str:
        """What stands in a field that the template shows now."""
        self.shown.add(name)
        return self.typed.get(name, "")

    def faults_of(self, name: str, label: str) -> list[Violation]:
        """What is wrong with a field; what is wrong with a group stands beside the first of its fields."""
        found = []
        for place, fault in enumerate(self.faults):
            its = fault["field"]
            group = name.startswith(f"{its}.") and place not in self.beside
            if its == name or group:
                self.beside.setdefault(place, Beside(name=name, label=self._label(name, label)))
                found.append(fault)
        return found

    def summary(self) -> list[Told]:
        """All that is wrong; asked after the fields were drawn, so that each fault is told by its field."""
        return [
            Told(fault=fault, beside=self.beside.get(place), step=self._elsewhere(fault["field"]))
            for place, fault in enumerate(self.faults)
        ]

    def _label(self, name: str, label: str) -> str:
        """With the number of its row, where the group has several."""
        group, _, rest = name.rpartition(".")
        while group and not rest.isdigit():
            group, _, rest = group.rpartition(".")
        several = group and len(self.rows(group, 0)) > 1
        return f"{label} ({int(rest) + 1})" if several else label

    def _elsewhere(self, name: str) -> int | None:
        """The step that has the field, if it is not this one."""
        found = next((n for n, step in enumerate(self.steps, 1) if step.has(name)), None)
        return None if found == self.at else found

    def rows(self, group: str, least: int = 1) -> range:
        """The rows of a repeated group: those typed so far, and those that were asked for."""
        typed = [
            name.removeprefix(f"{group}.").split(".")[0]
            for name in self.typed
            if name.startswith(f"{group}.")
        ]
        numbers = [int(one) + 1 for one in typed if one.isascii() and one.isdigit() and len(one) < 4]
        wanted = self.typed.get(f"rows.{group}", "")
        self.shown.add(f"rows.{group}")
        asked = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 4 else 0
        return range(min(max(least, asked, *numbers, 0), MOST_ROWS))

    def rest(self) -> list[tuple[str, str]]:
        """What was typed on other steps: it travels along unseen."""
        return [(name, text) for name, text in self.typed.items() if name not in self.shown and text]

    def refuse(self, refused: ServiceError, *, here_only: bool) -> bool:
        """Keep what is wrong, with this step alone or with the whole; whether anything was."""
        named = self._named(refused.extra.get("errors", ()))
        if here_only:
            named = [fault for fault in named if self.step.has(fault["field"])]
            if not named:
                return False
        self.faults, self.problem = named, refused
        broken = [n for n, step in enumerate(self.steps, 1) if any(step.has(one["field"]) for one in named)]
        if broken and self.at not in broken:
            self.at = broken[0]
        return True

    def move(self) -> None:
        """Where the pressed button leads."""
        verb, _, what = self.go.partition(":")
        if verb == MORE:
            self.typed[f"rows.{what}"] = str(len(self.rows(what)) + 1)
            self.shown.discard(f"rows.{what}")
        step = {NEXT: self.at + 1, BACK: self.at - 1}.get(verb, self.at)
        if verb == TO and what.isascii() and what.isdigit() and len(what) < 3:
            step = int(what)
        self.at = min(max(step, 1), len(self.steps))

    def _named(self, errors: Sequence[Violation]) -> list[Violation]:
        """Rules count the rows that were filled in; people see the rows that they typed.

        Each of a field's alternatives may have its complaint: the first says enough.
        """
        document = self.document
        found: list[Violation] = []
        for error in errors:
            fault = error.copy()
            fault["field"] = document.name(error["field"].split(".")) or error["field"]
            if "how" in fault or all(fault["field"] != one["field"] for one in found):
                found.append(fault)
        return found


async def _sent(request: Request) -> Mapping[str, str]:
    async with request.form() as form:
        return {name: value for name, value in form.multi_items() if isinstance(value, str)}


Sent = Annotated[Mapping[str, str], Depends(_sent)]


def pressed(
    request: Request,
    session: Session,
    form: Form,
    draw: Callable[[Form, Session], Response],
    keep: Callable[[], str],
) -> Response:
    """One press of a button: another row, another step, or the whole kept; nothing that was typed is lost.

    Going on tries the whole and takes it back, so that what is wrong with a step is told on it. What is drawn
    is read in a transaction that only reads: nobody else's writing waits for a page, nor the page for itself.
    """
    try:
        require_form_token(request.cookies.get(COOKIE, ""), form.token)
        address = keep() if form.go in (SAVE, NEXT) else ""
    except ServiceError as refused:
        session.rollback()
        going_on = form.go == NEXT and isinstance(refused, Invalid)
        if not form.refuse(refused, here_only=going_on):
            form.move()
    else:
        if form.go == SAVE:
            return RedirectResponse(address, status_code=303)
        session.rollback()
        form.move()
    with request.app.state.database.read() as reading:
        return draw(form, reading)
