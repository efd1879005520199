# The base decides which Python runs; give another one, or one by digest, with --build-arg BASE_IMAGE=…
ARG BASE_IMAGE=docker.io/library/python:3.13-slim

FROM ${BASE_IMAGE} AS build
# The same version as in the Makefile.
ARG UV_VERSION=0.13.9
# Compiled here, because nothing can be written where it runs. Certificates are those of the base.
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/cloud-task-exporter \
    UV_PYTHON=python3 \
    UV_PYTHON_DOWNLOADS=never \
    UV_SYSTEM_CERTS=1
RUN python3 -m venv /uv && /uv/bin/pip install --no-cache-dir "uv==${UV_VERSION}"
WORKDIR /src
COPY pyproject.toml uv.lock ./
RUN /uv/bin/uv sync --frozen --no-dev --no-install-project
COPY README.md LICENSE ./
COPY exporter exporter
RUN /uv/bin/uv sync --frozen --no-dev --no-editable

FROM ${BASE_IMAGE}
ARG BASE_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cloud-task-exporter" \
      org.opencontainers.image.description="Prometheus exporter for the tasks of Huawei Cloud ROMA Connect FDI, DMS and OceanBase OCP" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
# The base's own installer is of no use here, and a finding of every scanner. Group 0 may keep state:
# OpenShift runs images under any user id, in that group.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/site-packages/pip* \
    && install -d -m 0770 -o 65532 -g 0 /var/lib/cloud-task-exporter
COPY --from=build /opt/cloud-task-exporter /opt/cloud-task-exporter
ENV PATH=/opt/cloud-task-exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CLOUD_TASK_EXPORTER_CONFIG_FILE=/etc/cloud-task-exporter/config.yaml
USER 65532:0
WORKDIR /var/lib/cloud-task-exporter
EXPOSE 10047
# http.client and not urllib.request: it heeds no proxy. Whoever listens elsewhere gives a check of
# their own, such as --health-cmd.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["/opt/cloud-task-exporter/bin/python", "-I", "-S", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 10047, timeout=4); c.request('GET', '/-/healthy'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["cloud-task-exporter"]
