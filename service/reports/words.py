"""What must no name do to the text around it, whatever form a report has?"""

# A name may hold marks that turn the text around it about: in no form of a report does one get that far.
_TURNING = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def inert(text: str) -> str:
    """The text without marks that change the direction of what stands around it."""
    return text.translate(_TURNING)
