"""Every row of the long lane, in the order of the page."""

from tests.calibration.many_rows import SEVERAL_ARMS, TABLE_2, TABLE_3_MANY
from tests.calibration.rows import TABLE_1, TABLE_3
from tests.calibration.stopping import STOPPING_TABLES
from tests.calibration.table_3 import MORE, USEFUL
from tests.calibration.unit_rows import UNIT_TABLES

TABLES = (
    {
        "One experiment (Table 1)": TABLE_1,
        "Fewer than eight experiments (Table 3)": TABLE_3,
        "Thirty experiments of one contrast (Table 2)": TABLE_2,
        "Eight experiments or more: rivals and mechanisms (Table 3)": TABLE_3_MANY,
        "Many experiments of three arms that share a control": SEVERAL_ARMS,
        "The rest of Table 3": MORE,
        "A true lever of 2d at so many times the units of the KPI's own test": USEFUL,
    }
    | UNIT_TABLES
    | STOPPING_TABLES
)
