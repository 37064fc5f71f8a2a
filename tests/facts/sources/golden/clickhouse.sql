-- cells
WITH "leverboard_assignments" AS (
  SELECT
    CAST('exp_1' AS Nullable(String)) AS "experiment",
    CAST("r"."Customer Id" AS Nullable(String)) AS "unit",
    CAST("r"."variant" AS Nullable(String)) AS "arm",
    toDateTime64("r"."at", 6, 'UTC') AS "time",
    CAST("r"."stage" AS Nullable(Int32)) AS "phase"
  FROM "assigned" AS "r"
  WHERE
    CAST("r"."test" AS Nullable(String)) = 'it''s checkout-7'
    AND NOT (
      "r"."Customer Id" IS NULL
    )
    AND NOT (
      "r"."variant" IS NULL
    )
    AND NOT (
      "r"."at" IS NULL
    )
), "leverboard_outcomes" AS (
  SELECT
    CAST("r"."who" AS Nullable(String)) AS "unit",
    CAST("r"."what" AS Nullable(String)) AS "event",
    toDateTime64("r"."happened", 6, 'UTC') AS "time",
    CAST("r"."amount" AS Nullable(Float64)) AS "value",
    CAST("r"."details" AS Nullable(String)) AS "properties"
  FROM "events" AS "r"
  WHERE
    NOT (
      "r"."who" IS NULL
    )
    AND NOT (
      "r"."happened" IS NULL
    )
    AND toDateTime64("r"."happened", 6, 'UTC') < toDateTime64('2026-04-10 00:00:00.000000', 6, 'UTC')
    AND toDateTime64("r"."happened", 6, 'UTC') >= toDateTime64('2026-02-19 00:00:00.000000', 6, 'UTC')
  UNION ALL
  SELECT
    CAST("r"."customer" AS Nullable(String)) AS "unit",
    CAST('ordered' AS Nullable(String)) AS "event",
    toDateTime64("r"."created", 6, 'UTC') AS "time",
    CAST("r"."total" AS Nullable(Float64)) AS "value",
    CAST("r"."details" AS Nullable(String)) AS "properties"
  FROM (
    SELECT
      customer,
      created,
      total,
      details
    FROM orders
    WHERE
      NOT (
        total IS NULL
      )
  ) AS "r"
  WHERE
    NOT (
      "r"."customer" IS NULL
    )
    AND NOT (
      "r"."created" IS NULL
    )
    AND toDateTime64("r"."created", 6, 'UTC') < toDateTime64('2026-04-10 00:00:00.000000', 6, 'UTC')
    AND toDateTime64("r"."created", 6, 'UTC') >= toDateTime64('2026-02-19 00:00:00.000000', 6, 'UTC')
), "leverboard_attributes" AS (
  SELECT
    CAST("r"."customer" AS Nullable(String)) AS "unit",
    CAST("r"."trait" AS Nullable(String)) AS "name",
    CAST("r"."label" AS Nullable(String)) AS "text",
    CAST("r"."amount" AS Nullable(Float64)) AS "number",
    CAST("r"."flag" AS Nullable(Bool)) AS "truth",
    toDateTime64("r"."since", 6, 'UTC') AS "time"
  FROM "traits" AS "r"
  WHERE
    NOT (
      "r"."customer" IS NULL
    ) AND NOT (
      "r"."since" IS NULL
    )
), "leverboard_units" AS (
  WITH "t14" AS (
    SELECT
      "t13"."unit" AS "unit",
      "t13"."arm" AS "arm",
      "t13"."phase" AS "phase",
      "t13"."assigned_at" AS "exposed_at",
      CASE
        WHEN isNull("t13"."arm")
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
        WHEN isNull("t13"."assigned_at")
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
      )) AS Nullable(Int64)) AS Nullable(Int32)) AS "day"
    FROM (
      SELECT
        "t10"."unit" AS "unit",
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
            EXCEPT ("time")
          FROM (
            SELECT
              "t1"."experiment" AS "experiment",
              "t1"."unit" AS "unit",
              "t1"."arm" AS "arm",
              "t1"."time" AS "time",
              "t1"."phase" AS "phase",
              toUnixTimestamp64Micro("t1"."time") AS "at"
            FROM "leverboard_assignments" AS "t1"
          ) AS "t4"
        ) AS "t7"
        WHERE
          "t7"."at" < 1775779200000000 AND "t7"."experiment" = 'exp_1'
      ) AS "t10"
      GROUP BY
        "t10"."unit"
    ) AS "t13"
  ), "t24" AS (
    SELECT
      *
    FROM (
      SELECT
        "t12"."unit" AS "unit",
        "t12"."name" AS "name",
        "t12"."text" AS "text",
        "t12"."number" AS "number",
        "t12"."truth" AS "truth",
        "t12"."at" AS "at",
        "t21"."exposed_at" AS "exposed_at"
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t5".*
            EXCEPT ("time")
          FROM (
            SELECT
              "t2"."unit" AS "unit",
              "t2"."name" AS "name",
              "t2"."text" AS "text",
              "t2"."number" AS "number",
              "t2"."truth" AS "truth",
              "t2"."time" AS "time",
              toUnixTimestamp64Micro("t2"."time") AS "at"
            FROM "leverboard_attributes" AS "t2"
          ) AS "t5"
        ) AS "t8"
        WHERE
          "t8"."at" < 1775779200000000 AND "t8"."name" IN ('plan')
      ) AS "t12"
      INNER JOIN (
        SELECT
          "t15"."unit" AS "unit",
          CASE
            WHEN "t15"."state" = 'analysed'
            THEN "t15"."exposed_at"
            ELSE CAST(NULL AS Nullable(Int64))
          END AS "exposed_at"
        FROM "t14" AS "t15"
        WHERE
          isNotNull(
            CASE
              WHEN "t15"."state" = 'analysed'
              THEN "t15"."exposed_at"
              ELSE CAST(NULL AS Nullable(Int64))
            END
          )
      ) AS "t21"
        ON "t12"."unit" = "t21"."unit"
    ) AS "t23"
    WHERE
      "t23"."at" < "t23"."exposed_at"
  )
  SELECT
    "t36"."state" AS "state",
    "t36"."arm" AS "arm",
    "t36"."phase" AS "phase",
    "t36"."day" AS "day",
    "t36"."t0" AS "c0",
    "t36"."t1" AS "c1",
    "t36"."text_0" AS "s0"
  FROM (
    SELECT
      "t35".*
      EXCEPT ("unit_right")
    FROM (
      SELECT
        "t28"."unit" AS "unit",
        "t28"."state" AS "state",
        "t28"."arm" AS "arm",
        "t28"."phase" AS "phase",
        "t28"."day" AS "day",
        "t28"."t0" AS "t0",
        "t28"."t1" AS "t1",
        "t34"."unit" AS "unit_right",
        "t34"."text_0" AS "text_0",
        "t34"."number_0" AS "number_0"
      FROM (
        SELECT
          "t22"."unit" AS "unit",
          COALESCE(any("t22"."state"), 'unassigned') AS "state",
          any("t22"."arm") AS "arm",
          any("t22"."phase") AS "phase",
          any("t22"."day") AS "day",
          CAST(COALESCE(countIf("t22"."m0" AND "t22"."p0"), 0) AS Nullable(Float64)) AS "t0",
          CAST(COALESCE(countIf("t22"."m0" AND "t22"."p1"), 0) AS Nullable(Float64)) AS "t1"
        FROM (
          SELECT
            "t19"."state" AS "state",
            "t19"."arm" AS "arm",
            "t19"."phase" AS "phase",
            "t19"."day" AS "day",
            "t17"."m0" AS "m0",
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
              "t15"."unit" AS "unit",
              "t15"."arm" AS "arm",
              "t15"."phase" AS "phase",
              CASE
                WHEN "t15"."state" = 'analysed'
                THEN "t15"."exposed_at"
                ELSE CAST(NULL AS Nullable(Int64))
              END AS "exposed_at",
              "t15"."state" AS "state",
              "t15"."day" AS "day"
            FROM "t14" AS "t15"
          ) AS "t19"
          FULL OUTER JOIN (
            SELECT
              "t9"."unit" AS "unit",
              "t9"."at" AS "at",
              (
                "t9"."event" = 'called'
              )
              AND (
                COALESCE(
                  (
                    CASE
                      WHEN CASE
                        WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IS NULL
                        THEN NULL
                        WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IN ('String')
                        THEN 'VARCHAR'
                        WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IN ('Int64', 'UInt64', 'Double')
                        THEN 'DOUBLE'
                        WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IN ('Bool')
                        THEN 'BOOLEAN'
                        WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IN ('Null')
                        THEN 'NULL'
                        ELSE 'OBJECT'
                      END IN ('BOOLEAN')
                      THEN CASE
                        WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) = 'String'
                        THEN JSONExtractString("t9"."properties", 'channel')
                        ELSE JSONExtractRaw("t9"."properties", 'channel')
                      END
                      ELSE NULL
                    END = 'true'
                  ) IN (TRUE),
                  FALSE
                )
                OR COALESCE(
                  CAST(CASE
                    WHEN CASE
                      WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IS NULL
                      THEN NULL
                      WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IN ('String')
                      THEN 'VARCHAR'
                      WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IN ('Int64', 'UInt64', 'Double')
                      THEN 'DOUBLE'
                      WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IN ('Bool')
                      THEN 'BOOLEAN'
                      WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IN ('Null')
                      THEN 'NULL'
                      ELSE 'OBJECT'
                    END IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE')
                    THEN CASE
                      WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) = 'String'
                      THEN JSONExtractString("t9"."properties", 'channel')
                      ELSE JSONExtractRaw("t9"."properties", 'channel')
                    END
                    ELSE NULL
                  END AS Nullable(Float64)) IN (CAST(5.0 AS Nullable(Float64))),
                  FALSE
                )
                OR COALESCE(
                  CASE
                    WHEN CASE
                      WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IS NULL
                      THEN NULL
                      WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IN ('String')
                      THEN 'VARCHAR'
                      WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IN ('Int64', 'UInt64', 'Double')
                      THEN 'DOUBLE'
                      WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IN ('Bool')
                      THEN 'BOOLEAN'
                      WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) IN ('Null')
                      THEN 'NULL'
                      ELSE 'OBJECT'
                    END IN ('VARCHAR')
                    THEN CASE
                      WHEN CAST(JSONType("t9"."properties", 'channel') AS Nullable(String)) = 'String'
                      THEN JSONExtractString("t9"."properties", 'channel')
                      ELSE JSONExtractRaw("t9"."properties", 'channel')
                    END
                    ELSE NULL
                  END IN ('web', 'ünï'),
                  FALSE
                )
              )
              AND (
                CAST(CASE
                  WHEN CASE
                    WHEN CAST(JSONType("t9"."properties", 'amount') AS Nullable(String)) IS NULL
                    THEN NULL
                    WHEN CAST(JSONType("t9"."properties", 'amount') AS Nullable(String)) IN ('String')
                    THEN 'VARCHAR'
                    WHEN CAST(JSONType("t9"."properties", 'amount') AS Nullable(String)) IN ('Int64', 'UInt64', 'Double')
                    THEN 'DOUBLE'
                    WHEN CAST(JSONType("t9"."properties", 'amount') AS Nullable(String)) IN ('Bool')
                    THEN 'BOOLEAN'
                    WHEN CAST(JSONType("t9"."properties", 'amount') AS Nullable(String)) IN ('Null')
                    THEN 'NULL'
                    ELSE 'OBJECT'
                  END IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE')
                  THEN CASE
                    WHEN CAST(JSONType("t9"."properties", 'amount') AS Nullable(String)) = 'String'
                    THEN JSONExtractString("t9"."properties", 'amount')
                    ELSE JSONExtractRaw("t9"."properties", 'amount')
                  END
                  ELSE NULL
                END AS Nullable(Float64)) >= CAST(1.0 AS Nullable(Float64))
              ) AS "m0"
            FROM (
              SELECT
                *
              FROM (
                SELECT
                  "t3".*
                  EXCEPT ("time")
                FROM (
                  SELECT
                    "t0"."unit" AS "unit",
                    "t0"."event" AS "event",
                    "t0"."time" AS "time",
                    "t0"."value" AS "value",
                    "t0"."properties" AS "properties",
                    toUnixTimestamp64Micro("t0"."time") AS "at"
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
          "t22"."unit"
      ) AS "t28"
      LEFT OUTER JOIN (
        SELECT
          "t32"."unit" AS "unit",
          maxIf("t32"."label", "t32"."name" = 'plan') AS "text_0",
          maxIf("t32"."amount", "t32"."name" = 'plan') AS "number_0"
        FROM (
          SELECT
            "t31"."unit" AS "unit",
            "t31"."name" AS "name",
            "t31"."text" AS "text",
            "t31"."number" AS "number",
            "t31"."truth" AS "truth",
            "t31"."at" AS "at",
            "t31"."exposed_at" AS "exposed_at",
            "t31"."last_0" AS "last_0",
            COALESCE(
              "t31"."text",
              CASE
                WHEN (
                  ABS("t31"."number") < CAST(1000000000000000.0 AS Nullable(Float64))
                )
                AND (
                  CAST(ROUND("t31"."number", 0) AS Nullable(Int64)) = "t31"."number"
                )
                THEN CAST(CAST(ROUND("t31"."number", 0) AS Nullable(Int64)) AS Nullable(String))
                ELSE CAST("t31"."number" AS Nullable(String))
              END,
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
              CAST(CAST("t31"."truth" AS Nullable(Int8)) AS Nullable(Float64)),
              CASE
                WHEN match(
                  "t31"."text",
                  '^[+-]?([0-9]{1,30}[.]?[0-9]{0,30}|[.][0-9]{1,30})([eE][+-]?[0-9]{1,2})?$'
                )
                THEN accurateCastOrNull("t31"."text", 'Nullable(Float64)')
                ELSE CAST(NULL AS Nullable(Float64))
              END
            ) AS "amount"
          FROM (
            SELECT
              "t26"."unit" AS "unit",
              "t26"."name" AS "name",
              "t26"."text" AS "text",
              "t26"."number" AS "number",
              "t26"."truth" AS "truth",
              "t26"."at" AS "at",
              "t26"."exposed_at" AS "exposed_at",
              "t30"."last_0" AS "last_0"
            FROM "t24" AS "t26"
            INNER JOIN (
              SELECT
                "t25"."unit" AS "unit",
                maxIf("t25"."at", "t25"."name" = 'plan') AS "last_0"
              FROM "t24" AS "t25"
              GROUP BY
                "t25"."unit"
            ) AS "t30"
              ON "t26"."unit" = "t30"."unit"
          ) AS "t31"
          WHERE
            "t31"."at" = CASE WHEN "t31"."name" = 'plan' THEN "t31"."last_0" ELSE NULL END
        ) AS "t32"
        GROUP BY
          "t32"."unit"
      ) AS "t34"
        ON "t28"."unit" = "t34"."unit"
    ) AS "t35"
  ) AS "t36"
)
SELECT
  "t0"."state" AS "state",
  "t0"."arm" AS "arm",
  "t0"."phase" AS "phase",
  "t0"."day" AS "day",
  COUNT(*) AS "n",
  AVG("t0"."c0") AS "mean_c0",
  AVG("t0"."c1") AS "mean_c1",
  covarSamp("t0"."c0", "t0"."c0") AS "cov_0_0",
  covarSamp("t0"."c0", "t0"."c1") AS "cov_0_1",
  covarSamp("t0"."c1", "t0"."c1") AS "cov_1_1"
