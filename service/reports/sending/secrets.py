"""Where is a receiver's secret? In the worker's environment or a mounted file, or made here and kept."""

import os
from base64 import b64encode
from collections.abc import Mapping
from secrets import token_bytes

from service.reports.sending.message import Unsent
from service.settings import Settings


def new_secret() -> str:
    """For one webhook: 32 random bytes, in the form that Standard Webhooks names."""
    return f"whsec_{b64encode(token_bytes(32)).decode()}"


def secret_of(settings: Settings, named: Mapping[str, str], team: str) -> str:
    """The secret that is named; Unsent where the worker has none of that name, or not for this team.

    Who names a secret in a receiver of their own need not be who was meant to use it.
    """
    variable = named.get("environment")
    name = variable or named["file"]
    if not {name, f"{team}:{name}"} & set(settings.receiver_grants):
        raise Unsent(
            f"The secret {name} is not for team {team}. Whoever runs the worker can allow it: "
            f"LEVERBOARD_RECEIVER_GRANTS={team}:{name}"
        )
    if variable is not None:
        found = os.environ.get(variable)
        if not found:
            raise Unsent(f"The worker has no environment variable {variable}.")
        return found
    if settings.receiver_secrets is None:
        raise Unsent("A secret file is named, and LEVERBOARD_RECEIVER_SECRETS names no folder.")
    folder = settings.receiver_secrets.resolve()
    path = (folder / named["file"]).resolve()
    try:
        if not path.is_relative_to(folder) or not path.is_file():
            raise Unsent(f"There is no secret file {named['file']} in LEVERBOARD_RECEIVER_SECRETS.")
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Unsent(f"The secret file {named['file']} cannot be read: {type(error).__name__}.") from error
