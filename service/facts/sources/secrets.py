"""Where is a source's secret? In the worker's environment or a mounted file, and nowhere else."""

import os
from collections.abc import Iterator

from service.settings import Settings
from service.sources.schemas import FromEnvironment, FromFile, Secret, SourceDraft


class SourceUnusable(Exception):
    """This deployment cannot read the source as it is described; the message says what is to be changed."""


def secret_of(settings: Settings, named: Secret | None) -> str | None:
    """The secret's text; SourceUnusable where there is none of that name."""
    if named is None:
        return None
    if isinstance(named, FromEnvironment):
        found = os.environ.get(named.environment)
        if not found:
            raise SourceUnusable(f"The worker has no environment variable {named.environment}.")
        return found
    return _read(settings, named)


def _read(settings: Settings, named: FromFile) -> str:
    if settings.source_secrets is None:
        raise SourceUnusable(
            f"The secret file {named.file} is named, and LEVERBOARD_SOURCE_SECRETS names no folder."
        )
    folder = settings.source_secrets.resolve()
    path = (folder / named.file).resolve()
    # Kubernetes mounts each secret as a link inside the folder; what leads out of it is refused.
    if not path.is_relative_to(folder) or not path.is_file():
        raise SourceUnusable(f"There is no secret file {named.file} in LEVERBOARD_SOURCE_SECRETS.")
    return path.read_text().removesuffix("\n").removesuffix("\r")


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
