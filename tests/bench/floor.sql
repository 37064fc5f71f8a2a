-- The floor: what the answers about tests/bench/world.py cost when somebody writes SQL by hand for this one
-- experiment. The same files, joins, windows and answers as the run, by DuckDB's own functions, nothing general:
-- a table of units, since its largest values are known only once all are there, moments by arm and day of
-- exposure, and the largest thousandth of each metric.
-- Variables: assignments and outcomes (lists of files), experiment, as_of (microseconds since 1970).
-- Columns: c0..c3 minutes to a quote of those who asked (value, observed, both before exposure), c4 c5 conversion,
-- c6 c7 c8 premium bought online (capped, not, before), c9 c10 calls, c11 c12 resolved after calling, c13 asked.
CREATE TEMP TABLE numbers AS
WITH exposed AS (
    SELECT unit, min(arm) AS arm, min(phase) AS phase, epoch_us(min(time)) AS at, min(time)::DATE AS day
    FROM read_parquet(getvariable('assignments'), hive_partitioning = true)
    WHERE experiment = getvariable('experiment')
    GROUP BY unit
    HAVING min(arm) = max(arm) AND epoch_us(min(time)) <= getvariable('as_of') - 1209600000000
),
happened AS (
    SELECT
        unit,
        event,
        epoch_us(time) AS at,
        value,
        CASE event WHEN 'quote_shown' THEN json_extract_string(properties, '/minutes')::DOUBLE END AS minutes,
        event = 'policy_bought' AND json_extract_string(properties, '/channel') IN ('web', 'app') AS online
    FROM read_parquet(getvariable('outcomes'))
    WHERE event IN ('quote_asked', 'quote_shown', 'policy_bought', 'called', 'resolved')
),
timed AS (
    SELECT
        e.unit,
        e.arm,
        e.phase,
        e.day,
        h.event,
        h.value,
        h.minutes,
        h.online,
        h.at >= e.at AND h.at < e.at + 604800000000 AS week,
        h.at >= e.at AND h.at < e.at + 1209600000000 AS fortnight,
        h.at < e.at AND h.at >= e.at - 1209600000000 AS before
    FROM exposed AS e LEFT JOIN happened AS h ON h.unit = e.unit
),
tallied AS (
    SELECT
        any_value(arm) AS arm,
        any_value(phase) AS phase,
        any_value(day) AS day,
        count(*) FILTER (event = 'quote_asked' AND week) > 0 AS asked,
        count(*) FILTER (event = 'quote_asked' AND before) > 0 AS asked_before,
        avg(minutes) FILTER (week) AS minutes,
        avg(minutes) FILTER (before) AS minutes_before,
        count(*) FILTER (event = 'policy_bought' AND fortnight) > 0 AS bought,
        count(*) FILTER (event = 'policy_bought' AND before) > 0 AS bought_before,
        sum(value) FILTER (online AND fortnight) AS premium,
        sum(value) FILTER (online AND before) AS premium_before,
        count(*) FILTER (event = 'called' AND fortnight) AS calls,
        count(*) FILTER (event = 'called' AND before) AS calls_before,
        count(*) FILTER (event = 'resolved' AND fortnight) AS resolved,
        count(*) FILTER (event = 'resolved' AND before) AS resolved_before
    FROM timed
    GROUP BY unit
)
SELECT
    arm,
    phase,
    day,
    CASE WHEN asked THEN coalesce(minutes, 0) ELSE 0 END AS c0,
    (asked AND minutes IS NOT NULL)::DOUBLE AS c1,
    CASE WHEN asked_before THEN coalesce(minutes_before, 0) ELSE 0 END AS c2,
    (asked_before AND minutes_before IS NOT NULL)::DOUBLE AS c3,
    bought::DOUBLE AS c4,
    bought_before::DOUBLE AS c5,
    least(coalesce(premium, 0), 1500) AS c6,
    coalesce(premium, 0) AS c7,
    least(coalesce(premium_before, 0), 1500) AS c8,
    calls::DOUBLE AS c9,
    calls_before::DOUBLE AS c10,
    (calls > 0 AND resolved > 0)::DOUBLE AS c11,
    (calls_before > 0 AND resolved_before > 0)::DOUBLE AS c12,
    asked::DOUBLE AS c13
FROM tallied;

