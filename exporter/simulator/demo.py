"""The configuration with which the exporter watches the simulated clouds."""

from exporter.simulator import accounts

_TEMPLATE = """\
# Made by the demo: three targets on simulated clouds. Real secrets belong into files.
credentials:
  huawei:
    kind: huawei_password
    iam_endpoint: {endpoint}
    domain: {domain}
    username: {username}
    password: {password}
    project: {project}
  keys:
    kind: huawei_aksk
    access_key: {access_key}
    secret_key: {secret_key}
  ocp:
    kind: basic
    username: {ocp_username}
    password: {ocp_password}
targets:
  - name: {fdi_target}
    system: fdi
    endpoint: {endpoint}
    project_id: {project_id}
    instance_id: {fdi_instance}
    credentials: huawei
    rate_limit: {{requests_per_second: 20, concurrency: 4}}
    collectors:
      statistics: {{interval: 5s}}
      task_monitors: {{interval: 10s, page_size: 20, stuck_after: 5m}}
      task_details: {{enabled: true, interval: 15m}}
      run_logs: {{enabled: {run_logs}, interval: 30s, page_size: 100}}
  - name: {kafka_target}
    system: dms
    engine: kafka
    endpoint: {endpoint}
    project_id: {project_id}
    instance_id: {kafka_instance}
    credentials: keys
    rate_limit: {{requests_per_second: 20, concurrency: 4}}
    collectors:
      background_tasks: {{interval: 10s, window: 24h, page_size: 100, stuck_after: 5m}}
  - name: {ocp_target}
    system: ocp
    endpoint: {endpoint}
    credentials: ocp
    rate_limit: {{requests_per_second: 20, concurrency: 1}}
    collectors:
      task_instances: {{interval: 10s, window: 1h, page_size: 200, details_per_poll: 50}}
"""


def configuration(endpoint: str, *, run_logs: bool = False) -> str:
    """Return the exporter's configuration (YAML) for a simulator at base URL `endpoint`."""
    return _TEMPLATE.format(
        endpoint=endpoint,
        run_logs=str(run_logs).lower(),
        domain=accounts.DOMAIN,
        username=accounts.USERNAME,
        password=accounts.PASSWORD,
        project=accounts.PROJECT_NAME,
        project_id=accounts.PROJECT_ID,
        access_key=accounts.ACCESS_KEY,
        secret_key=accounts.SECRET_KEY,
        ocp_username=accounts.OCP_USERNAME,
        ocp_password=accounts.OCP_PASSWORD,
        fdi_target=accounts.FDI_TARGET,
        fdi_instance=accounts.FDI_INSTANCE,
        kafka_target=accounts.dms_target("kafka"),
        kafka_instance=accounts.DMS_INSTANCES["kafka"],
        ocp_target=accounts.OCP_TARGET,
    )
