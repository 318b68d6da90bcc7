#!/usr/bin/env bash
# One Ceph object gateway with one monitor and one disk, in the foreground, from Debian's packages
# radosgw, ceph-mon, ceph-osd and ceph-common. For trying and for tests: it keeps one copy of everything.
#
#   radosgw.sh FOLDER PORT          state lies in FOLDER; a second start goes on from there
#
# PARLEY_S3_ACCESS_KEY and PARLEY_S3_SECRET_KEY become the owner of the buckets. PARLEY_S3_STORE is
# memstore (forgets everything when it stops) or bluestore. A gateway that dies is started again.
set -euo pipefail
folder="$1" port="$2" store="${PARLEY_S3_STORE:-memstore}"
host="${PARLEY_S3_HOST:-127.0.0.1}"
mkdir -p "$folder"
cd "$folder"
umask 077
export CEPH_CONF="$PWD/ceph.conf" CEPH_ARGS=""

if [[ ! -e made ]]; then
    rm -rf mon osd -- *.keyring
    fsid="$(cat /proc/sys/kernel/random/uuid)" disk="$(cat /proc/sys/kernel/random/uuid)"
    cat >ceph.conf <<CONF
[global]
fsid = $fsid
mon initial members = a
mon host = [v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]
public addr = 127.0.0.1
ms bind port min = $((port + 10))
ms bind port max = $((port + 60))
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
keyring = $PWD/\$name.keyring
run dir = $PWD
admin socket = $PWD/\$name.\$pid.asok
pid file =
log file = $PWD/\$name.log
mon data = $PWD/mon
osd data = $PWD/osd
osd objectstore = $store
memstore device bytes = 2147483648
bluestore block size = ${PARLEY_S3_BYTES:-21474836480}
osd memory target = 939524096
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon osd min in ratio = 0
rgw frontends = beast endpoint=$host:$port tcp_nodelay=1
rgw enable usage log = false
rgw thread pool size = 32
CONF
    ceph-authtool --create-keyring mon.keyring --gen-key -n mon. --cap mon 'allow *' >/dev/null
    ceph-authtool --create-keyring client.admin.keyring --gen-key -n client.admin \
        --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' >/dev/null
    ceph-authtool mon.keyring --import-keyring client.admin.keyring >/dev/null
    monmaptool --create --clobber --fsid "$fsid" \
        --addv a "[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]" monmap >/dev/null
    mkdir mon osd
    cp mon.keyring mon.a.keyring
    ceph-mon --mkfs -i a --monmap monmap --keyring mon.keyring
fi
# Daemons end with this script, however it ends.
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
trap 'exit 0' TERM INT
ceph-mon -f -i a --keyring "$PWD/mon.keyring" >>mon.out 2>&1 &

if [[ ! -e made ]]; then
    key="$(ceph-authtool --gen-print-key)"
    printf '{"cephx_secret": "%s"}' "$key" >secret.json
    ceph osd new "$disk" -i secret.json >/dev/null
    ceph-authtool --create-keyring osd.0.keyring -n osd.0 --add-key "$key" >/dev/null
    ceph auth add osd.0 mon 'allow profile osd' osd 'allow *' -i osd.0.keyring 2>/dev/null || true
    ceph-osd -i 0 --mkfs --osd-uuid "$disk" --no-mon-config >>osd.out 2>&1
fi
ceph-osd -f -i 0 >>osd.out 2>&1 &
# The gateway makes pools of its own at its first start, and needs the disk for that.
until [[ "$(ceph osd stat --format json 2>/dev/null)" == *'"num_up_osds":1'* ]]; do sleep 0.2; done
if [[ ! -e made ]]; then
    radosgw-admin user create --uid=owner --display-name=owner \
        --access-key="$PARLEY_S3_ACCESS_KEY" --secret-key="$PARLEY_S3_SECRET_KEY" >/dev/null
    rm -f secret.json
    touch made
fi
while true; do
    radosgw -f -n client.admin >>radosgw.out 2>&1 &
    gateway=$!
    wait "$gateway" || echo "the gateway ended with $?; starting it again" >&2
    sleep 0.2
done
