"""Every row of the long lane, in the order of the page."""

from tests.calibration.rows import TABLES as FROM_ARM_MEANS
from tests.calibration.unit_rows import UNIT_TABLES

TABLES = FROM_ARM_MEANS | UNIT_TABLES
