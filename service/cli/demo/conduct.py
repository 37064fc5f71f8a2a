"""How is one story driven through the API, from registration to verdict?"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from analyses import Json
from service.cli.demo import answers
from service.cli.demo.client import Client, Told, Unexpected
from service.cli.demo.drafts import SHORT_WINDOW
from service.cli.demo.narration import Voice
from service.cli.demo.story import ARRIVAL, WINDOW, Draft, Mechanism, Story, Trial

RUN_PATIENCE = 90.0  # seconds for one analysis; it takes two or three
_LOOK = 0.1  # seconds between two looks at a run
_MARGIN = 0.05  # seconds after the moment that is waited for


@dataclass(frozen=True, slots=True, kw_only=True)
class Conductor:
    """Drives and tells one story."""

    client: Client
    voice: Voice
    story: Story

    def tell(self) -> str:
        """The id of the hypothesis that the story was about."""
        self.voice.chapter(self.story.title, simulated=self.story.simulated)
        self.voice.say(self.story.intro)
        cpi = self._cpi()
        for rival in self.story.rivals:
            self._metric(rival)
        kpi = self._metric(self.story.kpi)
        mechanisms = {one: self._mechanism(cpi.id, one) for one in self.story.mechanisms}
        hypothesis = self._hypothesis(cpi.id, kpi.id)
        for place, trial in enumerate(self.story.trials):
            self._experiment(place, trial, hypothesis, mechanisms)
            if place + 1 < len(self.story.trials):
                self._so_far(hypothesis)
        self._verdict(hypothesis)
        return hypothesis

    def _cpi(self) -> answers.Metric:
        metric = self._metric(self.story.cpi)
        if self.story.inquiry is None:
            return metric
        path = f"/v1/metrics/{metric.id}/evidence"
        seen = self.client.get(f"/v1/metrics/{metric.id}", answers.Metric)
        told = self.client.change("POST", path, seen.etag, self.story.inquiry, answers.Metric)
        self._called("POST", told, f"{told.body.state}: customers were watched where they try to reach it")
        return told.body

    def _metric(self, draft: Draft) -> answers.Metric:
        told = self.client.post("/v1/metrics", draft, answers.Metric)
        kind = str(draft["kind"]).upper()
        state = f", {told.body.state}" if told.body.state else ""
        self._called("POST", told, f"{kind} “{told.body.name}”{state}")
        return told.body

    def _mechanism(self, cpi: str, mechanism: Mechanism) -> str:
        draft: Draft = {"cpi": cpi, "name": mechanism.name, "description": mechanism.description}
        told = self.client.post("/v1/mechanisms", draft, answers.Made)
        self._called("POST", told, f"mechanism “{mechanism.name}”")
        return told.body.id

    def _hypothesis(self, cpi: str, kpi: str) -> str:
        """Drafted, its smallest slope adopted from the break-even where there is one, then frozen."""
        ends: Draft = {
            "cpi": cpi,
            "kpi": kpi,
            "unit_type": self.story.cpi["unit_type"],
            "window": SHORT_WINDOW,
        }
        told = self.client.post("/v1/hypotheses", {**ends, **self.story.hypothesis}, answers.Hypothesis)
        path, proposed = f"/v1/hypotheses/{told.body.id}", told.body.proposed_smallest_slope
        if "smallest_slope" not in self.story.hypothesis:
            self.voice.note(proposed.reason)
            change: Draft = {"smallest_slope": proposed.value}
            told = self.client.change("PATCH", path, told.etag, change, answers.Hypothesis)
        told = self.client.step(f"{path}:register", told.etag, answers.Hypothesis)
        self._called("POST", told, told.body.statement)
        self.voice.note(
            f"frozen: SHA-256 {(told.body.sha256 or '')[:16]}…; what comes later cannot change it"
        )
        return told.body.id

    def _experiment(
        self, place: int, trial: Trial, hypothesis: str, mechanisms: Mapping[Mechanism, str]
    ) -> None:
        draft = _plan(str(self.story.cpi["unit_type"]), trial, hypothesis, mechanisms)
        told = self.client.post("/v1/experiments", draft, answers.Experiment)
        path = f"/v1/experiments/{told.body.id}"
        told = self.client.step(f"{path}:approve", told.etag, answers.Experiment)
        told = self.client.step(f"{path}:start", told.etag, answers.Experiment)
        self._called("POST", told, f"“{trial.name}”: {', '.join(trial.arm_names)}")
        if told.body.started_at is None:
            raise Unexpected(f"{path} runs without a start.")
        facts = self.story.facts(place, told.body.id, told.body.started_at)
        _until(told.body.started_at + ARRIVAL + WINDOW)  # facts lie in the past when they are sent
        self._sent("/v1/assignments", facts.assignments, f"{told.body.id}:assignments")
        self._sent("/v1/outcomes", facts.outcomes, f"{told.body.id}:outcomes")
        told = self.client.step(f"{path}:stop", told.etag, answers.Experiment)
        if told.body.stopped_at is None:
            raise Unexpected(f"{path} has stopped without a time.")
        _until(told.body.stopped_at + WINDOW)  # an analysis is final once nobody's window can be open
        self._analysed(path)

    def _sent(self, path: str, rows: pa.Table, name: str) -> None:
        told = self.client.send(path, rows, name, answers.Receipt)
        if told.body.rejected or told.body.accepted != rows.num_rows:
            raise Unexpected(f"{path} kept {told.body.accepted} of {rows.num_rows} rows.")
        self._called("POST", told, f"{told.body.accepted:,} rows kept")

    def _analysed(self, experiment: str) -> None:
        began = time.monotonic()
        run = self.client.post(f"{experiment}/runs", {}, answers.Run, expect=202)
        with self.voice.waiting("the worker computes"):
            run = self._finished(run)
        found = run.body
        if found.state != "succeeded" or found.result is None:
            why = f"{found.error.type}: {found.error.message}" if found.error else "no reason given"
            raise Unexpected(f"Run {found.id} {found.state}: {why}.")
        if found.type != "final":
            raise Unexpected(f"Run {found.id} is {found.type}: {found.result.why_not_final}")
        self._called("GET", run, f"final analysis after {time.monotonic() - began:.1f} s")
        self.voice.checks(found.result.checks)

    def _finished(self, run: Told[answers.Run]) -> Told[answers.Run]:
        deadline = time.monotonic() + RUN_PATIENCE
        while run.body.state in ("queued", "running"):
            if time.monotonic() > deadline:
                raise Unexpected(f"Run {run.body.id} is still {run.body.state} after {RUN_PATIENCE:.0f} s.")
            time.sleep(_LOOK)
            run = self.client.get(f"/v1/runs/{run.body.id}", answers.Run)
        return run

    def _so_far(self, hypothesis: str) -> None:
        found = self._latest(hypothesis).body
        label = f", {found.label.replace('_', ' ')}" if found.label else ""
        codes = ", ".join(reason.code for reason in found.reasons)
        self.voice.note(f"so far: {found.state}{label}" + (f" ({codes})" if codes else ""))

    def _verdict(self, hypothesis: str) -> None:
        told = self._latest(hypothesis)
        self._called(
            "GET", told, f"from {len(told.body.experiments)} of {len(self.story.trials)} experiments"
        )
        if self.story.before_verdict is not None:
            self.voice.note(self.story.before_verdict())
        self.voice.verdict(told.body, self.story.moral)

    def _latest(self, hypothesis: str) -> Told[answers.Verdict]:
        told = self.client.get(f"/v1/hypotheses/{hypothesis}/verdict", answers.VerdictHistory)
        if told.body.latest is None:
            raise Unexpected(f"Hypothesis {hypothesis} has no verdict after its analysis.")
        return Told(body=told.body.latest, status=told.status, etag=told.etag, path=told.path)

    def _called[T](self, method: str, told: Told[T], answer: str) -> None:
        self.voice.call(method, told.path, told.status, answer)


def _plan(unit_type: str, trial: Trial, hypothesis: str, mechanisms: Mapping[Mechanism, str]) -> Draft:
    roles: list[Json] = []
    for arm in trial.arms:
        mechanism = None if arm.mechanism is None else mechanisms[arm.mechanism]
        role: Draft = {"arm": arm.name, "mechanism": mechanism}
        if arm.placebo is not None:
            roles.append({**role, "role": "placebo", "shares": arm.placebo})
            continue
        dose: Draft = {"amount": arm.dose, "unit": trial.dose_unit, "kind": trial.dose_kind}
        roles.append({**role, "role": "treatment", "dose": dose})
    arms: list[Json] = [
        {"name": name, "weight": 1, "control": name == trial.control} for name in trial.arm_names
    ]
    return {
        "name": trial.name,
        "unit_type": unit_type,
        "arms": arms,
        "hypotheses": [{"hypothesis": hypothesis, "arms": roles}],
        "records_differently": [],
        "shared_capacity": [],
        "planned_size": {"units": trial.planned_units, "per": "total"},
    }


def _until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds() + _MARGIN))
