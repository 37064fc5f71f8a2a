-- cells
WITH "leverboard_assignments" AS (
  SELECT
    CAST('exp_1' AS VARCHAR) AS "experiment",
    CAST("r"."Customer Id" AS VARCHAR) AS "unit",
    CAST("r"."variant" AS VARCHAR) AS "arm",
    CAST("r"."at" AS TIMESTAMPTZ) AS "time",
    CAST("r"."stage" AS INT) AS "phase"
  FROM "assigned" AS "r"
  WHERE
    CAST("r"."test" AS VARCHAR) = 'it\'s checkout-7'
    AND NOT "r"."Customer Id" IS NULL
    AND NOT "r"."variant" IS NULL
    AND NOT "r"."at" IS NULL
), "leverboard_outcomes" AS (
  SELECT
    CAST("r"."who" AS VARCHAR) AS "unit",
    CAST("r"."what" AS VARCHAR) AS "event",
    CAST("r"."happened" AS TIMESTAMPTZ) AS "time",
    CAST("r"."amount" AS DOUBLE) AS "value",
    CAST("r"."details" AS VARCHAR) AS "properties"
  FROM "events" AS "r"
  WHERE
    NOT "r"."who" IS NULL
    AND NOT "r"."happened" IS NULL
    AND CAST("r"."happened" AS TIMESTAMPTZ) < CAST('2026-04-10 00:00:00.000000+00:00' AS TIMESTAMPTZ)
    AND CAST("r"."happened" AS TIMESTAMPTZ) >= CAST('2026-02-19 00:00:00.000000+00:00' AS TIMESTAMPTZ)
  UNION ALL
  SELECT
    CAST("r"."customer" AS VARCHAR) AS "unit",
    CAST('ordered' AS VARCHAR) AS "event",
    CAST("r"."created" AS TIMESTAMPTZ) AS "time",
    CAST("r"."total" AS DOUBLE) AS "value",
    CAST("r"."details" AS VARCHAR) AS "properties"
  FROM (
    SELECT
      customer,
      created,
      total,
      details
    FROM orders
    WHERE
      NOT total IS NULL
  ) AS "r"
  WHERE
    NOT "r"."customer" IS NULL
    AND NOT "r"."created" IS NULL
    AND CAST("r"."created" AS TIMESTAMPTZ) < CAST('2026-04-10 00:00:00.000000+00:00' AS TIMESTAMPTZ)
    AND CAST("r"."created" AS TIMESTAMPTZ) >= CAST('2026-02-19 00:00:00.000000+00:00' AS TIMESTAMPTZ)
), "leverboard_attributes" AS (
  SELECT
    CAST("r"."customer" AS VARCHAR) AS "unit",
    CAST("r"."trait" AS VARCHAR) AS "name",
    CAST("r"."label" AS VARCHAR) AS "text",
    CAST("r"."amount" AS DOUBLE) AS "number",
    CAST("r"."flag" AS BOOLEAN) AS "truth",
    CAST("r"."since" AS TIMESTAMPTZ) AS "time"
  FROM "traits" AS "r"
  WHERE
    NOT "r"."customer" IS NULL AND NOT "r"."since" IS NULL
), "leverboard_units" AS (
  WITH "t14" AS (
    SELECT
      "t13"."unit",
      "t13"."arm",
      "t13"."phase",
      "t13"."assigned_at" AS "exposed_at",
      CASE
        WHEN "t13"."arm" IS NULL
        THEN 'outside_dates'
        WHEN "t13"."arm" <> "t13"."last_arm"
        THEN 'multiple_arms'
        WHEN NOT (
          "t13"."arm" IN ('control', 'quick')
        )
        THEN 'unknown_arm'
        WHEN NOT (
          "t13"."phase" IN (1, 2)
        )
        THEN 'unknown_phase'
        WHEN "t13"."assigned_at" IS NULL
        THEN 'not_exposed'
        WHEN "t13"."assigned_at" < 1772323200000000
        THEN 'outside_dates'
        WHEN "t13"."assigned_at" >= NULL
        THEN 'outside_dates'
        WHEN "t13"."assigned_at" > 1775347200000000
        THEN 'window_open'
        ELSE 'analysed'
      END AS "state",
      CAST(CAST(FLOOR((
        COALESCE("t13"."assigned_at", "t13"."assigned_at")
      ) / (
        86400000000
      )) AS BIGINT) AS INT) AS "day"
    FROM (
      SELECT
        "t10"."unit",
        MIN("t10"."arm") AS "arm",
        MAX("t10"."arm") AS "last_arm",
        MIN("t10"."phase") AS "phase",
        MIN("t10"."at") AS "assigned_at"
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t4".*
            EXCLUDE ("time")
          FROM (
            SELECT
              "t1"."experiment",
              "t1"."unit",
              "t1"."arm",
              "t1"."time",
              "t1"."phase",
              DATE_PART(EPOCH_MICROSECOND, "t1"."time") AS "at"
            FROM "leverboard_assignments" AS "t1"
          ) AS "t4"
        ) AS "t7"
        WHERE
          "t7"."at" < 1775779200000000 AND "t7"."experiment" = 'exp_1'
      ) AS "t10"
      GROUP BY
        1
    ) AS "t13"
  ), "t24" AS (
    SELECT
      *
    FROM (
      SELECT
        "t12"."unit",
        "t12"."name",
        "t12"."text",
        "t12"."number",
        "t12"."truth",
        "t12"."at",
        "t21"."exposed_at"
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t5".*
            EXCLUDE ("time")
          FROM (
            SELECT
              "t2"."unit",
              "t2"."name",
              "t2"."text",
              "t2"."number",
              "t2"."truth",
              "t2"."time",
              DATE_PART(EPOCH_MICROSECOND, "t2"."time") AS "at"
            FROM "leverboard_attributes" AS "t2"
          ) AS "t5"
        ) AS "t8"
        WHERE
          "t8"."at" < 1775779200000000 AND "t8"."name" IN ('plan')
      ) AS "t12"
      INNER JOIN (
        SELECT
          "t15"."unit",
          IFF("t15"."state" = 'analysed', "t15"."exposed_at", CAST(NULL AS BIGINT)) AS "exposed_at"
        FROM "t14" AS "t15"
        WHERE
          NOT IFF("t15"."state" = 'analysed', "t15"."exposed_at", CAST(NULL AS BIGINT)) IS NULL
      ) AS "t21"
        ON "t12"."unit" = "t21"."unit"
    ) AS "t23"
    WHERE
      "t23"."at" < "t23"."exposed_at"
  )
  SELECT
    "t36"."state",
    "t36"."arm",
    "t36"."phase",
    "t36"."day",
    "t36"."t0" AS "c0",
    "t36"."t1" AS "c1",
    "t36"."text_0" AS "s0"
  FROM (
    SELECT
      "t35".*
      EXCLUDE ("unit_right")
    FROM (
      SELECT
        "t28"."unit",
        "t28"."state",
        "t28"."arm",
        "t28"."phase",
        "t28"."day",
        "t28"."t0",
        "t28"."t1",
        "t34"."unit" AS "unit_right",
        "t34"."text_0",
        "t34"."number_0"
      FROM (
        SELECT
          "t22"."unit",
          COALESCE(GET(ARRAY_AGG("t22"."state"), 0), 'unassigned') AS "state",
          GET(ARRAY_AGG("t22"."arm"), 0) AS "arm",
          GET(ARRAY_AGG("t22"."phase"), 0) AS "phase",
          GET(ARRAY_AGG("t22"."day"), 0) AS "day",
          CAST(COALESCE(COUNT_IF("t22"."m0" AND "t22"."p0"), 0) AS DOUBLE) AS "t0",
          CAST(COALESCE(COUNT_IF("t22"."m0" AND "t22"."p1"), 0) AS DOUBLE) AS "t1"
        FROM (
          SELECT
            "t19"."state",
            "t19"."arm",
            "t19"."phase",
            "t19"."day",
            "t17"."m0",
            COALESCE("t19"."unit", "t17"."unit") AS "unit",
            (
              (
                "t17"."at" - "t19"."exposed_at"
              ) >= 0
            )
            AND (
              (
                "t17"."at" - "t19"."exposed_at"
              ) < 432000000000
            ) AS "p0",
            (
              (
                "t17"."at" - "t19"."exposed_at"
              ) >= -864000000000
            )
            AND (
              (
                "t17"."at" - "t19"."exposed_at"
              ) < 0
            ) AS "p1"
          FROM (
            SELECT
              "t15"."unit",
              "t15"."arm",
              "t15"."phase",
              IFF("t15"."state" = 'analysed', "t15"."exposed_at", CAST(NULL AS BIGINT)) AS "exposed_at",
              "t15"."state",
              "t15"."day"
            FROM "t14" AS "t15"
          ) AS "t19"
          FULL OUTER JOIN (
            SELECT
              "t9"."unit",
              "t9"."at",
              (
                "t9"."event" = 'called'
              )
              AND (
                COALESCE(
                  (
                    IFF(
                      CASE
                        WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IS NULL
                        THEN NULL
                        WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IN ('VARCHAR')
                        THEN 'VARCHAR'
                        WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IN ('INTEGER', 'DECIMAL', 'DOUBLE')
                        THEN 'DOUBLE'
                        WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IN ('BOOLEAN')
                        THEN 'BOOLEAN'
                        WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IN ('NULL_VALUE')
                        THEN 'NULL'
                        ELSE 'OBJECT'
                      END IN ('BOOLEAN'),
                      CAST(GET(TRY_PARSE_JSON("t9"."properties"), 'channel') AS VARCHAR),
                      NULL
                    ) = 'true'
                  ) IN (TRUE),
                  FALSE
                )
                OR COALESCE(
                  CAST(IFF(
                    CASE
                      WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IS NULL
                      THEN NULL
                      WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IN ('VARCHAR')
                      THEN 'VARCHAR'
                      WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IN ('INTEGER', 'DECIMAL', 'DOUBLE')
                      THEN 'DOUBLE'
                      WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IN ('BOOLEAN')
                      THEN 'BOOLEAN'
                      WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IN ('NULL_VALUE')
                      THEN 'NULL'
                      ELSE 'OBJECT'
                    END IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE'),
                    CAST(GET(TRY_PARSE_JSON("t9"."properties"), 'channel') AS VARCHAR),
                    NULL
                  ) AS DOUBLE) IN (CAST(5.0 AS DOUBLE)),
                  FALSE
                )
                OR COALESCE(
                  IFF(
                    CASE
                      WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IS NULL
                      THEN NULL
                      WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IN ('VARCHAR')
                      THEN 'VARCHAR'
                      WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IN ('INTEGER', 'DECIMAL', 'DOUBLE')
                      THEN 'DOUBLE'
                      WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IN ('BOOLEAN')
                      THEN 'BOOLEAN'
                      WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'channel')) IN ('NULL_VALUE')
                      THEN 'NULL'
                      ELSE 'OBJECT'
                    END IN ('VARCHAR'),
                    CAST(GET(TRY_PARSE_JSON("t9"."properties"), 'channel') AS VARCHAR),
                    NULL
                  ) IN ('web', 'ünï'),
                  FALSE
                )
              )
              AND (
                CAST(IFF(
                  CASE
                    WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'amount')) IS NULL
                    THEN NULL
                    WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'amount')) IN ('VARCHAR')
                    THEN 'VARCHAR'
                    WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'amount')) IN ('INTEGER', 'DECIMAL', 'DOUBLE')
                    THEN 'DOUBLE'
                    WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'amount')) IN ('BOOLEAN')
                    THEN 'BOOLEAN'
                    WHEN TYPEOF(GET(TRY_PARSE_JSON("t9"."properties"), 'amount')) IN ('NULL_VALUE')
                    THEN 'NULL'
                    ELSE 'OBJECT'
                  END IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE'),
                  CAST(GET(TRY_PARSE_JSON("t9"."properties"), 'amount') AS VARCHAR),
                  NULL
                ) AS DOUBLE) >= CAST(1.0 AS DOUBLE)
              ) AS "m0"
            FROM (
              SELECT
                *
              FROM (
                SELECT
                  "t3".*
                  EXCLUDE ("time")
                FROM (
                  SELECT
                    "t0"."unit",
                    "t0"."event",
                    "t0"."time",
                    "t0"."value",
                    "t0"."properties",
                    DATE_PART(EPOCH_MICROSECOND, "t0"."time") AS "at"
                  FROM "leverboard_outcomes" AS "t0"
                ) AS "t3"
              ) AS "t6"
              WHERE
                "t6"."at" < 1775779200000000
                AND "t6"."at" >= 1771459200000000
                AND "t6"."event" IN ('called')
            ) AS "t9"
          ) AS "t17"
            ON "t19"."unit" = "t17"."unit"
        ) AS "t22"
        GROUP BY
          1
      ) AS "t28"
      LEFT OUTER JOIN (
        SELECT
          "t32"."unit",
          MAX(IFF("t32"."name" = 'plan', "t32"."label", NULL)) AS "text_0",
          MAX(IFF("t32"."name" = 'plan', "t32"."amount", NULL)) AS "number_0"
        FROM (
          SELECT
            "t31"."unit",
            "t31"."name",
            "t31"."text",
            "t31"."number",
            "t31"."truth",
            "t31"."at",
            "t31"."exposed_at",
            "t31"."last_0",
            COALESCE(
              "t31"."text",
              IFF(
                (
                  ABS("t31"."number") < CAST(1000000000000000.0 AS DOUBLE)
                )
                AND (
                  CAST(ROUND("t31"."number", 0) AS BIGINT) = "t31"."number"
                ),
                CAST(CAST(ROUND("t31"."number", 0) AS BIGINT) AS VARCHAR),
                CAST("t31"."number" AS VARCHAR)
              ),
              CASE
                WHEN "t31"."truth"
                THEN 'true'
                WHEN NOT (
                  "t31"."truth"
                )
                THEN 'false'
                ELSE NULL
              END
            ) AS "label",
            COALESCE(
              "t31"."number",
              CAST(CAST("t31"."truth" AS TINYINT) AS DOUBLE),
              IFF(
                REGEXP_LIKE(
                  "t31"."text",
                  CONCAT(
                    '.*',
                    '^[+-]?([0-9]{1,30}[.]?[0-9]{0,30}|[.][0-9]{1,30})([eE][+-]?[0-9]{1,2})?$',
                    '.*'
                  ),
                  'cs'
                ),
                CAST("t31"."text" AS DOUBLE),
                CAST(NULL AS DOUBLE)
              )
            ) AS "amount"
          FROM (
            SELECT
              "t26"."unit",
              "t26"."name",
              "t26"."text",
              "t26"."number",
              "t26"."truth",
              "t26"."at",
              "t26"."exposed_at",
              "t30"."last_0"
            FROM "t24" AS "t26"
            INNER JOIN (
              SELECT
                "t25"."unit",
                MAX(IFF("t25"."name" = 'plan', "t25"."at", NULL)) AS "last_0"
              FROM "t24" AS "t25"
              GROUP BY
                1
            ) AS "t30"
              ON "t26"."unit" = "t30"."unit"
          ) AS "t31"
          WHERE
            "t31"."at" = CASE WHEN "t31"."name" = 'plan' THEN "t31"."last_0" ELSE NULL END
        ) AS "t32"
        GROUP BY
          1
      ) AS "t34"
        ON "t28"."unit" = "t34"."unit"
    ) AS "t35"
  ) AS "t36"
)
SELECT
  "t0"."state",
  "t0"."arm",
  "t0"."phase",
  "t0"."day",
  COUNT(*) AS "n",
  AVG("t0"."c0") AS "mean_c0",
  AVG("t0"."c1") AS "mean_c1",
  COVAR_SAMP("t0"."c0", "t0"."c0") AS "cov_0_0",
  COVAR_SAMP("t0"."c0", "t0"."c1") AS "cov_0_1",
  COVAR_SAMP("t0"."c1", "t0"."c1") AS "cov_1_1"
