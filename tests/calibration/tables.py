"""Every row of the long lane, in the order of the page."""

from tests.calibration.rows import TABLES as FROM_ARM_MEANS
from tests.calibration.stopping import STOPPING_TABLES
from tests.calibration.table_3 import MORE, USEFUL
from tests.calibration.unit_rows import UNIT_TABLES

TABLES = (
    FROM_ARM_MEANS
    | {
        "The rest of Table 3": MORE,
        "A true lever of 2d at so many times the units of the KPI's own test": USEFUL,
    }
    | UNIT_TABLES
    | STOPPING_TABLES
)