FROM "leverboard_units" AS "t0"
GROUP BY
  "t0"."state",
  "t0"."arm",
  "t0"."phase",
  "t0"."day";

-- largest
WITH "t1" AS (
  SELECT
    *
  FROM "leverboard_units" AS "t0"
  WHERE
    "t0"."state" = 'analysed'
)
SELECT
  "t6"."arm" AS "arm",
  "t6"."phase" AS "phase",
  MAX("t6"."q0") AS "threshold_0",
  countIf(ABS("t6"."c0") > "t6"."q0") AS "n_0",
  COALESCE(sumIf("t6"."c0", ABS("t6"."c0") > "t6"."q0"), CAST(0.0 AS Nullable(Float64))) AS "total_0"
FROM (
  SELECT
    "t3"."state" AS "state",
    "t3"."arm" AS "arm",
    "t3"."phase" AS "phase",
    "t3"."day" AS "day",
    "t3"."c0" AS "c0",
    "t3"."c1" AS "c1",
    "t3"."s0" AS "s0",
    "t5"."q0" AS "q0"
  FROM "t1" AS "t3"
  CROSS JOIN (
    SELECT
      quantile(CAST(0.999 AS Nullable(Float64)))(ABS("t2"."c0")) AS "q0"
    FROM "t1" AS "t2"
  ) AS "t5"
) AS "t6"
GROUP BY
  "t6"."arm",
  "t6"."phase";