FROM "leverboard_units" AS "t0"
GROUP BY
  1,
  2,
  3,
  4;

-- largest
WITH "t1" AS (
  SELECT
    *
  FROM "leverboard_units" AS "t0"
  WHERE
    "t0"."state" = 'analysed'
)
SELECT
  "t6"."arm",
  "t6"."phase",
  MAX("t6"."q0") AS "threshold_0",
  COUNT_IF(ABS("t6"."c0") > "t6"."q0") AS "n_0",
  COALESCE(SUM(IFF(ABS("t6"."c0") > "t6"."q0", "t6"."c0", NULL)), CAST(0.0 AS DOUBLE)) AS "total_0"
FROM (
  SELECT
    "t3"."state",
    "t3"."arm",
    "t3"."phase",
    "t3"."day",
    "t3"."c0",
    "t3"."c1",
    "t3"."s0",
    "t5"."q0"
  FROM "t1" AS "t3"
  CROSS JOIN (
    SELECT
      PERCENTILE_CONT(CAST(0.999 AS DOUBLE)) WITHIN GROUP (ORDER BY
        ABS("t2"."c0")) AS "q0"
    FROM "t1" AS "t2"
  ) AS "t5"
) AS "t6"
GROUP BY
  1,
  2;

-- segment 0
SELECT
  "t10"."arm",
  "t10"."phase",
  "t10"."value",
  COUNT(*) AS "n",
  AVG("t10"."c0") AS "mean_c0",
  AVG("t10"."c1") AS "mean_c1",
  COVAR_SAMP("t10"."c0", "t10"."c0") AS "cov_0_0",
  COVAR_SAMP("t10"."c0", "t10"."c1") AS "cov_0_1",
  COVAR_SAMP("t10"."c1", "t10"."c1") AS "cov_1_1"
