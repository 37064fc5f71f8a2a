"""How is told what happened? Structured lines, each with the id of the request that it belongs to."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor


def _without_colours(_: object, __: str, event: EventDict) -> EventDict:
    """Uvicorn sends its messages a second time, for terminals."""
    event.pop("color_message", None)
    return event


_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    _without_colours,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(form: Literal["console", "json"], level: str) -> None:
    """Our own lines and those of the standard library (uvicorn, alembic) leave through one handler."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(form)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    if level != "debug":
        logging.getLogger("alembic.runtime.plugins").setLevel("WARNING")  # each part that it is made of
    logging.getLogger("uvicorn.access").disabled = True  # kit/requests.py tells of each request, with its id


def _rendering(form: Literal["console", "json"]) -> tuple[Processor, ...]:
    if form == "json":
        # Without the values of local variables: they may be somebody's data, or a key.
        told = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return structlog.processors.ExceptionRenderer(told), structlog.processors.JSONRenderer()
    colours = sys.stderr.isatty()  # a file or a pipe would keep the codes
    return (structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback),)
