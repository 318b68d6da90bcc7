# One Ceph object gateway with one disk, for trying. A team brings an S3 of its own.
FROM debian:12.12-slim
# Debian's releases take security fixes alone; the release is pinned above.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-common \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o ceph /var/lib/parley-s3
COPY infra/s3/radosgw.sh infra/s3/users.sh /usr/local/bin/
# The user `ceph` of Debian's package.
USER 64045
VOLUME /var/lib/parley-s3
ENV PARLEY_S3_HOST=0.0.0.0 PARLEY_S3_STORE=bluestore
EXPOSE 7480
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7480"]
CMD ["radosgw.sh", "/var/lib/parley-s3", "7480"]