FROM (
  SELECT
    "t9"."state",
    "t9"."arm",
    "t9"."phase",
    "t9"."day",
    "t9"."c0",
    "t9"."c1",
    "t9"."s0",
    "t9"."kept",
    CASE
      WHEN "t9"."s0" IS NULL
      THEN 'missing'
      WHEN "t9"."kept" IS NULL
      THEN 'other'
      ELSE "t9"."kept"
    END AS "value"
  FROM (
    SELECT
      "t3"."state",
      "t3"."arm",
      "t3"."phase",
      "t3"."day",
      "t3"."c0",
      "t3"."c1",
      "t3"."s0",
      "t8"."kept"
    FROM (
      SELECT
        *
      FROM "leverboard_units" AS "t0"
      WHERE
        "t0"."state" = 'analysed'
    ) AS "t3"
    LEFT OUTER JOIN (
      SELECT
        "t6"."s0" AS "kept"
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t2"."s0",
            COUNT(*) AS "size"
          FROM (
            SELECT
              *
            FROM "leverboard_units" AS "t0"
            WHERE
              "t0"."state" = 'analysed' AND NOT "t0"."s0" IS NULL
          ) AS "t2"
          GROUP BY
            1
        ) AS "t4"
        ORDER BY
          "t4"."size" DESC NULLS LAST,
          "t4"."s0" ASC
        LIMIT 20
      ) AS "t6"
    ) AS "t8"
      ON "t3"."s0" = "t8"."kept"
  ) AS "t9"
) AS "t10"
GROUP BY
  1,
  2,
  3;

