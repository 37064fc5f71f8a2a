"""Where is a receiver's secret? In the worker's environment or a mounted file, or made here and kept."""

from base64 import b64encode
from collections.abc import Mapping
from secrets import token_bytes

from service.kit.secrets import NoSecret, from_environment, from_file
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
    try:
        if variable is not None:
            return from_environment(variable)
        return from_file(settings.receiver_secrets, named["file"], "LEVERBOARD_RECEIVER_SECRETS")
    except NoSecret as why:
        raise Unsent(str(why)) from why
