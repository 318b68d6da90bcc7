# Worker on a host with a GPU. torch brings CUDA itself; the host brings the driver and NVIDIA's container
# runtime. From the repository's root:
#
#   docker build -f infra/images/worker-gpu.Dockerfile -t parley-gpu:0.1.0 .
FROM python:3.11.13-slim-bookworm
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /opt/parley
COPY constraints.txt pyproject.toml README.md ./
RUN python -m pip install --no-cache-dir -c constraints.txt torch numpy
COPY flows flows
COPY tasks tasks
COPY models models
COPY feedback feedback
COPY review review
RUN python -m pip install --no-cache-dir -c constraints.txt '.[s3]' \
    && useradd --uid 10001 --no-create-home parley \
    && install -d -o parley /var/lib/parley
ENV PARLEY_HOME=/var/lib/parley HOME=/var/lib/parley PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    GOMP_SPINCOUNT=1000 DVC_SITE_CACHE_DIR=/var/lib/parley/dvc NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001
VOLUME /var/lib/parley
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health')"]
CMD ["prefect", "worker", "start", "--pool", "gpu", "--with-healthcheck"]
