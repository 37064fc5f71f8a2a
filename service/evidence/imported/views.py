"""What do imports and grades look like on the wire?"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from service.evidence.documents import ContrastsDocument
from service.evidence.imported.documents import GradeView
from service.evidence.imported.schemas import PAST, PastExperiment

_IMPORT = "imp_01kq3v5w8x9y2z4a6b8c0d1e2f"
_HYPOTHESIS = "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f"
_RUN = "run_01kq3v5w8x9y2z4a6b8c0d1e2f"


class View(BaseModel):
    """Frozen; every field is always there."""

    model_config = ConfigDict(frozen=True)


class Grading(View):
    """A run that grades one hypothesis anew."""

    hypothesis_id: str
    run_id: str


class ImportView(View):
    """One import: who brought what, when."""

    id: str
    sha256: str = Field(description="Of the canonical JSON of what was imported.")
    experiments: int
    units_per_day: float | None
    imported_by: str
    team: str
    created_at: datetime


class ImportReceipt(ImportView):
    """What was imported, and the runs that grade it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _IMPORT,
                    "sha256": "0" * 64,
                    "experiments": 1,
                    "units_per_day": 1500.0,
                    "imported_by": "ada@example.com",
                    "team": "growth",
                    "created_at": "2026-11-20T09:00:00Z",
                    "contrasts": 1,
                    "gradings": [{"hypothesis_id": _HYPOTHESIS, "run_id": _RUN}],
                }
            ]
        }
    )

    contrasts: int
    gradings: tuple[Grading, ...]


class ImportedView(View):
    """An experiment that was run elsewhere, as it came in, and the contrasts that were read from it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "imx_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "import_id": _IMPORT,
                    "hypothesis_id": _HYPOTHESIS,
                    "retrospective": True,
                    "counts": True,
                    "corrects": "imx_01kq2r5w8x9y2z4a6b8c0d1e2f",
                    "cpi": "met_01kq3v5w8x9y2z4a6b8c0d1e2f@1",
                    "kpi": "met_01kq3v5w8x9y2z4a6b8c0d1e2g@1",
                    "report": PAST,
                    "contrasts": {
                        "experiment": "imx_01kq3v5w8x9y2z4a6b8c0d1e2f",
                        "metrics": ["met_01kq3v5w8x9y2z4a6b8c0d1e2f@1", "met_01kq3v5w8x9y2z4a6b8c0d1e2g@1"],
                        "arms": [
                            {
                                "name": "prefilled",
                                "mechanism": "Prefilled vehicle data",
                                "placebo": False,
                                "units": 20054,
                            }
                        ],
                        "control_units": 20110,
                        "effects": [[-1.92, 0.031]],
                        "covariance": [[[[0.0004, -0.000003]], [[-0.000003, 0.000019]]]],
                        "unmeasured": [],
                        "checks": [],
                    },
                    "sha256": "0" * 64,
                    "created_at": "2026-11-20T09:00:00Z",
                }
            ]
        }
    )

    id: str
    import_id: str
    hypothesis_id: str
    retrospective: bool = Field(description="Always: it enters no verdict.")
    counts: bool = Field(description="False where a later import corrects it.")
    corrects: str | None = Field(description="The imported experiment that this one corrects.")
    cpi: str = Field(description="The pinned version that it is said to have measured.")
    kpi: str
    report: PastExperiment
    contrasts: ContrastsDocument
    sha256: str
    created_at: datetime


class RetrospectiveView(View):
    """What past experiments say of a hypothesis, apart from any verdict."""

    hypothesis_id: str
    statement: str
    latest: GradeView | None = Field(description="Null until the first grading run has ended.")
    outdated: bool = Field(
        description="More was imported, or the hypothesis was amended, since the latest grade."
    )
    imported: int = Field(description="Imported experiments that count.")
    history: tuple[GradeView, ...] = Field(description="One page of all grades, the newest first.")
    next: str | None = Field(description="The cursor of the page after it.")
