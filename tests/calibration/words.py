"""What does the page say beside its numbers?"""

HEAD = """# Calibration

How often does Leverboard say something wrong? Truths are planted, data are drawn from them many times over,
and the product's own code is asked; this page counts its answers. Four things are claimed:

- **What is no lever is rarely confirmed, and a lever rarely rejected**: in at most {wrong} of draws each,
  whatever the data look like (the tables of the rule, from "One experiment" on).
- **Intervals hold the true slope** in {covered} of draws or more, where their assumptions hold.
- **A lever worth having is found**: twice the smallest slope of interest in .80 of draws at 2.5 times the
  units of the KPI's own test, and in .85 of draws of strong designs.
- **What never enters a verdict keeps its word too**: corrections over a programme, quasi-experiments,
  unrandomised data, segments and posteriors (the last three sections).

{summary}

## How to read a row

- **confirmed**, **rejected**: the share of draws with that answer; what is left is *inconclusive*.
- **wrong**: confirmations where the true slope b is at most 0, rejections where it is at least d, the
  smallest slope of interest (.1 standard deviations of the KPI per one of the CPI unless the table says
  otherwise).
  The bar is {wrong}. Between 0 and d both answers can be right.
- **coverage** is of the 95 % interval that decides. The bar is {covered}, on rows where the interval's own
  assumptions hold; elsewhere it stands in brackets.
- **before** is confirmed/rejected, then coverage, as simulations on sufficient statistics gave them when the
  method was chosen. Designs that were not recorded (the spread of the CPI effects in Table 2 above all) are
  reconstructed, so power differs; error rates must hold all the same.
- A row *holds* when it is within its bar, *fails* when it misses it by more than two Monte Carlo errors, and
  is *undecided* between: more replications would tell. *Untestable* truths give the same data as a lever
  would; no rule can tell them apart, only another design can.
- ± is one Monte Carlo error, √(p(1 − p)/R) for a share p: {at_bar:.4f} at the bar of {wrong},
  {at_coverage:.4f} at a coverage of .95.

Each row has R = {replications:,} replications, the seed {seed} and the code of commit {code}, unless its
last column says otherwise (a + after a commit: with changes that were not committed). Counted by Leverboard
{version} from {first} to {last}, with the libraries that the commit's lock names; every count is a
line of `docs/calibration.jsonl`. `make calibrate` counts again what is of older code.

Every row is judged by the whole rule, through the same function as a verdict of the service, at the level
of a single look; verdicts in turn are each judged at their own. How the interval for eight experiments or
more was chosen: `docs/adr/0008-an-interval-without-a-choice.md`.

In the tables without "from unit rows" arm means are drawn from normal distributions with known covariances of
equal arms; a row about a CPI that is seen for some units only draws units everywhere. The tables "from unit
rows" draw every unit, and all that follows is the product's: moments, means, estimated covariances, the check
on who was seen, the rule. A column that is seen for some units only is guarded by that check
(`observed_set_moved`); where it fails, an answer is given if every corner of Lee's bounds gives it
(`docs/adr/0017-whoever-is-seen.md`), and its coverage is then that of the hull.
"""

OF_TABLE = """| truth | b | bound | confirmed | rejected | wrong | coverage | before | |
|---|---|---|---|---|---|---|---|---|
"""

OF_PROGRAMME = """Twenty experiments of ten arms each, which share their control; estimates at the level of
arm means, corrected over the programme at q = {q}. **False** is the mean share of false ones among the
signals (0 where there are none), **found** the share of true ones that are signals. Such corrections never
enter a verdict.

| truth | correction | false | found | |
|---|---|---|---|---|
"""

OF_CLAIMS = """Evidence that enters no verdict: how often its estimators keep what they promise, where their
assumptions hold. *Answered* are the tries in which the estimator did not refuse. One Monte Carlo error is
given at the bar.

| estimator | promise | seen | bar | answered | |
|---|---|---|---|---|---|
"""

OF_RANKS = """Truths are drawn from the prior and data from the truths, six experiments of one arm or two. If
a sampler samples the posterior of its own model, the share of the posterior below the truth is uniform, for
each parameter: **p** is chi-square's over twenty bins, **middle half** the share of truths in the 50 %
interval. A parameter *fails* at p below {fails}, and is *undecided* below {doubtful}: there are twelve
p-values.

| sampler | parameter | p | middle half | answered | |
|---|---|---|---|---|---|
"""