-- counts
/* leverboard_units, where it differs:
@@ -121 +121,2 @@
-    "t36"."text_0" AS "s0"
+    "t36"."text_0" AS "s0",
+    "t36"."unit"
*/
SELECT
  "t0"."state",
  COUNT(*) AS "n"
FROM "leverboard_units" AS "t0"
GROUP BY
  1;

-- rows
SELECT
  *
FROM (
  SELECT
    "t3"."arm",
    "t3"."phase",
    "t3"."day",
    "t3"."c0",
    "t3"."c1",
    "t8"."kept0" AS "s0",
    CAST(IFF((
      NOT "t3"."s0" IS NULL
    ) AND (
      "t8"."kept0" IS NULL
    ), 1, 0) AS INT) AS "o0",
    IFF(
      REGEXP_LIKE(
        "t3"."s0",
        CONCAT(
          '.*',
          '^[+-]?([0-9]{1,30}[.]?[0-9]{0,30}|[.][0-9]{1,30})([eE][+-]?[0-9]{1,2})?$',
          '.*'
        ),
        'cs'
      ),
      CAST("t3"."s0" AS DOUBLE),
      CAST(NULL AS DOUBLE)
    ) AS "n0",
    CAST(IFF(
      SUBSTRING(
        MD5(CONCAT('half 1 ', "t3"."unit")),
        IFF((
          17 + 1
        ) >= 1, 17 + 1, 17 + 1 + LENGTH(MD5(CONCAT('half 1 ', "t3"."unit")))),
        1
      ) IN ('0', '2', '4', '6', '8', 'a', 'c', 'e'),
      1,
      0
    ) AS INT) AS "half",
    MD5(CONCAT('order 1 ', "t3"."unit")) AS "key"
  FROM (
    SELECT
      *
    FROM "leverboard_units" AS "t0"
    WHERE
      "t0"."state" = 'analysed'
  ) AS "t3"
  LEFT OUTER JOIN (
    SELECT
      "t6"."s0" AS "kept0"
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t2"."s0",
          COUNT(*) AS "size"
        FROM (
          SELECT
            *
          FROM "leverboard_units" AS "t0"
          WHERE
            "t0"."state" = 'analysed' AND NOT "t0"."s0" IS NULL
        ) AS "t2"
        GROUP BY
          1
      ) AS "t4"
      ORDER BY
        "t4"."size" DESC NULLS LAST,
        "t4"."s0" ASC
      LIMIT 1000
    ) AS "t6"
  ) AS "t8"
    ON "t3"."s0" = "t8"."kept0"
) AS "t9"
ORDER BY
  "t9"."key" ASC
LIMIT 1000000;
