#!/usr/bin/env bash
# Make the users of the bucket's policy on a Ceph gateway, with secret keys from the environment:
#
#   PARLEY_S3_KEYS="parley-page=SECRET parley-watcher=SECRET ..." users.sh FOLDER
#
# FOLDER is that of radosgw.sh. A user's name is its access key id. A user that exists is left as it is.
set -euo pipefail
export CEPH_CONF="$1/ceph.conf"
for pair in $PARLEY_S3_KEYS; do
    name="${pair%%=*}"
    radosgw-admin user info --uid="$name" >/dev/null 2>&1 ||
        radosgw-admin user create --uid="$name" --display-name="$name" \
            --access-key="$name" --secret-key="${pair#*=}" >/dev/null
done
