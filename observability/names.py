"""Every metric and every attribute that Firebreak emits, once.

OpenTelemetry's semantic conventions where they have a name (in Prometheus spelling for metrics); `resilience_*`, `saga_*`,
`outbox_*`, `inbox_*`, `external_*`, `chaos_*`, `telemetry_*`, `load_*` and `testbed_*` for what is ours, and Sloth's `slo:*`.
Units are seconds, bytes and counts. docs/metrics.md tells of each.
"""

from typing import Final

# Metrics (Prometheus). Labels stand behind each name.
HTTP_SERVER_DURATION: Final = "http_server_request_duration_seconds"  # method, route, status
HTTP_CLIENT_DURATION: Final = "http_client_request_duration_seconds"  # edge, status, traffic: one observation an attempt
RESILIENCE_CALLS: Final = "resilience_calls_total"  # edge, outcome, traffic: one a logical call
RESILIENCE_RETRIES: Final = "resilience_retries_total"  # edge, decision (granted, max_attempts, budget, deadline, retry_after)
RESILIENCE_REJECTIONS: Final = "resilience_rejections_total"  # edge, pattern (throttle, bulkhead, breaker): never sent
RESILIENCE_HEDGES: Final = "resilience_hedges_total"  # edge, outcome (sent, won, lost, denied)
RESILIENCE_BULKHEAD_IN_USE: Final = "resilience_bulkhead_in_use"  # edge: calls under way
RESILIENCE_BULKHEAD_WAITING: Final = "resilience_bulkhead_waiting"  # edge: calls that wait for a place
RESILIENCE_BUDGET_TOKENS: Final = "resilience_budget_tokens"  # edge: retries and hedges need more than half of its maximum
RESILIENCE_THROTTLE_RATIO: Final = "resilience_throttle_ratio"  # edge: the probability that the next call is not sent
RESILIENCE_BREAKER_TRANSITIONS: Final = "resilience_breaker_transitions_total"  # edge, to
RESILIENCE_BREAKER_STATE: Final = "resilience_breaker_state"  # edge; 0 closed, 1 half-open, 2 open
RESILIENCE_FALLBACKS: Final = "resilience_fallbacks_total"  # edge, kind
RESILIENCE_EJECTIONS: Final = "resilience_ejections_total"  # edge, replica
RESILIENCE_EJECTED: Final = "resilience_ejected_replicas"  # edge: replicas that are left out now
RESILIENCE_LIMIT: Final = "resilience_limit"  # requests that this process may work on at once; +Inf: no limit
RESILIENCE_LIMIT_IN_FLIGHT: Final = "resilience_limit_in_flight"  # requests that it works on, as far as the limit counts them
RESILIENCE_SHED: Final = "resilience_shed_total"  # urgency: requests that the limit left no room for
RESILIENCE_ABANDONED: Final = "resilience_abandoned_total"  # route: requests whose caller left, so that their work was cancelled
RESILIENCE_POLICY_LEASES: Final = "resilience_policy_leases"  # number of changes of policies in force in this process
OUTBOX_PENDING: Final = "outbox_pending"  # destination: events not yet sent
OUTBOX_SENT: Final = "outbox_sent_total"  # event, destination
OUTBOX_ATTEMPTS_FAILED: Final = "outbox_attempts_failed_total"  # event, destination
INBOX_EVENTS: Final = "inbox_events_total"  # event, outcome (handled, duplicate, failed, dead)
DEAD_LETTERS: Final = "inbox_dead_letters"  # events that could not be handled and wait for somebody
SAGAS_OPEN: Final = "saga_open"  # sagas that are neither done nor undone
SAGAS_FINISHED: Final = "saga_finished_total"  # outcome (done, undone)
SAGAS_TAKEN_OVER: Final = "saga_taken_over_total"  # state (running, compensating) in which another worker left it
EXTERNAL_SLOTS: Final = "external_slots"  # external: how many calls a simulated system outside takes at once
EXTERNAL_SLOTS_USED: Final = "external_slots_in_use"  # external
EXTERNAL_WAITING: Final = "external_waiting_calls"  # external: calls that wait for a slot
CHAOS_INJECTIONS: Final = "chaos_injections_total"  # fault, target
CHAOS_ACTIVE: Final = "chaos_active_faults"  # fault, place: faults in force; request faults in the process that they act in
LOOP_LAG: Final = "process_event_loop_lag_seconds"  # how much later than asked for a timer is called
HTTP_SERVER_ACTIVE: Final = "http_server_active_requests"  # requests under way
HTTP_CLIENT_CONNECTIONS: Final = "http_client_open_connections"  # state (active, idle), traffic
HTTP_CLIENT_CONNECTIONS_MAX: Final = "http_client_connection_max"  # traffic
HTTP_CLIENT_PENDING: Final = "http_client_connection_pending_requests"  # traffic: attempts that wait for a connection
DB_CONNECTIONS: Final = "db_client_connection_count"  # state (used, idle), pool (read, write)
DB_CONNECTIONS_MAX: Final = "db_client_connection_max"  # pool
DB_PENDING: Final = "db_client_connection_pending_requests"  # pool: who waits for a connection
TELEMETRY_QUEUE: Final = "telemetry_queue_size"  # signal (traces, logs): what waits to be exported
TELEMETRY_QUEUE_CAPACITY: Final = "telemetry_queue_capacity"  # signal
TELEMETRY_DROPPED: Final = "telemetry_dropped_total"  # signal: spans and log records that never reached the collector

