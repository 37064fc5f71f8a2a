"""Where is a source's secret? In the worker's environment or a mounted file, and nowhere else."""

from collections.abc import Iterator

from service.kit.secrets import NoSecret, from_environment, from_file
from service.settings import Settings
from service.sources.schemas import FromEnvironment, FromFile, Secret, SourceDraft


class SourceUnusable(Exception):
    """This deployment cannot read the source as it is described; the message says what is to be changed."""


def secret_of(settings: Settings, named: Secret | None) -> str | None:
    """The secret's text; SourceUnusable where there is none of that name."""
    if named is None:
        return None
    try:
        if isinstance(named, FromEnvironment):
            return from_environment(named.environment)
        return from_file(settings.source_secrets, named.file, "LEVERBOARD_SOURCE_SECRETS")
    except NoSecret as why:
        raise SourceUnusable(str(why)) from why


def secrets_of(settings: Settings, source: SourceDraft) -> tuple[str, ...]:
    """Every secret that the source names, as far as it is there: what no message may repeat."""
    found = []
    for named in _names(source):
        try:
            found.append(secret_of(settings, named) or "")
        except SourceUnusable:
            continue
    return tuple(secret for secret in found if secret)


def names_of(source: SourceDraft) -> list[str]:
    """What its secrets are called."""
    return [
        named.environment if isinstance(named, FromEnvironment) else named.file for named in _names(source)
    ]


def _names(source: SourceDraft) -> Iterator[Secret]:
    fields = (getattr(source.connection, name) for name in type(source.connection).model_fields)
    return (value for value in fields if isinstance(value, FromEnvironment | FromFile))


def without_secrets(text: str, secrets: tuple[str, ...]) -> str:
    """Drivers repeat what they were given; no secret leaves in a message."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "•••")
    return text