SELECT
    arm,
    phase,
    day,
    count(*),
    avg(c0), avg(c1), avg(c2), avg(c3), avg(c4), avg(c5), avg(c6), avg(c7), avg(c8), avg(c9), avg(c10),
        avg(c11), avg(c12), avg(c13),
    covar_samp(c0, c0), covar_samp(c0, c1), covar_samp(c0, c2), covar_samp(c0, c3), covar_samp(c0, c4),
        covar_samp(c0, c5), covar_samp(c0, c6), covar_samp(c0, c7), covar_samp(c0, c8), covar_samp(c0, c9),
        covar_samp(c0, c10), covar_samp(c0, c11), covar_samp(c0, c12), covar_samp(c0, c13),
    covar_samp(c1, c1), covar_samp(c1, c2), covar_samp(c1, c3), covar_samp(c1, c4), covar_samp(c1, c5),
        covar_samp(c1, c6), covar_samp(c1, c7), covar_samp(c1, c8), covar_samp(c1, c9),
        covar_samp(c1, c10), covar_samp(c1, c11), covar_samp(c1, c12), covar_samp(c1, c13),
    covar_samp(c2, c2), covar_samp(c2, c3), covar_samp(c2, c4), covar_samp(c2, c5), covar_samp(c2, c6),
        covar_samp(c2, c7), covar_samp(c2, c8), covar_samp(c2, c9), covar_samp(c2, c10),
        covar_samp(c2, c11), covar_samp(c2, c12), covar_samp(c2, c13),
    covar_samp(c3, c3), covar_samp(c3, c4), covar_samp(c3, c5), covar_samp(c3, c6), covar_samp(c3, c7),
        covar_samp(c3, c8), covar_samp(c3, c9), covar_samp(c3, c10), covar_samp(c3, c11),
        covar_samp(c3, c12), covar_samp(c3, c13),
    covar_samp(c4, c4), covar_samp(c4, c5), covar_samp(c4, c6), covar_samp(c4, c7), covar_samp(c4, c8),
        covar_samp(c4, c9), covar_samp(c4, c10), covar_samp(c4, c11), covar_samp(c4, c12),
        covar_samp(c4, c13),
    covar_samp(c5, c5), covar_samp(c5, c6), covar_samp(c5, c7), covar_samp(c5, c8), covar_samp(c5, c9),
        covar_samp(c5, c10), covar_samp(c5, c11), covar_samp(c5, c12), covar_samp(c5, c13),
    covar_samp(c6, c6), covar_samp(c6, c7), covar_samp(c6, c8), covar_samp(c6, c9), covar_samp(c6, c10),
        covar_samp(c6, c11), covar_samp(c6, c12), covar_samp(c6, c13),
    covar_samp(c7, c7), covar_samp(c7, c8), covar_samp(c7, c9), covar_samp(c7, c10), covar_samp(c7, c11),
        covar_samp(c7, c12), covar_samp(c7, c13),
    covar_samp(c8, c8), covar_samp(c8, c9), covar_samp(c8, c10), covar_samp(c8, c11), covar_samp(c8, c12),
        covar_samp(c8, c13),
    covar_samp(c9, c9), covar_samp(c9, c10), covar_samp(c9, c11), covar_samp(c9, c12), covar_samp(c9, c13),
    covar_samp(c10, c10), covar_samp(c10, c11), covar_samp(c10, c12), covar_samp(c10, c13),
    covar_samp(c11, c11), covar_samp(c11, c12), covar_samp(c11, c13),
    covar_samp(c12, c12), covar_samp(c12, c13),
    covar_samp(c13, c13)
FROM numbers
GROUP BY arm, phase, day
ORDER BY arm, phase, day;

WITH cut AS (
    SELECT
        quantile_cont(abs(c0), 0.999) AS q0,
        quantile_cont(abs(c4), 0.999) AS q4,
        quantile_cont(abs(c6), 0.999) AS q6,
        quantile_cont(abs(c9), 0.999) AS q9,
        quantile_cont(abs(c11), 0.999) AS q11
    FROM numbers
)
SELECT
    arm,
    phase,
    any_value(q0), count(*) FILTER (abs(c0) > q0), coalesce(sum(c0) FILTER (abs(c0) > q0), 0),
    any_value(q4), count(*) FILTER (abs(c4) > q4), coalesce(sum(c4) FILTER (abs(c4) > q4), 0),
    any_value(q6), count(*) FILTER (abs(c6) > q6), coalesce(sum(c6) FILTER (abs(c6) > q6), 0),
    any_value(q9), count(*) FILTER (abs(c9) > q9), coalesce(sum(c9) FILTER (abs(c9) > q9), 0),
    any_value(q11), count(*) FILTER (abs(c11) > q11), coalesce(sum(c11) FILTER (abs(c11) > q11), 0)
FROM numbers, cut
GROUP BY arm, phase
ORDER BY arm, phase;