# Metrics of the supervisor.
TESTBED_REPLICAS: Final = "testbed_replicas"  # service, state (starting, up, down, paused)
TESTBED_RESTARTS: Final = "testbed_restarts_total"  # service: processes that were started in the place of others

# Metrics of the load generator, which imports nothing of ours: loadtests/metrics.py spells them again, and a test compares.
LOAD_ARRIVALS: Final = "load_arrivals_total"  # journey: arrivals whose instant came
LOAD_JOURNEYS: Final = "load_journeys_total"  # journey, outcome (ok, failed, abandoned, error): journeys that have ended
LOAD_DURATION: Final = "load_journey_duration_seconds"  # journey: from the intended instant to the journey's end
LOAD_REQUESTS: Final = "load_requests_total"  # journey, step, outcome
LOAD_LATENESS: Final = "load_lateness_seconds"  # how much later than intended a journey's first request is sent
LOAD_IN_FLIGHT: Final = "load_journeys_in_flight"  # journeys under way
LOAD_TARGET_RATE: Final = "load_target_arrivals_per_second"  # journey: what the schedule asks for now, on average

# Metrics of the telemetry store, on its query port.
STORE_SPANS: Final = "telemetry_store_spans_total"  # spans taken and committed
STORE_INVALID_SPANS: Final = "telemetry_store_invalid_spans_total"  # spans without valid ids, left out of what was taken
STORE_LOG_RECORDS: Final = "telemetry_store_log_records_total"  # log records taken and committed
STORE_REJECTED: Final = "telemetry_store_rejected_total"  # reason: uploads refused as a whole
STORE_PRUNED: Final = "telemetry_store_pruned_chunks_total"  # chunks deleted for their age or for room
STORE_WAITING: Final = "telemetry_store_waiting_bytes"  # of uploads between their first byte and their commit
STORE_FILE: Final = "telemetry_store_file_bytes"  # of the file and its write-ahead log
STORE_FILE_MAX: Final = "telemetry_store_file_max_bytes"  # beyond it the oldest is deleted
STORE_OLDEST: Final = "telemetry_store_oldest_seconds"  # how long ago the oldest telemetry that is kept arrived

# Series that observability/slo records, by Sloth's names where it has one. Labels: slo, kind, journey or service.
SLO_ERROR_RATIO: Final = "slo:sli_error:ratio_rate"  # and the window: the share of what was asked in it that went wrong
SLO_EVENTS: Final = "slo:sli_events:rate"  # and the window: requests a second that count
SLO_BAD: Final = "slo:sli_bad:rate"  # and the window: those of them that went wrong
SLO_REQUESTS: Final = "slo:requests:rate"  # and the window: service, request, status; what the two above are made of
SLO_REQUESTS_WITHIN: Final = "slo:requests_within:rate"  # and the window: the same, and le
SLO_ATTEMPTS: Final = "slo:attempts:rate"  # and the window: edge, status
SLO_ATTEMPTS_WITHIN: Final = "slo:attempts_within:rate"  # and the window: edge, status, le
SLO_SPARED: Final = "slo:spared:rate"  # and the window: edge; calls not sent because of what those before them met
SLO_OBJECTIVE: Final = "slo:objective:ratio"
SLO_BUDGET: Final = "slo:error_budget:ratio"  # 1 less the objective
SLO_PERIOD_DAYS: Final = "slo:time_period:days"
SLO_CURRENT_BURN: Final = "slo:current_burn_rate:ratio"  # how many times as fast as allowed a budget is spent now
SLO_PERIOD_BURN: Final = "slo:period_burn_rate:ratio"  # the same over the period
SLO_BUDGET_REMAINING: Final = "slo:period_error_budget_remaining:ratio"
UP: Final = "up"  # Prometheus' own: 1 for a process that answered the last scrape
ALERTS: Final = "ALERTS"  # the same: alertname, alertstate (pending, firing), severity, and the alert's labels

