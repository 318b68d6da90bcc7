#!/bin/sh
# Make the work pools that are missing and put the deployments on the Prefect server. Safe to repeat.
set -eu
for pool in cpu gpu; do
    prefect --no-prompt work-pool inspect "$pool" >/dev/null 2>&1 ||
        prefect --no-prompt work-pool create "$pool" --type process
done
exec parley deploy "${1:-infra/prefect.yaml}"
