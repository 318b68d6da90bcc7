# Apache with OpenID Connect from Debian, in front of every page for people.
FROM debian:12.12-slim
# Debian's releases take security fixes alone; the release is pinned above.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends apache2-bin libapache2-mod-auth-openidc ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10002 --no-create-home proxy-user
COPY infra/proxy/parley.conf /etc/parley/proxy.conf
USER 10002
EXPOSE 8443
HEALTHCHECK --interval=30s --timeout=5s CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8443"]
CMD ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", "/etc/parley/proxy.conf"]
