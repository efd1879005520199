"""What each label means, by its name: every label that a family declares is here."""

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    # of everything that is polled
    "target": "`name` of the target in the configuration",
    "system": "product that was asked: fdi, dms or ocp",
    "collector": "API of the target that is polled, as under `collectors` in the configuration",
    # of tasks
    "task_type": (
        "FDI: TIMING or REALTIME; DMS: the task's name, which is its kind; OCP: MANUAL, SYS_ONCE,"
        " SCHEDULED or SYS_SCHEDULED; unknown where the cloud does not tell it"
    ),
    "state": (
        "what the task does, in the words of the exporter: idle, queued, running, succeeded,"
        " failed, cancelled or unknown"
    ),
    "outcome": "how the run ended: succeeded, failed or cancelled",
    "task_id": "id of the FDI task or OCP task instance; empty where runs are known by their name",
    "task_name": "name of the task, as people gave it; of a DMS task its kind",
    "team": "`team` of the first entry of `teams` that matches the task's name",
    "severity": "`severity` of that entry, empty without one",
    "task_tag": "tag of the task, empty where it has none",
    "status": "status in the cloud's own words, in lower case",
    # of FDI
    "category": "FDI's two groups of tasks: common or cdc (change data capture)",
    "execute_status": "FDI's status of the last run, in lower case",
    "position": "how far FDI's last run came: adapter, reader or writer; empty if it is not told",
    "ext_type": "CDC for change data capture, otherwise empty",
    "schedule": "cron expression of the task, or its interval and period like `2 HOUR`",
    "source_app_name": "integration application that the data comes from",
    "target_app_name": "integration application that the data goes to",
    "task_mode": "FDI's mode of the task, such as NORMAL or CDC",
    "source_datasource_type": "kind of data source that is read, such as MYSQL",
    "target_datasource_type": "kind of data source that is written",
    # of DMS
    "engine": "kafka, rabbitmq or rocketmq, as configured for the target",
    # of OCP
    "operation": (
        "OCP: what the instance is doing: execute, retry, rollback, skip or cancel; of the"
        " exporter's requests: the API call, such as list_task_instances"
    ),
    "ob_cluster_name": "OceanBase cluster that is worked on; empty for tasks of hosts and of OCP",
    "ob_cluster_id": "id of that cluster in OceanBase (not in OCP), as agents of OceanBase show it",
    "tenant_name": "OceanBase tenant that is worked on; empty where it is none",
    "ob_tenant_id": "id of that tenant in OceanBase",
    "subtask_id": "id of the subtask (a step of a task instance)",
    "subtask_name": "name of the subtask",
    # of the exporter itself
    "code": "HTTP status of the answer; where none came the reason, or cancelled",
    "reason": "why a poll failed; each is explained by `check --online`",
    "credentials": "name of the entry of `credentials` in the configuration",
    "shard_index": "`shard.index` of this process, from 0",
    "shard_total": "`shard.total`: how many processes share the targets",
    "version": "version of the exporter",
    "python_version": "version of Python that runs it",
    "le": "upper bound of the bucket; +Inf counts all",
}
