"""The statements of each step of the ledger's schema. A step that was released is never changed: a new one follows.

>>> len(STEPS[-1]) > 0
True
"""

from __future__ import annotations

from typing import Final

# Money is integer pico-USD. `usage` that nobody reported is NULL in all of its columns.
_TURNS = """
CREATE TABLE turns (
    session TEXT NOT NULL,
    turn INTEGER NOT NULL,
    started_at REAL NOT NULL,
    status TEXT NOT NULL,
    client TEXT NOT NULL,
    kind TEXT NOT NULL,
    parent TEXT,
    mode TEXT NOT NULL,
    level TEXT NOT NULL,
    provider TEXT NOT NULL,
    dialect TEXT NOT NULL,
    model TEXT NOT NULL,
    model_used TEXT NOT NULL,
    billing TEXT NOT NULL,
    streamed INTEGER NOT NULL,
    http_status INTEGER,
    error_type TEXT,
    input_tokens INTEGER,
    cache_read_tokens INTEGER,
    cache_write_5m_tokens INTEGER,
    cache_write_1h_tokens INTEGER,
    output_tokens INTEGER,
    service_tier TEXT,
    speed TEXT,
    inference_geo TEXT,
    server_tools TEXT,
    has_iterations INTEGER,
    usage_quality TEXT NOT NULL,
    cost_pusd INTEGER,
    baseline_no_cache_pusd INTEGER,
    baseline_client_pusd INTEGER,
    price_version TEXT,
    plan TEXT NOT NULL,
    planned INTEGER NOT NULL,
    predicted_read_tokens INTEGER,
    reason TEXT,
    trimmed_tokens INTEGER NOT NULL,
    ttfb_ms REAL,
    total_ms REAL,
    attempts INTEGER NOT NULL,
    retry_of INTEGER,
    PRIMARY KEY (session, turn)
)
"""

# What a turn adds to every sum: the one definition that the rollups and the queries share. A turn counts
# once it is final. It is priced where its cost and both baselines are known, so that every difference is
# taken over the same turns; a request that the provider refused is not billed and needs no price.
_FINAL_TURNS = """
CREATE VIEW final_turns AS
SELECT
    session,
    turn,
    started_at,
    CAST(started_at AS INTEGER) / 900 * 900 AS bucket,
    provider,
    client,
    CASE model_used WHEN '' THEN model ELSE model_used END AS model,
    billing,
    1 AS turns,
    status IN ('error', 'truncated') AS errors,
    usage_quality IN ('partial', 'estimated') AS estimated_turns,
    known AND NOT refused AS priced_turns,
    NOT known AND NOT refused AS unpriced_turns,
    coalesce(input_tokens, 0) AS input_tokens,
    coalesce(cache_read_tokens, 0) AS cache_read_tokens,
    coalesce(cache_write_5m_tokens, 0) AS cache_write_5m_tokens,
    coalesce(cache_write_1h_tokens, 0) AS cache_write_1h_tokens,
    coalesce(output_tokens, 0) AS output_tokens,
    trimmed_tokens,
    CASE WHEN known THEN cost_pusd ELSE 0 END AS cost_pusd,
    CASE WHEN known THEN baseline_no_cache_pusd ELSE 0 END AS baseline_no_cache_pusd,
    CASE WHEN known THEN baseline_client_pusd ELSE 0 END AS baseline_client_pusd
FROM (
    SELECT
        *,
        cost_pusd IS NOT NULL
            AND baseline_no_cache_pusd IS NOT NULL
            AND baseline_client_pusd IS NOT NULL AS known,
        status = 'error' AND input_tokens IS NULL AND coalesce(http_status, 0) >= 400 AS refused
    FROM turns
    WHERE status <> 'started'
)
"""

_MEASURES = """
    turns INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    estimated_turns INTEGER NOT NULL,
    priced_turns INTEGER NOT NULL,
    unpriced_turns INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    trimmed_tokens INTEGER NOT NULL,
    cost_pusd INTEGER NOT NULL,
    baseline_no_cache_pusd INTEGER NOT NULL,
    baseline_client_pusd INTEGER NOT NULL,
"""

