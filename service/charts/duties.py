"""When is something drawn? As soon as a page has wanted it."""

from datetime import datetime

from service.charts.drawing import any_wanted, draw_wanted
from service.kit.database import Database
from service.runs.duties import Duty
from service.runs.task import Performed, ReportStage
from service.settings import Settings


def draw_due(_settings: Settings, database: Database, _last: datetime | None) -> bool:
    return any_wanted(database)


def draw(_settings: Settings, database: Database, _given: None, _report: ReportStage) -> Performed:
    return Performed(told={"drawn": draw_wanted(database)})


DUTIES = (Duty(name="draw", due=draw_due, perform=draw),)
