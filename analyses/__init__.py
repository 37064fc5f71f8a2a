"""Estimators: numbers in, frozen results out. No I/O, no clock, no settings.

This is the only door: names are loaded when first used, so that a process which only names a result does not
pay for scipy. ``EXPORTS`` is the whole public surface.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyses.again import EffectInputs as EffectInputs
    from analyses.again import contrasts_again as contrasts_again
    from analyses.again import effects_again as effects_again
    from analyses.again import effects_of as effects_of
    from analyses.again import kept_inputs as kept_inputs
    from analyses.again import rule_again as rule_again
    from analyses.decision.looks import Look as Look
    from analyses.decision.looks import at_look as at_look
    from analyses.decision.looks import look_alpha as look_alpha
    from analyses.decision.looks import next_look as next_look
    from analyses.decision.tolerated import Tolerated as Tolerated
    from analyses.decision.tolerated import tolerated as tolerated
    from analyses.documents import Json as Json
    from analyses.documents import as_json as as_json
    from analyses.documents import effect_document as effect_document
    from analyses.documents import refused as refused
    from analyses.effects.adjust import adjust as adjust
    from analyses.effects.anytime import Anytime as Anytime
    from analyses.effects.anytime import anytime as anytime
    from analyses.effects.anytime import anytime_quantile as anytime_quantile
    from analyses.effects.believing import Believed as Believed
    from analyses.effects.believing import Prior as Prior
    from analyses.effects.believing import PriorSource as PriorSource
    from analyses.effects.believing import standings as standings
    from analyses.effects.clusters import CLUSTER_SIZE as CLUSTER_SIZE
    from analyses.effects.clusters import of_clusters as of_clusters
    from analyses.effects.difference import Difference as Difference
    from analyses.effects.difference import difference as difference
    from analyses.effects.difference import normal as normal
    from analyses.effects.families import Signals as Signals
    from analyses.effects.families import signals as signals
    from analyses.effects.group_sequential import Boundary as Boundary
    from analyses.effects.group_sequential import PlannedLook as PlannedLook
    from analyses.effects.group_sequential import Spending as Spending
    from analyses.effects.group_sequential import boundaries as boundaries
    from analyses.effects.group_sequential import inflation as inflation
    from analyses.effects.group_sequential import planned_look as planned_look
    from analyses.effects.group_sequential import stopping_chances as stopping_chances
    from analyses.effects.non_inferiority import NonInferiority as NonInferiority
    from analyses.effects.non_inferiority import non_inferiority as non_inferiority
    from analyses.effects.phases import ArmEffect as ArmEffect
    from analyses.effects.phases import Arms as Arms
    from analyses.effects.phases import Pair as Pair
    from analyses.effects.phases import PairMeans as PairMeans
    from analyses.effects.phases import Phases as Phases
    from analyses.effects.phases import arm_effects as arm_effects
    from analyses.effects.phases import phase_means as phase_means
    from analyses.effects.phases import usable_phases as usable_phases
    from analyses.effects.posterior import Belief as Belief
    from analyses.effects.posterior import Beta as Beta
    from analyses.effects.posterior import Normal as Normal
    from analyses.effects.posterior import Standing as Standing
    from analyses.effects.posterior import belief as belief
    from analyses.effects.posterior import best_arm as best_arm
    from analyses.effects.posterior import normal_posterior as normal_posterior
    from analyses.effects.posterior import past_prior as past_prior
    from analyses.effects.posterior import rate_belief as rate_belief
    from analyses.effects.program import Measured as Measured
    from analyses.effects.program import ProgramGains as ProgramGains
    from analyses.effects.program import program_gains as program_gains
    from analyses.effects.program import won as won
    from analyses.effects.quantile import quantile_pair as quantile_pair
    from analyses.effects.quantile import ranked as ranked
    from analyses.effects.reading import Circumstances as Circumstances
    from analyses.effects.reading import Guarded as Guarded
    from analyses.effects.reading import Harm as Harm
    from analyses.effects.reading import Margin as Margin
    from analyses.effects.reading import Reading as Reading
    from analyses.effects.reading import View as View
    from analyses.effects.reading import Wanted as Wanted
    from analyses.effects.reading import read_effects as read_effects
    from analyses.effects.relative import fieller as fieller
    from analyses.false_discovery import Discovery as Discovery
    from analyses.false_discovery import FalseDiscovery as FalseDiscovery
    from analyses.false_discovery import discovery as discovery
    from analyses.false_discovery import false_discoveries as false_discoveries
    from analyses.heterogeneity.explore import Explored as Explored
    from analyses.heterogeneity.explore import explore as explore
    from analyses.heterogeneity.trial import Covariate as Covariate
    from analyses.heterogeneity.trial import Trial as Trial
    from analyses.ladder import LADDER as LADDER
    from analyses.ladder import EvidenceCount as EvidenceCount
    from analyses.ladder import LadderStep as LadderStep
    from analyses.ladder import Rung as Rung
    from analyses.ladder import counted_in as counted_in
    from analyses.ladder import rung_of as rung_of
    from analyses.moments import ArmMeans as ArmMeans
    from analyses.moments import Measure as Measure
    from analyses.moments import Moments as Moments
    from analyses.moments import arm_means as arm_means
    from analyses.moments import moments_of as moments_of
    from analyses.moments import refusal as refusal
    from analyses.moments import stratified as stratified
    from analyses.multiplicity import Correction as Correction
    from analyses.multiplicity import adjusted_p_values as adjusted_p_values
    from analyses.multiplicity import bayesian_fdr as bayesian_fdr
    from analyses.multiplicity import e_bh as e_bh
    from analyses.observational.compare import Comparison as Comparison
    from analyses.observational.compare import against_randomised as against_randomised
    from analyses.observational.estimate import AdjustedSlope as AdjustedSlope
    from analyses.observational.estimate import adjusted_slope as adjusted_slope
    from analyses.observational.estimate import front_door as front_door
    from analyses.observational.estimate import instrumented as instrumented
    from analyses.observational.estimate import mediated as mediated
    from analyses.observational.graph import CausalGraph as CausalGraph
    from analyses.observational.graph import causal_graph as causal_graph
    from analyses.observational.identify import Identification as Identification
    from analyses.observational.identify import Strategy as Strategy
    from analyses.observational.identify import StrategyKind as StrategyKind
    from analyses.observational.identify import identify as identify
    from analyses.observational.implied import ImpliedIndependences as ImpliedIndependences
    from analyses.observational.implied import Independence as Independence
    from analyses.observational.implied import implied_independences as implied_independences
    from analyses.observational.learned import NUISANCES as NUISANCES
    from analyses.observational.learned import doubly_learned as doubly_learned
    from analyses.observational.overlap import Overlap as Overlap
    from analyses.observational.overlap import overlap as overlap
    from analyses.observational.refute import Refutation as Refutation
    from analyses.observational.refute import RefuterKind as RefuterKind
    from analyses.observational.refute import refuted as refuted
    from analyses.observational.sample import Sample as Sample
    from analyses.observational.sensitivity import Benchmark as Benchmark
    from analyses.observational.sensitivity import Sensitivity as Sensitivity
    from analyses.observational.sensitivity import sensitivity as sensitivity
    from analyses.observational.study import CausalQuestion as CausalQuestion
    from analyses.observational.study import Doubts as Doubts
    from analyses.observational.study import ObservedEffect as ObservedEffect
    from analyses.observational.study import StudyAnswer as StudyAnswer
    from analyses.observational.study import observed_effect as observed_effect
    from analyses.order_statistics import QUANTILE_Z as QUANTILE_Z
    from analyses.order_statistics import Largest as Largest
    from analyses.order_statistics import OrderStatistics as OrderStatistics
    from analyses.order_statistics import ranks as ranks
    from analyses.planning.deciding import DecidingExperiment as DecidingExperiment
    from analyses.planning.deciding import PlannedArm as PlannedArm
    from analyses.planning.deciding import PlannedArmRole as PlannedArmRole
    from analyses.planning.deciding import deciding_experiment as deciding_experiment
    from analyses.planning.dose import DoseDesign as DoseDesign
    from analyses.planning.dose import UnitNoise as UnitNoise
    from analyses.planning.dose import planned_exclusion_power as planned_exclusion_power
    from analyses.planning.dose import slope_power as slope_power
    from analyses.planning.dose import slope_units as slope_units
    from analyses.planning.dose import smallest_slope as smallest_slope
    from analyses.planning.size import Noise as Noise
    from analyses.planning.size import PlannedTest as PlannedTest
    from analyses.planning.size import assurance as assurance
    from analyses.planning.size import days_needed as days_needed
    from analyses.planning.size import design_effect as design_effect
    from analyses.planning.size import mean_noise as mean_noise
    from analyses.planning.size import measured_noise as measured_noise
    from analyses.planning.size import power as power
    from analyses.planning.size import proportion_noise as proportion_noise
    from analyses.planning.size import smallest_effect as smallest_effect
    from analyses.planning.size import units_needed as units_needed
    from analyses.planning.worth import QUASI_CONFOUNDED as QUASI_CONFOUNDED
    from analyses.planning.worth import SlopeBelief as SlopeBelief
    from analyses.planning.worth import Stake as Stake
    from analyses.planning.worth import Worth as Worth
    from analyses.planning.worth import after_observation as after_observation
    from analyses.planning.worth import untested_slope as untested_slope
    from analyses.planning.worth import worth_of_testing as worth_of_testing
    from analyses.posterior.agreement import Agreement as Agreement
    from analyses.posterior.agreement import agreement as agreement
    from analyses.posterior.prior import SlopePrior as SlopePrior
    from analyses.posterior.slope import Marginal as Marginal
    from analyses.posterior.slope import Probability as Probability
    from analyses.posterior.slope import SlopePosterior as SlopePosterior
    from analyses.posterior.slope import audited_posterior as audited_posterior
    from analyses.posterior.slope import slope_posterior as slope_posterior
    from analyses.quasi.differences import AgedShift as AgedShift
    from analyses.quasi.differences import Differences as Differences
    from analyses.quasi.differences import difference_in_differences as difference_in_differences
    from analyses.quasi.discontinuity import Discontinuity as Discontinuity
    from analyses.quasi.discontinuity import Threshold as Threshold
    from analyses.quasi.discontinuity import regression_discontinuity as regression_discontinuity
    from analyses.quasi.interrupted import Interrupted as Interrupted
    from analyses.quasi.interrupted import Series as Series
    from analyses.quasi.interrupted import interrupted_series as interrupted_series
    from analyses.quasi.leading import Course as Course
    from analyses.quasi.leading import Foretelling as Foretelling
    from analyses.quasi.leading import LeadingIndicator as LeadingIndicator
    from analyses.quasi.leading import leading_indicator as leading_indicator
    from analyses.quasi.panel import Panel as Panel
    from analyses.quasi.shift import QuasiSlope as QuasiSlope
    from analyses.quasi.shift import Shift as Shift
    from analyses.quasi.shift import quasi_slope as quasi_slope
    from analyses.quasi.synthetic import SyntheticControl as SyntheticControl
    from analyses.quasi.synthetic import SyntheticEffect as SyntheticEffect
    from analyses.quasi.synthetic import synthetic_control as synthetic_control
    from analyses.relationship.contrast import ContrastArm as ContrastArm
    from analyses.relationship.contrast import Early as Early
    from analyses.relationship.contrast import ExperimentContrasts as ExperimentContrasts
    from analyses.relationship.contrast import contrasts_of as contrasts_of
    from analyses.relationship.dose_response import Dose as Dose
    from analyses.relationship.dose_response import DoseRange as DoseRange
    from analyses.relationship.dose_response import DoseResponse as DoseResponse
    from analyses.relationship.dose_response import dose_response as dose_response
    from analyses.relationship.early import anytime_set as anytime_set
    from analyses.relationship.ends import Cut as Cut
    from analyses.relationship.ends import End as End
    from analyses.relationship.ends import Stratum as Stratum
    from analyses.relationship.ends import beyond as beyond
    from analyses.relationship.ends import end_column as end_column
    from analyses.relationship.ends import lee_corners as lee_corners
    from analyses.relationship.ends import stratum_of as stratum_of
    from analyses.relationship.many import ManyExperiments as ManyExperiments
    from analyses.relationship.many import many as many
    from analyses.relationship.mediation import Mediation as Mediation
    from analyses.relationship.mediation import mediation as mediation
    from analyses.relationship.one_contrast import slope_of_one_contrast as slope_of_one_contrast
    from analyses.relationship.proxy import IndexEffect as IndexEffect
    from analyses.relationship.proxy import Proxies as Proxies
    from analyses.relationship.proxy import ProxyValue as ProxyValue
    from analyses.relationship.proxy import SurrogateIndex as SurrogateIndex
    from analyses.relationship.proxy import proxies as proxies
    from analyses.relationship.proxy import surrogate_index as surrogate_index
    from analyses.relationship.question import Question as Question
    from analyses.relationship.relate import Relationship as Relationship
    from analyses.relationship.robustness import Robustness as Robustness
    from analyses.relationship.robustness import e_value as e_value
    from analyses.relationship.robustness import robustness as robustness
    from analyses.relationship.sets import ConfidenceSet as ConfidenceSet
    from analyses.relationship.sets import Shape as Shape
    from analyses.relationship.several_cpis import CpiSlope as CpiSlope
    from analyses.relationship.several_cpis import SeveralCpis as SeveralCpis
    from analyses.relationship.several_cpis import several_cpis as several_cpis
    from analyses.relationship.several_cpis import stood_still as stood_still
    from analyses.relationship.several_kpis import KpiSlope as KpiSlope
    from analyses.relationship.several_kpis import SeveralKpis as SeveralKpis
    from analyses.relationship.several_kpis import several_kpis as several_kpis
    from analyses.relationship.value import KnownSlope as KnownSlope
    from analyses.relationship.value import YearlyValue as YearlyValue
    from analyses.relationship.value import yearly_value as yearly_value
    from analyses.results import Check as Check
    from analyses.results import Estimate as Estimate
    from analyses.results import Interval as Interval
    from analyses.results import NotEstimable as NotEstimable
    from analyses.results import Provenance as Provenance
    from analyses.rule import Reason as Reason
    from analyses.rule import Rule as Rule
    from analyses.validity.alarm import Moved as Moved
    from analyses.validity.alarm import kpi_up_cpi_down as kpi_up_cpi_down
    from analyses.validity.attrition import Kept as Kept
    from analyses.validity.attrition import LeeBounds as LeeBounds
    from analyses.validity.attrition import PairSeen as PairSeen
    from analyses.validity.attrition import Seen as Seen
    from analyses.validity.attrition import Side as Side
    from analyses.validity.attrition import Trimming as Trimming
    from analyses.validity.attrition import ends as ends
    from analyses.validity.attrition import lee_bounds as lee_bounds
    from analyses.validity.attrition import lee_bounds_of_phases as lee_bounds_of_phases
    from analyses.validity.attrition import seen_in as seen_in
    from analyses.validity.attrition import trimming as trimming
    from analyses.validity.balance import covariate_balance as covariate_balance
    from analyses.validity.clustering import FEWEST_CLUSTERS as FEWEST_CLUSTERS
    from analyses.validity.clustering import clusters_analysed as clusters_analysed
    from analyses.validity.clustering import segments_of_clusters as segments_of_clusters
    from analyses.validity.drift import DayEffect as DayEffect
    from analyses.validity.drift import day_effect as day_effect
    from analyses.validity.drift import novelty as novelty
    from analyses.validity.drift import weekday_drift as weekday_drift
    from analyses.validity.exposure import Observed as Observed
    from analyses.validity.exposure import multiple_exposure as multiple_exposure
    from analyses.validity.exposure import observed_share as observed_share
    from analyses.validity.exposure import observed_share_of_clusters as observed_share_of_clusters
    from analyses.validity.exposure import recording_changed as recording_changed
    from analyses.validity.first_stage import first_stage as first_stage
    from analyses.validity.first_stage import first_stage_of as first_stage_of
    from analyses.validity.outliers import Influence as Influence
    from analyses.validity.outliers import influence as influence
    from analyses.validity.outliers import outlier_influence as outlier_influence
    from analyses.validity.sequential_srm import log_bayes_factors as log_bayes_factors
    from analyses.validity.sequential_srm import sequential_srm as sequential_srm
    from analyses.validity.srm import Allocation as Allocation
    from analyses.validity.srm import srm as srm
    from analyses.validity.srm_groups import srm_groups as srm_groups
    from analyses.verdict import Judgement as Judgement
    from analyses.verdict import Label as Label
    from analyses.verdict import State as State
    from analyses.verdict import Verdict as Verdict
    from analyses.verdict import blocked as blocked
    from analyses.verdict import information as information
    from analyses.verdict import judge as judge
    from analyses.verdict import unanswered as unanswered

EXPORTS = {
    "AdjustedSlope": "analyses.observational.estimate",
    "AgedShift": "analyses.quasi.differences",
    "Agreement": "analyses.posterior.agreement",
    "Allocation": "analyses.validity.srm",
    "Anytime": "analyses.effects.anytime",
    "ArmEffect": "analyses.effects.phases",
    "ArmMeans": "analyses.moments",
    "Arms": "analyses.effects.phases",
    "Belief": "analyses.effects.posterior",
    "Believed": "analyses.effects.believing",
    "Benchmark": "analyses.observational.sensitivity",
    "Beta": "analyses.effects.posterior",
    "Boundary": "analyses.effects.group_sequential",
    "CLUSTER_SIZE": "analyses.effects.clusters",
    "CausalGraph": "analyses.observational.graph",
    "CausalQuestion": "analyses.observational.study",
    "Check": "analyses.results",
    "Circumstances": "analyses.effects.reading",
    "Comparison": "analyses.observational.compare",
    "ConfidenceSet": "analyses.relationship.sets",
    "ContrastArm": "analyses.relationship.contrast",
    "Correction": "analyses.multiplicity",
    "Course": "analyses.quasi.leading",
    "Covariate": "analyses.heterogeneity.trial",
    "CpiSlope": "analyses.relationship.several_cpis",
    "Cut": "analyses.relationship.ends",
    "DayEffect": "analyses.validity.drift",
    "DecidingExperiment": "analyses.planning.deciding",
    "Difference": "analyses.effects.difference",
    "Differences": "analyses.quasi.differences",
    "Discontinuity": "analyses.quasi.discontinuity",
    "Discovery": "analyses.false_discovery",
    "Dose": "analyses.relationship.dose_response",
    "DoseDesign": "analyses.planning.dose",
    "DoseRange": "analyses.relationship.dose_response",
    "DoseResponse": "analyses.relationship.dose_response",
    "Doubts": "analyses.observational.study",
    "Early": "analyses.relationship.contrast",
    "EffectInputs": "analyses.again",
    "End": "analyses.relationship.ends",
    "Estimate": "analyses.results",
    "EvidenceCount": "analyses.ladder",
    "ExperimentContrasts": "analyses.relationship.contrast",
    "Explored": "analyses.heterogeneity.explore",
    "FEWEST_CLUSTERS": "analyses.validity.clustering",
    "FalseDiscovery": "analyses.false_discovery",
    "Foretelling": "analyses.quasi.leading",
    "Guarded": "analyses.effects.reading",
    "Harm": "analyses.effects.reading",
    "Identification": "analyses.observational.identify",
    "ImpliedIndependences": "analyses.observational.implied",
    "Independence": "analyses.observational.implied",
    "IndexEffect": "analyses.relationship.proxy",
    "Influence": "analyses.validity.outliers",
    "Interrupted": "analyses.quasi.interrupted",
    "Interval": "analyses.results",
    "Json": "analyses.documents",
    "Judgement": "analyses.verdict",
    "Kept": "analyses.validity.attrition",
    "KnownSlope": "analyses.relationship.value",
    "KpiSlope": "analyses.relationship.several_kpis",
    "LADDER": "analyses.ladder",
    "Label": "analyses.verdict",
    "LadderStep": "analyses.ladder",
    "Largest": "analyses.order_statistics",
    "LeadingIndicator": "analyses.quasi.leading",
    "LeeBounds": "analyses.validity.attrition",
    "Look": "analyses.decision.looks",
    "ManyExperiments": "analyses.relationship.many",
    "Margin": "analyses.effects.reading",
    "Marginal": "analyses.posterior.slope",
    "Measure": "analyses.moments",
    "Measured": "analyses.effects.program",
    "Mediation": "analyses.relationship.mediation",
    "Moments": "analyses.moments",
    "Moved": "analyses.validity.alarm",
    "NUISANCES": "analyses.observational.learned",
    "Noise": "analyses.planning.size",
    "NonInferiority": "analyses.effects.non_inferiority",
    "Normal": "analyses.effects.posterior",
    "NotEstimable": "analyses.results",
    "Observed": "analyses.validity.exposure",
    "ObservedEffect": "analyses.observational.study",
    "OrderStatistics": "analyses.order_statistics",
    "Overlap": "analyses.observational.overlap",
    "Pair": "analyses.effects.phases",
    "PairMeans": "analyses.effects.phases",
    "PairSeen": "analyses.validity.attrition",
    "Panel": "analyses.quasi.panel",
    "Phases": "analyses.effects.phases",
    "PlannedArm": "analyses.planning.deciding",
    "PlannedArmRole": "analyses.planning.deciding",
    "PlannedLook": "analyses.effects.group_sequential",
    "PlannedTest": "analyses.planning.size",
    "Prior": "analyses.effects.believing",
    "PriorSource": "analyses.effects.believing",
    "Probability": "analyses.posterior.slope",
    "ProgramGains": "analyses.effects.program",
    "Provenance": "analyses.results",
    "Proxies": "analyses.relationship.proxy",
    "ProxyValue": "analyses.relationship.proxy",
    "QUANTILE_Z": "analyses.order_statistics",
    "QUASI_CONFOUNDED": "analyses.planning.worth",
    "QuasiSlope": "analyses.quasi.shift",
    "Question": "analyses.relationship.question",
    "Reading": "analyses.effects.reading",
    "Reason": "analyses.rule",
    "Refutation": "analyses.observational.refute",
    "RefuterKind": "analyses.observational.refute",
    "Relationship": "analyses.relationship.relate",
    "Robustness": "analyses.relationship.robustness",
    "Rule": "analyses.rule",
    "Rung": "analyses.ladder",
    "Sample": "analyses.observational.sample",
    "Seen": "analyses.validity.attrition",
    "Sensitivity": "analyses.observational.sensitivity",
    "Series": "analyses.quasi.interrupted",
    "SeveralCpis": "analyses.relationship.several_cpis",
    "SeveralKpis": "analyses.relationship.several_kpis",
    "Shape": "analyses.relationship.sets",
    "Shift": "analyses.quasi.shift",
    "Side": "analyses.validity.attrition",
    "Signals": "analyses.effects.families",
    "SlopeBelief": "analyses.planning.worth",
    "SlopePosterior": "analyses.posterior.slope",
    "SlopePrior": "analyses.posterior.prior",
    "Spending": "analyses.effects.group_sequential",
    "Stake": "analyses.planning.worth",
    "Standing": "analyses.effects.posterior",
    "State": "analyses.verdict",
    "Strategy": "analyses.observational.identify",
    "StrategyKind": "analyses.observational.identify",
    "Stratum": "analyses.relationship.ends",
    "StudyAnswer": "analyses.observational.study",
    "SurrogateIndex": "analyses.relationship.proxy",
    "SyntheticControl": "analyses.quasi.synthetic",
    "SyntheticEffect": "analyses.quasi.synthetic",
    "Threshold": "analyses.quasi.discontinuity",
    "Tolerated": "analyses.decision.tolerated",
    "Trial": "analyses.heterogeneity.trial",
    "Trimming": "analyses.validity.attrition",
    "UnitNoise": "analyses.planning.dose",
    "Verdict": "analyses.verdict",
    "View": "analyses.effects.reading",
    "Wanted": "analyses.effects.reading",
    "Worth": "analyses.planning.worth",
    "YearlyValue": "analyses.relationship.value",
    "adjust": "analyses.effects.adjust",
    "adjusted_p_values": "analyses.multiplicity",
    "adjusted_slope": "analyses.observational.estimate",
    "after_observation": "analyses.planning.worth",
    "against_randomised": "analyses.observational.compare",
    "agreement": "analyses.posterior.agreement",
    "anytime": "analyses.effects.anytime",
    "anytime_quantile": "analyses.effects.anytime",
    "anytime_set": "analyses.relationship.early",
    "arm_effects": "analyses.effects.phases",
    "arm_means": "analyses.moments",
    "as_json": "analyses.documents",
    "assurance": "analyses.planning.size",
    "at_look": "analyses.decision.looks",
    "audited_posterior": "analyses.posterior.slope",
    "bayesian_fdr": "analyses.multiplicity",
    "belief": "analyses.effects.posterior",
    "best_arm": "analyses.effects.posterior",
    "beyond": "analyses.relationship.ends",
    "blocked": "analyses.verdict",
    "boundaries": "analyses.effects.group_sequential",
    "causal_graph": "analyses.observational.graph",
    "clusters_analysed": "analyses.validity.clustering",
    "contrasts_again": "analyses.again",
    "contrasts_of": "analyses.relationship.contrast",
    "counted_in": "analyses.ladder",
    "covariate_balance": "analyses.validity.balance",
    "day_effect": "analyses.validity.drift",
    "days_needed": "analyses.planning.size",
    "deciding_experiment": "analyses.planning.deciding",
    "design_effect": "analyses.planning.size",
    "difference": "analyses.effects.difference",
    "difference_in_differences": "analyses.quasi.differences",
    "discovery": "analyses.false_discovery",
    "dose_response": "analyses.relationship.dose_response",
    "doubly_learned": "analyses.observational.learned",
    "e_bh": "analyses.multiplicity",
    "e_value": "analyses.relationship.robustness",
    "effect_document": "analyses.documents",
    "effects_again": "analyses.again",
    "effects_of": "analyses.again",
    "end_column": "analyses.relationship.ends",
    "ends": "analyses.validity.attrition",
    "explore": "analyses.heterogeneity.explore",
    "false_discoveries": "analyses.false_discovery",
    "fieller": "analyses.effects.relative",
    "first_stage": "analyses.validity.first_stage",
    "first_stage_of": "analyses.validity.first_stage",
    "front_door": "analyses.observational.estimate",
    "identify": "analyses.observational.identify",
    "implied_independences": "analyses.observational.implied",
    "inflation": "analyses.effects.group_sequential",
    "influence": "analyses.validity.outliers",
    "information": "analyses.verdict",
    "instrumented": "analyses.observational.estimate",
    "interrupted_series": "analyses.quasi.interrupted",
    "judge": "analyses.verdict",
    "kept_inputs": "analyses.again",
    "kpi_up_cpi_down": "analyses.validity.alarm",
    "leading_indicator": "analyses.quasi.leading",
    "lee_bounds": "analyses.validity.attrition",
    "lee_bounds_of_phases": "analyses.validity.attrition",
    "lee_corners": "analyses.relationship.ends",
    "log_bayes_factors": "analyses.validity.sequential_srm",
    "look_alpha": "analyses.decision.looks",
    "many": "analyses.relationship.many",
    "mean_noise": "analyses.planning.size",
    "measured_noise": "analyses.planning.size",
    "mediated": "analyses.observational.estimate",
    "mediation": "analyses.relationship.mediation",
    "moments_of": "analyses.moments",
    "multiple_exposure": "analyses.validity.exposure",
    "next_look": "analyses.decision.looks",
    "non_inferiority": "analyses.effects.non_inferiority",
    "normal": "analyses.effects.difference",
    "normal_posterior": "analyses.effects.posterior",
    "novelty": "analyses.validity.drift",
    "observed_effect": "analyses.observational.study",
    "observed_share": "analyses.validity.exposure",
    "observed_share_of_clusters": "analyses.validity.exposure",
    "of_clusters": "analyses.effects.clusters",
    "outlier_influence": "analyses.validity.outliers",
    "overlap": "analyses.observational.overlap",
    "past_prior": "analyses.effects.posterior",
    "phase_means": "analyses.effects.phases",
    "planned_exclusion_power": "analyses.planning.dose",
    "planned_look": "analyses.effects.group_sequential",
    "power": "analyses.planning.size",
    "program_gains": "analyses.effects.program",
    "proportion_noise": "analyses.planning.size",
    "proxies": "analyses.relationship.proxy",
    "quantile_pair": "analyses.effects.quantile",
    "quasi_slope": "analyses.quasi.shift",
    "ranked": "analyses.effects.quantile",
    "ranks": "analyses.order_statistics",
    "rate_belief": "analyses.effects.posterior",
    "read_effects": "analyses.effects.reading",
    "recording_changed": "analyses.validity.exposure",
    "refusal": "analyses.moments",
    "refused": "analyses.documents",
    "refuted": "analyses.observational.refute",
    "regression_discontinuity": "analyses.quasi.discontinuity",
    "robustness": "analyses.relationship.robustness",
    "rule_again": "analyses.again",
    "rung_of": "analyses.ladder",
    "seen_in": "analyses.validity.attrition",
    "segments_of_clusters": "analyses.validity.clustering",
    "sensitivity": "analyses.observational.sensitivity",
    "sequential_srm": "analyses.validity.sequential_srm",
    "several_cpis": "analyses.relationship.several_cpis",
    "several_kpis": "analyses.relationship.several_kpis",
    "signals": "analyses.effects.families",
    "slope_of_one_contrast": "analyses.relationship.one_contrast",
    "slope_posterior": "analyses.posterior.slope",
    "slope_power": "analyses.planning.dose",
    "slope_units": "analyses.planning.dose",
    "smallest_effect": "analyses.planning.size",
    "smallest_slope": "analyses.planning.dose",
    "srm": "analyses.validity.srm",
    "srm_groups": "analyses.validity.srm_groups",
    "standings": "analyses.effects.believing",
    "stood_still": "analyses.relationship.several_cpis",
    "stopping_chances": "analyses.effects.group_sequential",
    "stratified": "analyses.moments",
    "stratum_of": "analyses.relationship.ends",
    "surrogate_index": "analyses.relationship.proxy",
    "synthetic_control": "analyses.quasi.synthetic",
    "tolerated": "analyses.decision.tolerated",
    "trimming": "analyses.validity.attrition",
    "unanswered": "analyses.verdict",
    "units_needed": "analyses.planning.size",
    "untested_slope": "analyses.planning.worth",
    "usable_phases": "analyses.effects.phases",
    "weekday_drift": "analyses.validity.drift",
    "won": "analyses.effects.program",
    "worth_of_testing": "analyses.planning.worth",
    "yearly_value": "analyses.relationship.value",
}


def __getattr__(name: str) -> object:
    if name not in EXPORTS:
        raise AttributeError(f"module 'analyses' has no attribute {name!r}")
    return getattr(import_module(EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted(EXPORTS)
