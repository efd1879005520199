"""The exporter's own families: what it did, how well, and how fresh what it shows is."""

from exporter.exposition.family import Family, Kind, MetricType

_COLLECTOR = ("target", "system", "collector")
_API = ("target", "system", "operation")


def _gauge(name: str, help_text: str, kind: Kind, labels: tuple[str, ...] = _COLLECTOR) -> Family:
    return Family(name=f"cloud_task_exporter_{name}", help=help_text, kind=kind, labels=labels)


def _counter(name: str, help_text: str, labels: tuple[str, ...] = _COLLECTOR) -> Family:
    return Family(
        name=f"cloud_task_exporter_{name}",
        help=help_text,
        kind=Kind.COUNT,
        type=MetricType.COUNTER,
        labels=labels,
    )


UP = _gauge("collector_up", "1 if the last poll gave a whole reading, 0 if it failed.", Kind.STATE)
FAILING = _gauge(
    "collector_failing",
    "1, labelled with the reason why the last poll failed; absent when it gave a whole reading.",
    Kind.STATE,
    (*_COLLECTOR, "reason"),
)
LAST_POLL_SUCCESS = _gauge(
    "collector_last_success_timestamp_seconds",
    "When the last poll that gave a whole reading began; what is shown is as of then.",
    Kind.TIMESTAMP,
)
POLL_DURATION = _gauge(
    "collector_poll_duration_seconds", "How long the last poll took.", Kind.SECONDS
)
INTERVAL = _gauge(
    "collector_interval_seconds", "Configured time from one poll to the next.", Kind.SECONDS
)
TASKS_HIDDEN = _gauge(
    "tasks_hidden",
    "Tasks (of DMS and OCP also names of runs) without series because of the limit on them.",
    Kind.COUNT,
)
TASKS_INVALID = _gauge(
    "tasks_invalid",
    "Records of the last reading that made no sense and were left out, and single tasks (details,"
    " logs) that the cloud could not show while it showed others.",
    Kind.COUNT,
)
TASKS_VANISHED = _gauge(
    "tasks_vanished",
    "Tasks that were listed before the list dropped to nothing; 0 when the list has tasks.",
    Kind.COUNT,
)
LIST_INCONSISTENT = _gauge(
    "list_inconsistent",
    "1 if the list, read twice, went on changing between its pages, contradicts its own length or"
    " cannot be read to its end, so that a task may be missing.",
    Kind.STATE,
)
SCHEDULES_NOT_UNDERSTOOD = _gauge(
    "schedules_not_understood",
    "Enabled tasks of the last reading whose schedule the exporter does not understand, so that"
    " they are never overdue.",
    Kind.COUNT,
)
ZONE_SHIFT = _gauge(
    "schedule_zone_shift_seconds",
    "By how much most last runs miss their cron expressions (quarters of an hour), so that"
    " schedule_timezone is wrong and no time of theirs is shown as due; 0 when it fits or too few"
    " tasks tell.",
    Kind.SECONDS,
)
ZONE_DOUBTFUL = _gauge(
    "schedule_zone_doubtful",
    "Tasks whose cron expression may stand in another zone than schedule_timezone, by their last"
    " run or that of others: they are overdue only once they are late in either, and no time is"
    " shown as due.",
    Kind.COUNT,
)
UNKNOWN_WORDS = _gauge(
    "unknown_words",
    "Different words (statuses, types) of the last reading that the exporter does not know.",
    Kind.COUNT,
)
DUPLICATE_SERIES = _gauge(
    "duplicate_series",
    "Samples left out because their labels were the same as those of another one.",
    Kind.COUNT,
)
CLOCK_SKEW = _gauge(
    "clock_skew_seconds",
    "The cloud's clock minus this machine's, from the last answer's Date header.",
    Kind.SECONDS,
    ("target", "system"),
)
POLLS = _counter("polls_total", "Polls that ended, well or badly.")
POLL_FAILURES = _counter(
    "poll_failures_total", "Polls that gave no whole reading, by reason.", (*_COLLECTOR, "reason")
)
POLLS_SKIPPED = _counter(
    "polls_skipped_total", "Polls left out because the one before took longer than the interval."
)
HISTORY_GAPS = _counter(
    "history_gaps_total",
    "Times that the cloud's history did not reach back to the poll before, or that more runs"
    " settled within minutes than can be remembered: runs may be uncounted.",
)
FORGOTTEN_EARLY = _counter(
    "forgotten_early_total",
    "Tasks, runs and histories of names that were forgotten before state.retention was over for"
    " them, because only 50000 of each are remembered of a collector. Counts stay right; where they"
    " may not, history_gaps_total rises too.",
)
STATE_WRITE_FAILURES = _counter(
    "state_write_failures_total",
    "Commits to the state file that failed; meanwhile what is counted stands still.",
)
STATE_SET_ASIDE = _gauge(
    "state_set_aside",
    "1 if this start found a state file that it could not use, kept it under another name, and"
    " began to count anew.",
    Kind.STATE,
    (),
)
API_REQUESTS = _counter(
    "api_requests_total",
    "Requests sent, by API operation and HTTP status (or the reason why there was no answer).",
    (*_API, "code"),
)
API_DURATION = Family(
    name="cloud_task_exporter_api_request_duration_seconds",
    help="How long requests took, from sending to the end of the body.",
    kind=Kind.SECONDS,
    type=MetricType.HISTOGRAM,
    labels=_API,
)
API_THROTTLED = _counter(
    "api_throttled_total", "Requests that the cloud refused because of their rate.", _API
)
CREDENTIAL_EXPIRY = _gauge(
    "credential_expiry_timestamp_seconds",
    "When the present token or temporary key ends; absent for credentials that do not expire.",
    Kind.TIMESTAMP,
    ("credentials",),
)
CREDENTIAL_REFRESHES = _counter(
    "credential_refreshes_total", "Tokens or temporary keys fetched.", ("credentials",)
)
CREDENTIAL_REQUESTS = _counter(
    "credential_requests_total",
    "Requests to IAM and the metadata service, for tokens, keys and ids of projects, by HTTP status"
    " (or the reason why there was no answer).",
    ("credentials", "code"),
)
SERIES = _gauge("series", "Samples of polled families on the page.", Kind.COUNT, ())
TARGETS = _gauge(
    "targets_configured",
    "Targets in the configuration, whether this process polls them or another shard does.",
    Kind.COUNT,
    (),
)
TARGET_POLLED = _gauge(
    "target_polled",
    "1 if this process polls the target, 0 if it leaves it to another shard; the sum over all"
    " shards is 1.",
    Kind.STATE,
    ("target",),
)
SHARD_INFO = _gauge(
    "shard_info",
    "1, labelled with which of how many processes this is that share the targets.",
    Kind.STATE,
    ("shard_index", "shard_total"),
)
RELOAD_SUCCESSFUL = _gauge(
    "config_last_reload_successful",
    "0 if the configuration was changed since, but could not be put in force: the one before is.",
    Kind.STATE,
    (),
)
RELOAD_SUCCESS = _gauge(
    "config_last_reload_success_timestamp_seconds",
    "When the configuration in force was put in force, by the start or by a reload.",
    Kind.TIMESTAMP,
    (),
)
WEB_FILE_SUCCESSFUL = _gauge(
    "web_config_last_reload_successful",
    "0 if the file with certificates and passwords (web.config_file) was changed since, but cannot"
    " be read: the one before holds. Absent without such a file.",
    Kind.STATE,
    (),
)
WRONG_PASSWORDS = _counter(
    "web_wrong_passwords_total",
    "Requests to the exporter with a wrong name or password. Absent without web.config_file.",
    (),
)
BUILD_INFO = _gauge(
    "build_info",
    "1, labelled with the version that runs.",
    Kind.STATE,
    ("version", "python_version"),
)

OWN: tuple[Family, ...] = tuple(
    value for value in tuple(globals().values()) if isinstance(value, Family)
)
"""All of them, in the order above."""