-- segment 0
SELECT
  "t10"."arm" AS "arm",
  "t10"."phase" AS "phase",
  "t10"."value" AS "value",
  COUNT(*) AS "n",
  AVG("t10"."c0") AS "mean_c0",
  AVG("t10"."c1") AS "mean_c1",
  covarSamp("t10"."c0", "t10"."c0") AS "cov_0_0",
  covarSamp("t10"."c0", "t10"."c1") AS "cov_0_1",
  covarSamp("t10"."c1", "t10"."c1") AS "cov_1_1"
FROM (
  SELECT
    "t9"."state" AS "state",
    "t9"."arm" AS "arm",
    "t9"."phase" AS "phase",
    "t9"."day" AS "day",
    "t9"."c0" AS "c0",
    "t9"."c1" AS "c1",
    "t9"."s0" AS "s0",
    "t9"."kept" AS "kept",
    CASE
      WHEN isNull("t9"."s0")
      THEN 'missing'
      WHEN isNull("t9"."kept")
      THEN 'other'
      ELSE "t9"."kept"
    END AS "value"
  FROM (
    SELECT
      "t3"."state" AS "state",
      "t3"."arm" AS "arm",
      "t3"."phase" AS "phase",
      "t3"."day" AS "day",
      "t3"."c0" AS "c0",
      "t3"."c1" AS "c1",
      "t3"."s0" AS "s0",
      "t8"."kept" AS "kept"
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
            "t2"."s0" AS "s0",
            COUNT(*) AS "size"
          FROM (
            SELECT
              *
            FROM "leverboard_units" AS "t0"
            WHERE
              "t0"."state" = 'analysed' AND isNotNull("t0"."s0")
          ) AS "t2"
          GROUP BY
            "t2"."s0"
        ) AS "t4"
        ORDER BY
          "t4"."size" DESC,
          "t4"."s0" ASC
        LIMIT 20
      ) AS "t6"
    ) AS "t8"
      ON "t3"."s0" = "t8"."kept"
  ) AS "t9"
) AS "t10"
GROUP BY
  "t10"."arm",
  "t10"."phase",
  "t10"."value";