_ROLLUP = f"""
CREATE TABLE rollup (
    bucket INTEGER NOT NULL,
    provider TEXT NOT NULL,
    client TEXT NOT NULL,
    model TEXT NOT NULL,
    billing TEXT NOT NULL,
    {_MEASURES}
    PRIMARY KEY (bucket, provider, client, model, billing)
) WITHOUT ROWID
"""

_SESSION_ROLLUP = f"""
CREATE TABLE session_rollup (
    bucket INTEGER NOT NULL,
    session TEXT NOT NULL,
    model TEXT NOT NULL,
    billing TEXT NOT NULL,
    {_MEASURES}
    PRIMARY KEY (bucket, session, model, billing)
) WITHOUT ROWID
"""

_MEMORY = """
CREATE TABLE memory (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (kind, key)
)
"""

_TURNS_2 = (
    "verdict TEXT NOT NULL DEFAULT ''",
    "detail TEXT",
    "gap_s REAL",
    "shared_read_tokens INTEGER NOT NULL DEFAULT 0",
    "missed_pusd INTEGER",
    "trimmed_pusd INTEGER NOT NULL DEFAULT 0",
    "predicted_write_tokens INTEGER",
)

# A keep-warm ping is no turn of the agent and its failure none of a turn. Its tokens and its cost count, and so
# it counts among what is estimated, priced and unpriced, which say how good the money is.
_FINAL_TURNS_2 = """
CREATE VIEW final_turns AS
SELECT
    session,
    turn,
    started_at,
    CAST(started_at AS INTEGER) / 900 * 900 AS bucket,
    provider,
    client,
    CASE model_used WHEN '' THEN model ELSE model_used END AS model,
    billing,
    NOT ping AS turns,
    NOT ping AND status IN ('error', 'truncated') AS errors,
    usage_quality IN ('partial', 'estimated') AS estimated_turns,
    known AND NOT refused AS priced_turns,
    NOT known AND NOT refused AS unpriced_turns,
    coalesce(input_tokens, 0) AS input_tokens,
    coalesce(cache_read_tokens, 0) AS cache_read_tokens,
    coalesce(cache_write_5m_tokens, 0) AS cache_write_5m_tokens,
    coalesce(cache_write_1h_tokens, 0) AS cache_write_1h_tokens,
    coalesce(output_tokens, 0) AS output_tokens,
    trimmed_tokens,
    CASE WHEN known THEN cost_pusd ELSE 0 END AS cost_pusd,
    CASE WHEN known THEN baseline_no_cache_pusd ELSE 0 END AS baseline_no_cache_pusd,
    CASE WHEN known THEN baseline_client_pusd ELSE 0 END AS baseline_client_pusd,
    ping AS pings,
    CASE WHEN known AND ping THEN cost_pusd ELSE 0 END AS ping_cost_pusd,
    shared_read_tokens,
    CASE WHEN known THEN trimmed_pusd ELSE 0 END AS trimmed_pusd
FROM (
    SELECT
        *,
        kind = 'ping' AS ping,
        cost_pusd IS NOT NULL
            AND baseline_no_cache_pusd IS NOT NULL
            AND baseline_client_pusd IS NOT NULL AS known,
        status = 'error' AND input_tokens IS NULL AND coalesce(http_status, 0) >= 400 AS refused
    FROM turns
    WHERE status <> 'started'
)
"""

_MEASURES_2 = ("pings", "ping_cost_pusd", "shared_read_tokens", "trimmed_pusd")

STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (  # 1: turns, what they add up to, and what the proxy must know again after a restart
        _TURNS,
        "CREATE INDEX turns_started_at ON turns (started_at)",
        "CREATE INDEX turns_open ON turns (session, turn) WHERE status = 'started'",
        _FINAL_TURNS,
        _ROLLUP,
        _SESSION_ROLLUP,
        _MEMORY,
        "CREATE INDEX memory_newest ON memory (kind, updated_at)",
    ),
    (  # 2: verdicts and what they rest on, keep-warm pings, shared reads, what trimming saved
        "DROP VIEW final_turns",
        *(f"ALTER TABLE turns ADD COLUMN {column}" for column in _TURNS_2),
        *(
            f"ALTER TABLE {table} ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0"
            for table in ("rollup", "session_rollup")
            for name in _MEASURES_2
        ),
        _FINAL_TURNS_2,
        "CREATE INDEX turns_missed ON turns (started_at) WHERE missed_pusd > 0",
    ),
)
