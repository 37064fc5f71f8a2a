"""The same posterior by Hamiltonian sampling: slower, and it needs no proposal to be right.

The model is compiled once per process and bucket: data are padded and masked, so that another hypothesis only
swaps them. A child that is forked from a process which has compiled can sample at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from analyses.moments import Floats
from analyses.posterior.blocks import Evidence
from analyses.posterior.importance import Draws
from analyses.posterior.prior import NAMES
from analyses.quiet import silenced
from analyses.results import NotEstimable

if TYPE_CHECKING:
    from nutpie.compile_pymc import CompiledPyMCModel

EXPERIMENTS = (16, 64, 320)
ARMS = (4, 16)
CHAINS = 4
CORES = 2  # chains at a time
WORST_R_HAT = 1.01
LEAST_ESS = 400.0
MOST_DIVERGENT = 0.001  # of all draws


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Draws of each chain, after so many for tuning, with steps small enough to be accepted so often."""

    tune: int
    draws: int
    target_accept: float


# The first passes the gates for nine posteriors in ten at a third of the second's cost: longer steps.
EFFORTS = (
    Effort(tune=500, draws=1000, target_accept=0.95),
    Effort(tune=1000, draws=1000, target_accept=0.995),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Room for so many experiments of so many arms."""

    experiments: int
    arms: int


def bucket_of(evidence: Evidence) -> Bucket | NotEstimable:
    """The smallest bucket that the evidence fits into."""
    experiments = [size for size in EXPERIMENTS if size >= evidence.count]
    arms = [size for size in ARMS if size >= evidence.widest]
    if not experiments or not arms:
        return NotEstimable(
            reason="too_large_to_sample",
            detail=f"at most {EXPERIMENTS[-1]} experiments of {ARMS[-1]} arms can be sampled, got "
            f"{evidence.count} of up to {evidence.widest}",
        )
    return Bucket(experiments=experiments[0], arms=arms[0])


def padded(evidence: Evidence, bucket: Bucket) -> dict[str, Floats]:
    """All blocks in one array each, in the axes in which errors are independent; padding is masked out."""
    J, K = bucket.experiments, bucket.arms
    unit = np.broadcast_to(np.eye(K), (J, K, K))
    found = {
        "here": np.zeros((J, K)),
        "seen_a": np.zeros((J, K)),
        "ones_a": np.zeros((J, K)),
        "a": np.zeros((J, K)),
        "b": np.zeros((J, K)),
        "noise": np.ones((J, K)),
        "rest": np.ones((J, K)),
        "axes": unit.copy(),
        "rest_axes": unit.copy(),
        "weights": np.zeros((J, K, K)),
        "scales": np.array(evidence.scales),
    }
    for block in evidence.blocks:
        at, k = list(block.at), block.a.shape[1]
        rest, rest_axes = np.linalg.eigh(block.rest)
        found["here"][at, :k] = 1.0
        found["a"][at, :k], found["b"][at, :k] = block.a, block.b
        found["noise"][at, :k], found["rest"][at, :k] = block.noise, np.maximum(rest, 1e-300)
        found["seen_a"][at, :k] = np.einsum("jki,jk->ji", block.axes, block.a)
        found["ones_a"][at, :k] = block.axes.sum(axis=1)
        for name, value in (("axes", block.axes), ("rest_axes", rest_axes), ("weights", block.weights)):
            found[name][np.ix_(at, range(k), range(k))] = value
    return found


@cache
def compiled(bucket: Bucket) -> "CompiledPyMCModel":
    """The model of this bucket, compiled: eleven to fifteen seconds, once in the life of a process.

    Shifts are drawn from their posterior given the CPI alone (alpha = m + sqrt(V) z); slopes and direct
    effects of experiments are integrated out: given alpha, b is normal with covariance
    rest + tau_g^2 I + tau_b^2 alpha alpha', whose inverse and determinant are in closed form in its own axes.
    """
    import nutpie
    import pymc as pm
    import pytensor.tensor as pt

    J, K = bucket.experiments, bucket.arms
    shapes = {"axes": (J, K, K), "rest_axes": (J, K, K), "weights": (J, K, K), "scales": (len(NAMES),)}
    names = ("here", "seen_a", "ones_a", "a", "b", "noise", "rest", *shapes)
    with pm.Model() as model:
        start = {name: np.zeros(shapes.get(name, (J, K))) for name in names}
        start |= {"noise": np.ones((J, K)), "rest": np.ones((J, K)), "scales": np.ones(len(NAMES))}
        d = {name: pm.Data(name, value) for name, value in start.items()}
        raw = {
            name: pm.HalfNormal(f"raw_{name}")
            if name in {"tau_g", "tau_b", "s_a"}
            else pm.Normal(f"raw_{name}")
            for name in NAMES
        }
        beta, mu_g, tau_g, tau_b, mu_a, s_a = (
            pm.Deterministic(name, raw[name] * d["scales"][i]) for i, name in enumerate(NAMES)
        )
        z = pm.Normal("z", shape=(J, K))
        here, s2 = d["here"], s_a**2
        total = d["noise"] + s2
        miss = d["seen_a"] - mu_a * d["ones_a"]
        own = (s2 * d["seen_a"] + d["noise"] * mu_a * d["ones_a"]) / total
        own = own + pt.sqrt(d["noise"] * s2 / total) * z
        alpha = (d["axes"] * own[:, None, :]).sum(axis=2)
        apart = d["b"] - beta * alpha - mu_g - (d["weights"] * (d["a"] - alpha)[:, None, :]).sum(axis=2)
        r = (d["rest_axes"] * (apart * here)[:, :, None]).sum(axis=1) * here
        c = (d["rest_axes"] * (alpha * here)[:, :, None]).sum(axis=1) * here
        spread = d["rest"] + tau_g**2
        w = here / spread
        inner = 1 + tau_b**2 * (w * c * c).sum(axis=1)
        quad = (w * r * r).sum() - (tau_b**2 * (w * c * r).sum(axis=1) ** 2 / inner).sum()
        log_det = (here * pt.log(spread)).sum() + pt.log(inner).sum()
        of_a = (here * (pt.log(total) + miss**2 / total)).sum()
        pm.Potential("seen", -0.5 * (quad + log_det + of_a))
        return nutpie.compile_pymc_model(model)


def sampled(evidence: Evidence, seed: int, *, efforts: Sequence[Effort] = EFFORTS) -> Draws | NotEstimable:
    """Draws from the posterior of the six parameters by NUTS.

    Question: what do all contrasts say, where importance weights do not pass, or to check on them?
    Assumes: the likelihood's model. R-hat at most 1.01, 400 effective draws and hardly any divergences are
    needed. Where they are missing, smaller steps and more tuning are tried; where they still are, the answer
    is NotEstimable, with what failed.
    Formula: No-U-Turn sampling of 6 parameters and the padded shifts, four chains, target acceptance .95,
    then .995.
    Reference: Hoffman & Gelman (2014), Journal of Machine Learning Research 15; Vehtari, Gelman, Simpson,
    Carpenter & Buerkner (2021), Bayesian Analysis 16(2), for R-hat.
    """
    bucket = bucket_of(evidence)
    if isinstance(bucket, NotEstimable):
        return bucket
    data = padded(evidence, bucket)
    found = _tried(bucket, data, seed, efforts[0])
    for effort in efforts[1:]:
        if isinstance(found, NotEstimable):
            found = _tried(bucket, data, seed, effort)
    return found


def _tried(bucket: Bucket, data: dict[str, Floats], seed: int, effort: Effort) -> Draws | NotEstimable:
    import nutpie

    with silenced() as said:
        trace = nutpie.sample(
            compiled(bucket).with_data(**data),
            draws=effort.draws,
            tune=effort.tune,
            chains=CHAINS,
            seed=seed,
            target_accept=effort.target_accept,
            progress_bar=False,
            cores=CORES,
        )
    chains = {name: np.asarray(trace.posterior[name]) for name in NAMES}
    divergent = int(np.asarray(trace.sample_stats["diverging"]).sum())
    found = judged(chains, divergent)
    return found if isinstance(found, NotEstimable) else replace(found, said=tuple(said))


def judged(chains: dict[str, Floats], divergent: int) -> Draws | NotEstimable:
    """The draws with their diagnostics, or which of those forbids to use them."""
    from arviz_stats.base import array_stats  # loads no plotting

    with np.errstate(all="ignore"):  # chains that stand still have no R-hat: not a number fails below
        r_hat = max(float(array_stats.rhat(chains[name])) for name in NAMES)
        bulk = min(float(array_stats.ess(chains[name], method="bulk")) for name in NAMES)
        tail = min(float(array_stats.ess(chains[name], method="tail", prob=(0.05, 0.95))) for name in NAMES)
    theta = np.stack([chains[name].ravel() for name in NAMES], axis=1)
    failed = []
    if not np.isfinite(theta).all() or not r_hat <= WORST_R_HAT:
        failed.append(f"R-hat {r_hat:.3f} (at most {WORST_R_HAT} wanted)")
    if not min(bulk, tail) >= LEAST_ESS:
        failed.append(f"{min(bulk, tail):.0f} effective draws ({LEAST_ESS:.0f} wanted)")
    if divergent > MOST_DIVERGENT * len(theta):
        failed.append(f"{divergent} of {len(theta)} draws diverged")
    if failed:
        return NotEstimable(reason="sampler_diagnostics", detail="; ".join(failed))
    return Draws(
        theta=theta,
        weights=np.full(len(theta), 1 / len(theta)),
        ess=bulk,
        tail_ess=tail,
        r_hat=r_hat,
        divergences=divergent,
    )