-- counts
/* leverboard_units, where it differs:
@@ -131 +131,2 @@
-    "t36"."text_0" AS "s0"
+    "t36"."text_0" AS "s0",
+    "t36"."unit" AS "unit"
*/
SELECT
  "t0"."state" AS "state",
  COUNT(*) AS "n"
FROM "leverboard_units" AS "t0"
GROUP BY
  "t0"."state";

-- rows
SELECT
  *
FROM (
  SELECT
    "t3"."arm" AS "arm",
    "t3"."phase" AS "phase",
    "t3"."day" AS "day",
    "t3"."c0" AS "c0",
    "t3"."c1" AS "c1",
    "t8"."kept0" AS "s0",
    CAST(CASE WHEN isNotNull("t3"."s0") AND isNull("t8"."kept0") THEN 1 ELSE 0 END AS Nullable(Int32)) AS "o0",
    CASE
      WHEN match(
        "t3"."s0",
        '^[+-]?([0-9]{1,30}[.]?[0-9]{0,30}|[.][0-9]{1,30})([eE][+-]?[0-9]{1,2})?$'
      )
      THEN accurateCastOrNull("t3"."s0", 'Nullable(Float64)')
      ELSE CAST(NULL AS Nullable(Float64))
    END AS "n0",
    CAST(CASE
      WHEN SUBSTRING(
        LOWER(HEX(MD5(CONCAT('half 1 ', "t3"."unit")))),
        CASE
          WHEN (
            17 + 1
          ) >= 1
          THEN 17 + 1
          ELSE 17 + 1 + LENGTH(LOWER(HEX(MD5(CONCAT('half 1 ', "t3"."unit")))))
        END,
        1
      ) IN ('0', '2', '4', '6', '8', 'a', 'c', 'e')
      THEN 1
      ELSE 0
    END AS Nullable(Int32)) AS "half",
    LOWER(HEX(MD5(CONCAT('order 1 ', "t3"."unit")))) AS "key"
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
          "t2"."s0" AS "s0",
          COUNT(*) AS "size"
        FROM (
          SELECT
            *
          FROM "leverboard_units" AS "t0"
          WHERE
            "t0"."state" = 'analysed' AND isNotNull("t0"."s0")
        ) AS "t2"
        GROUP BY
          "t2"."s0"
      ) AS "t4"
      ORDER BY
        "t4"."size" DESC,
        "t4"."s0" ASC
      LIMIT 1000
    ) AS "t6"
  ) AS "t8"
    ON "t3"."s0" = "t8"."kept0"
) AS "t9"
ORDER BY
  "t9"."key" ASC
LIMIT 1000000;
