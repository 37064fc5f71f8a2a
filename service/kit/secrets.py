"""Where is a secret that was named? In this process's environment or a mounted file, and nowhere else."""

import os
from pathlib import Path


class NoSecret(Exception):
    """There is none of that name; the message says where it was looked for, and nothing of any secret."""


def from_environment(name: str) -> str:
    """The text of a variable; NoSecret where there is none, or an empty one."""
    found = os.environ.get(name)
    if not found:
        raise NoSecret(f"The worker has no environment variable {name}.")
    return found


def from_file(folder: Path | None, name: str, setting: str) -> str:
    """The text of a file below the folder, which `setting` names, without its last line's end."""
    if folder is None:
        raise NoSecret(f"The secret file {name} is named, and {setting} names no folder.")
    whole = folder.resolve()
    path = (whole / name).resolve()
    # Kubernetes mounts each secret as a link inside the folder; what leads out of it is refused.
    try:
        if not path.is_relative_to(whole) or not path.is_file():
            raise NoSecret(f"There is no secret file {name} in {setting}.")
        return path.read_text().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise NoSecret(f"The secret file {name} cannot be read: {type(error).__name__}.") from error
