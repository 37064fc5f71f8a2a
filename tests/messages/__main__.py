"""Bring every catalogue up to the words that pages and reports say, and tell what is left to translate."""

from tests.messages.catalogues import CATALOGUES, LANGUAGES, missing, template, updated


def main() -> None:
    words = template()
    CATALOGUES.mkdir(exist_ok=True)
    for language in LANGUAGES:
        updated(language, words)
        left = list(missing(language, words))
        print(f"{language}: {len(left)} of the board and the reports to translate")


if __name__ == "__main__":
    main()
