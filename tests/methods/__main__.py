"""Write the pages of docs/methods anew: `make docs`."""

from tests.methods.catalogue import PAGES, catalogue
from tests.methods.page import index, page


def written() -> dict[str, str]:
    """Every file of the folder that is generated."""
    return {"index.md": index()} | {f"{method.page}.md": page(method) for method in catalogue()}


if __name__ == "__main__":
    pages = written()
    for old in PAGES.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (PAGES / name).write_text(text)
    print(f"{len(pages)} pages in docs/methods")
