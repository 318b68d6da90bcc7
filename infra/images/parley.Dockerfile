# Everything of Parley on the CPU: servers, watcher, review page, worker. From the repository's root:
#
#   docker build -f infra/images/parley.Dockerfile -t parley:0.1.0 .
#
# TORCH_INDEX names an index of CPU builds of torch; the plain one brings gigabytes of CUDA.
FROM python:3.11.13-slim-bookworm
ARG TORCH_INDEX=""
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /opt/parley
COPY constraints.txt pyproject.toml README.md ./
# torch first and alone, so that it may come from an index of its own.
RUN python -m pip install --no-cache-dir -c constraints.txt \
    ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch numpy
COPY flows flows
COPY tasks tasks
COPY models models
COPY feedback feedback
COPY review review
COPY infra/prefect.yaml infra/deploy.sh infra/s3/buckets.py infra/s3/mlflow-policy.json infra/
RUN python -m pip install --no-cache-dir -c constraints.txt '.[s3,servers,dask]' \
    && useradd --uid 10001 --no-create-home parley \
    && install -d -o parley /var/lib/parley
# The file system may be read-only; what a process keeps lies in PARLEY_HOME alone.
ENV PARLEY_HOME=/var/lib/parley HOME=/var/lib/parley PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    GOMP_SPINCOUNT=1000 DVC_SITE_CACHE_DIR=/var/lib/parley/dvc
USER 10001
VOLUME /var/lib/parley
HEALTHCHECK NONE
ENTRYPOINT ["/bin/sh", "-c", "exec \"$@\"", "--"]
CMD ["parley", "--help"]
