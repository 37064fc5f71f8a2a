"""Where do the chart scripts come from? From the library that draws, written beside our own at set-up.

    python -m service.web.vendor

They are not committed: Vega, Vega-Lite and Vega-Embed in one file, as the installed package carries them.
"""

from pathlib import Path

SCRIPT = Path(__file__).parent / "static" / "vega.js"


def write() -> Path:
    import vl_convert  # noqa: PLC0415 - only at set-up

    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # it may be left out
    SCRIPT.write_text(bundle, encoding="utf-8")
    return SCRIPT


if __name__ == "__main__":
    write()
