"""Are the examples in the API document true?"""

import pytest

from service.experiments.schemas import Experiment, ExperimentDraft, PhaseDraft
from service.hypotheses.schemas import (
    AmendmentDraft,
    Hypothesis,
    HypothesisChange,
    HypothesisDraft,
    Mechanism,
    MechanismChange,
    MechanismDraft,
)
from service.metrics.customer import CustomerEvidence
from service.metrics.schemas import Metric, MetricChange, MetricDraft

MODELS = (
    CustomerEvidence,
    MetricDraft,
    MetricChange,
    Metric,
    MechanismDraft,
    MechanismChange,
    Mechanism,
    HypothesisDraft,
    HypothesisChange,
    AmendmentDraft,
    Hypothesis,
    ExperimentDraft,
    PhaseDraft,
    Experiment,
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_an_example_is_a_document_of_its_model(model):
    examples = model.model_json_schema()["examples"]
    assert examples
    for example in examples:
        model.model_validate(example)
