"""What can be wrong with a file so that no analysis of it exists?"""


class FileProblem(Exception):
    """The data cannot be analysed; the text says what was expected and what was found."""
