-- cells
WITH "leverboard_assignments" AS (
  SELECT
    CAST('exp_1' AS VARCHAR) AS "experiment",
    CAST("r"."Customer Id" AS VARCHAR) AS "unit",
    CAST("r"."variant" AS VARCHAR) AS "arm",
    CAST("r"."at" AS TIMESTAMP(6) WITH TIME ZONE) AS "time",
    CAST("r"."stage" AS INTEGER) AS "phase"
  FROM "assigned" AS "r"
  WHERE
    CAST("r"."test" AS VARCHAR) = 'it''s checkout-7'
    AND NOT "r"."Customer Id" IS NULL
    AND NOT "r"."variant" IS NULL
    AND NOT "r"."at" IS NULL
), "leverboard_outcomes" AS (
  SELECT
    CAST("r"."who" AS VARCHAR) AS "unit",
    CAST("r"."what" AS VARCHAR) AS "event",
    CAST("r"."happened" AS TIMESTAMP(6) WITH TIME ZONE) AS "time",
    CAST("r"."amount" AS DOUBLE) AS "value",
    CAST("r"."details" AS VARCHAR) AS "properties"
  FROM "events" AS "r"
  WHERE
    NOT "r"."who" IS NULL
    AND NOT "r"."happened" IS NULL
    AND CAST("r"."happened" AS TIMESTAMP(6) WITH TIME ZONE) < CAST('2026-04-10 00:00:00.000000 UTC' AS TIMESTAMP(6) WITH TIME ZONE)
    AND CAST("r"."happened" AS TIMESTAMP(6) WITH TIME ZONE) >= CAST('2026-02-19 00:00:00.000000 UTC' AS TIMESTAMP(6) WITH TIME ZONE)
  UNION ALL
  SELECT
    CAST("r"."customer" AS VARCHAR) AS "unit",
    CAST('ordered' AS VARCHAR) AS "event",
    CAST("r"."created" AS TIMESTAMP(6) WITH TIME ZONE) AS "time",
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
    AND CAST("r"."created" AS TIMESTAMP(6) WITH TIME ZONE) < CAST('2026-04-10 00:00:00.000000 UTC' AS TIMESTAMP(6) WITH TIME ZONE)
    AND CAST("r"."created" AS TIMESTAMP(6) WITH TIME ZONE) >= CAST('2026-02-19 00:00:00.000000 UTC' AS TIMESTAMP(6) WITH TIME ZONE)
), "leverboard_attributes" AS (
  SELECT
    CAST("r"."customer" AS VARCHAR) AS "unit",
    CAST("r"."trait" AS VARCHAR) AS "name",
    CAST("r"."label" AS VARCHAR) AS "text",
    CAST("r"."amount" AS DOUBLE) AS "number",
    CAST("r"."flag" AS BOOLEAN) AS "truth",
    CAST("r"."since" AS TIMESTAMP(6) WITH TIME ZONE) AS "time"
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
      CAST(CAST(FLOOR(
        CAST((
          COALESCE("t13"."assigned_at", "t13"."assigned_at")
        ) AS DOUBLE) / (
          86400000000
        )
      ) AS BIGINT) AS INTEGER) AS "day"
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
            "t4"."experiment",
            "t4"."unit",
            "t4"."arm",
            "t4"."phase",
            "t4"."at"
          FROM (
            SELECT
              "t1"."experiment",
              "t1"."unit",
              "t1"."arm",
              "t1"."time",
              "t1"."phase",
              CAST(ROUND(TO_UNIXTIME("t1"."time") * 1000000) AS BIGINT) AS "at"
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
            "t5"."unit",
            "t5"."name",
            "t5"."text",
            "t5"."number",
            "t5"."truth",
            "t5"."at"
          FROM (
            SELECT
              "t2"."unit",
              "t2"."name",
              "t2"."text",
              "t2"."number",
              "t2"."truth",
              "t2"."time",
              CAST(ROUND(TO_UNIXTIME("t2"."time") * 1000000) AS BIGINT) AS "at"
            FROM "leverboard_attributes" AS "t2"
          ) AS "t5"
        ) AS "t8"
        WHERE
          "t8"."at" < 1775779200000000 AND "t8"."name" IN ('plan')
      ) AS "t12"
      INNER JOIN (
        SELECT
          "t15"."unit",
          IF("t15"."state" = 'analysed', "t15"."exposed_at", CAST(NULL AS BIGINT)) AS "exposed_at"
        FROM "t14" AS "t15"
        WHERE
          NOT IF("t15"."state" = 'analysed', "t15"."exposed_at", CAST(NULL AS BIGINT)) IS NULL
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
      "t35"."unit",
      "t35"."state",
      "t35"."arm",
      "t35"."phase",
      "t35"."day",
      "t35"."t0",
      "t35"."t1",
      "t35"."text_0",
      "t35"."number_0"
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
          COALESCE(ARBITRARY("t22"."state"), 'unassigned') AS "state",
          ARBITRARY("t22"."arm") AS "arm",
          ARBITRARY("t22"."phase") AS "phase",
          ARBITRARY("t22"."day") AS "day",
          CAST(COALESCE(COUNT(*) FILTER(WHERE
            "t22"."m0" AND "t22"."p0"), 0) AS DOUBLE) AS "t0",
          CAST(COALESCE(COUNT(*) FILTER(WHERE
            "t22"."m0" AND "t22"."p1"), 0) AS DOUBLE) AS "t1"
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
              IF("t15"."state" = 'analysed', "t15"."exposed_at", CAST(NULL AS BIGINT)) AS "exposed_at",
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
                    IF(
                      CASE
                        WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IS NULL
                        THEN NULL
                        WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IN ('"')
                        THEN 'VARCHAR'
                        WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IN ('-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
                        THEN 'DOUBLE'
                        WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IN ('t', 'f')
                        THEN 'BOOLEAN'
                        WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IN ('n')
                        THEN 'NULL'
                        ELSE 'OBJECT'
                      END IN ('BOOLEAN'),
                      JSON_EXTRACT_SCALAR("t9"."properties", '$.channel'),
                      NULL
                    ) = 'true'
                  ) IN (TRUE),
                  FALSE
                )
                OR COALESCE(
                  CAST(IF(
                    CASE
                      WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IS NULL
                      THEN NULL
                      WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IN ('"')
                      THEN 'VARCHAR'
                      WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IN ('-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
                      THEN 'DOUBLE'
                      WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IN ('t', 'f')
                      THEN 'BOOLEAN'
                      WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IN ('n')
                      THEN 'NULL'
                      ELSE 'OBJECT'
                    END IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE'),
                    JSON_EXTRACT_SCALAR("t9"."properties", '$.channel'),
                    NULL
                  ) AS DOUBLE) IN (CAST(CAST(5.0 AS DOUBLE) AS DOUBLE)),
                  FALSE
                )
                OR COALESCE(
                  IF(
                    CASE
                      WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IS NULL
                      THEN NULL
                      WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IN ('"')
                      THEN 'VARCHAR'
                      WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IN ('-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
                      THEN 'DOUBLE'
                      WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IN ('t', 'f')
                      THEN 'BOOLEAN'
                      WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.channel')), 1, 1) IN ('n')
                      THEN 'NULL'
                      ELSE 'OBJECT'
                    END IN ('VARCHAR'),
                    JSON_EXTRACT_SCALAR("t9"."properties", '$.channel'),
                    NULL
                  ) IN ('web', 'ünï'),
                  FALSE
                )
              )
              AND (
                CAST(IF(
                  CASE
                    WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.amount')), 1, 1) IS NULL
                    THEN NULL
                    WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.amount')), 1, 1) IN ('"')
                    THEN 'VARCHAR'
                    WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.amount')), 1, 1) IN ('-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
                    THEN 'DOUBLE'
                    WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.amount')), 1, 1) IN ('t', 'f')
                    THEN 'BOOLEAN'
                    WHEN SUBSTRING(JSON_FORMAT(JSON_EXTRACT("t9"."properties", '$.amount')), 1, 1) IN ('n')
                    THEN 'NULL'
                    ELSE 'OBJECT'
                  END IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE'),
                  JSON_EXTRACT_SCALAR("t9"."properties", '$.amount'),
                  NULL
                ) AS DOUBLE) >= CAST(CAST(1.0 AS DOUBLE) AS DOUBLE)
              ) AS "m0"
            FROM (
              SELECT
                *
              FROM (
                SELECT
                  "t3"."unit",
                  "t3"."event",
                  "t3"."value",
                  "t3"."properties",
                  "t3"."at"
                FROM (
                  SELECT
                    "t0"."unit",
                    "t0"."event",
                    "t0"."time",
                    "t0"."value",
                    "t0"."properties",
                    CAST(ROUND(TO_UNIXTIME("t0"."time") * 1000000) AS BIGINT) AS "at"
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
          MAX("t32"."label") FILTER(WHERE
            "t32"."name" = 'plan') AS "text_0",
          MAX("t32"."amount") FILTER(WHERE
            "t32"."name" = 'plan') AS "number_0"
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
              IF(
                (
                  ABS("t31"."number") < CAST(CAST(1000000000000000.0 AS DOUBLE) AS DOUBLE)
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
              IF(
                REGEXP_LIKE(
                  "t31"."text",
                  '^[+-]?([0-9]{1,30}[.]?[0-9]{0,30}|[.][0-9]{1,30})([eE][+-]?[0-9]{1,2})?$'
                ),
                TRY_CAST("t31"."text" AS DOUBLE),
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
                MAX("t25"."at") FILTER(WHERE
                  "t25"."name" = 'plan') AS "last_0"
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
          "t4"."size" DESC,
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
@@ -130 +130,2 @@
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
    CAST(IF((
      NOT "t3"."s0" IS NULL
    ) AND (
      "t8"."kept0" IS NULL
    ), 1, 0) AS INTEGER) AS "o0",
    IF(
      REGEXP_LIKE(
        "t3"."s0",
        '^[+-]?([0-9]{1,30}[.]?[0-9]{0,30}|[.][0-9]{1,30})([eE][+-]?[0-9]{1,2})?$'
      ),
      TRY_CAST("t3"."s0" AS DOUBLE),
      CAST(NULL AS DOUBLE)
    ) AS "n0",
    CAST(IF(
      SUBSTRING(
        LOWER(TO_HEX(MD5(TO_UTF8(CONCAT('half 1 ', "t3"."unit"))))),
        IF(
          (
            17 + 1
          ) >= 1,
          17 + 1,
          17 + 1 + LENGTH(LOWER(TO_HEX(MD5(TO_UTF8(CONCAT('half 1 ', "t3"."unit"))))))
        ),
        1
      ) IN ('0', '2', '4', '6', '8', 'a', 'c', 'e'),
      1,
      0
    ) AS INTEGER) AS "half",
    LOWER(TO_HEX(MD5(TO_UTF8(CONCAT('order 1 ', "t3"."unit"))))) AS "key"
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