# Labels of metrics.
LABEL_METHOD: Final = "http_request_method"
LABEL_ROUTE: Final = "http_route"
LABEL_STATUS: Final = "http_response_status_code"
LABEL_EDGE: Final = "edge"
LABEL_OUTCOME: Final = "outcome"
LABEL_TRAFFIC: Final = "traffic"
LABEL_PATTERN: Final = "pattern"
LABEL_REPLICA: Final = "replica"
LABEL_URGENCY: Final = "urgency"
LABEL_DECISION: Final = "decision"
LABEL_TO: Final = "to"
LABEL_KIND: Final = "kind"
LABEL_EVENT: Final = "event"
LABEL_DESTINATION: Final = "destination"
LABEL_STATE: Final = "state"
LABEL_EXTERNAL: Final = "external"
LABEL_FAULT: Final = "fault"
LABEL_TARGET: Final = "target"
LABEL_SERVICE: Final = "service"  # of a scrape's target: whose process it is
LABEL_REASON: Final = "reason"
LABEL_PLACE: Final = "place"
LABEL_POOL: Final = "pool"
LABEL_SIGNAL: Final = "signal"

# Values of the label `traffic`: calls that serve somebody who waits, and those of the relay, which no policy protects.
TRAFFIC_FOREGROUND: Final = "foreground"
TRAFFIC_BACKGROUND: Final = "background"

# Values of the label `signal`, and of `state` and `pool` of connections.
SIGNAL_TRACES: Final = "traces"
SIGNAL_LOGS: Final = "logs"
CONNECTION_ACTIVE: Final = "active"  # OpenTelemetry's word for those of HTTP ...
CONNECTION_USED: Final = "used"  # ... and for those of a database.
CONNECTION_IDLE: Final = "idle"
POOL_READ: Final = "read"
POOL_WRITE: Final = "write"

# Attributes of spans and logs.
ATTR_EDGE: Final = "firebreak.edge"
ATTR_DEGRADED: Final = "firebreak.degraded"
ATTR_RUN: Final = "firebreak.run"
ATTR_ARM: Final = "firebreak.arm"
ATTR_JOURNEY: Final = "firebreak.journey"
ATTR_REASON: Final = "firebreak.reason"
ATTR_URGENCY: Final = "firebreak.urgency"
ATTR_RESEND_COUNT: Final = "http.request.resend_count"
ATTR_METHOD: Final = "http.request.method"
ATTR_METHOD_ORIGINAL: Final = "http.request.method_original"
ATTR_ROUTE: Final = "http.route"
ATTR_STATUS: Final = "http.response.status_code"
ATTR_URL: Final = "url.full"
ATTR_URL_SCHEME: Final = "url.scheme"
ATTR_URL_PATH: Final = "url.path"
ATTR_URL_QUERY: Final = "url.query"
ATTR_PROTOCOL_VERSION: Final = "network.protocol.version"
ATTR_CLIENT_ADDRESS: Final = "client.address"
ATTR_CLIENT_PORT: Final = "client.port"
ATTR_USER_AGENT: Final = "user_agent.original"
ATTR_USER_AGENT_SYNTHETIC: Final = "user_agent.synthetic.type"
ATTR_SERVER_ADDRESS: Final = "server.address"
ATTR_SERVER_PORT: Final = "server.port"
ATTR_DB_SYSTEM: Final = "db.system.name"
ATTR_DB_NAMESPACE: Final = "db.namespace"
ATTR_DB_OPERATION: Final = "db.operation.name"
ATTR_DB_QUERY: Final = "db.query.text"
ATTR_MESSAGE_ID: Final = "messaging.message.id"
ATTR_MESSAGE_TOPIC: Final = "messaging.destination.name"
ATTR_MESSAGE_OPERATION: Final = "messaging.operation.name"
ATTR_MESSAGE_KEY: Final = "firebreak.event.key"
ATTR_PEER: Final = "service.peer.name"
ATTR_ERROR_TYPE: Final = "error.type"
ATTR_CHAOS_FAULT: Final = "chaos.fault"
ATTR_CHAOS_LEASE: Final = "chaos.lease"

# Values of error.type that are no error of anybody's.
CANCELLED: Final = "cancelled"

# Outcomes of calls that others than their caller ask for.
CACHED: Final = "cached"  # answered without an attempt

# Span events.
EVENT_RETRY: Final = "resilience.retry"
EVENT_RETRY_DENIED: Final = "resilience.retry_denied"
EVENT_BREAKER: Final = "resilience.breaker"
EVENT_REJECTED: Final = "resilience.rejected"
EVENT_EJECTED: Final = "resilience.ejected"
EVENT_READMITTED: Final = "resilience.readmitted"
EVENT_HEDGE: Final = "resilience.hedge"
EVENT_WAITED: Final = "resilience.waited"
EVENT_CACHED: Final = "resilience.cached"
EVENT_FALLBACK: Final = "resilience.fallback"
EVENT_SHED: Final = "resilience.shed"
EVENT_ABANDONED: Final = "resilience.abandoned"
EVENT_SLOT: Final = "external.slot"  # the wait for a slot of a simulated system outside is over
EVENT_CHAOS: Final = "chaos.injected"
