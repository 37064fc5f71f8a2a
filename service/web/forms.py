"""How does a form become a document? Empty fields say nothing; the document's own rules judge the rest."""

from collections.abc import Collection, Mapping

from pydantic import BaseModel, ValidationError

from service.kit.errors import Invalid


def read_form[T: BaseModel](
    document: type[T], typed: Mapping[str, str], *, numbers: Collection[str] = ()
) -> T:
    """The document that was typed, or the same refusals as over the API; ``numbers`` are typed as text."""
    given = {name: text.strip() for name, text in typed.items() if text.strip()}
    fields = {name: _number(name, text) if name in numbers else text for name, text in given.items()}
    try:
        return document.model_validate(fields)
    except ValidationError as error:
        raise Invalid(
            errors=[
                {"field": ".".join(map(str, one["loc"])), "rule": one["type"], "message": one["msg"]}
                for one in error.errors()
            ]
        ) from error


def _number(name: str, text: str) -> float:
    """A comma is a decimal point: people type what their language writes."""
    try:
        return float(text.replace(",", "."))
    except ValueError as error:
        raise Invalid(
            errors=[{"field": name, "rule": "number", "message": "A number is expected, such as 0.5."}]
        ) from error
