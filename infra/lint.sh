#!/usr/bin/env bash
# Lint everything in infra/ with what is there: yamllint, kubernetes-validate and hadolint come with the
# developers' tools; docker compose and Apache are asked where they are installed.
set -euo pipefail
bin="${1:+$(realpath "$1")/}" # may be given relative to where it is called from
cd "$(dirname "${BASH_SOURCE[0]}")"

"${bin}yamllint" -s -c .yamllint.yaml .
"${bin}kubernetes-validate" --strict --quiet kubernetes/*.yaml
"${bin}hadolint" images/*.Dockerfile
for script in deploy.sh lint.sh s3/*.sh; do bash -n "$script"; done

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
if docker compose version >/dev/null 2>&1; then compose=(docker compose)
elif command -v docker-compose >/dev/null; then compose=(docker-compose)
else compose=(); fi
if ((${#compose[@]})); then
    # Every variable must have a value, any; files must be there.
    sed -e "s|_FILE=\$|_FILE=/dev/null|; s|=\$|=x|; s|PARLEY_PROJECT=x|PARLEY_PROJECT=/tmp|" \
        compose.env.example >"$scratch/compose.env"
    "${compose[@]}" --env-file "$scratch/compose.env" -f compose.yaml config -q 2>"$scratch/told" ||
        { cat "$scratch/told"; exit 1; }
else
    echo "no docker compose here: compose.yaml is checked by yamllint and the tests alone"
fi
if command -v apache2 >/dev/null && [[ -e /usr/lib/apache2/modules/mod_auth_openidc.so ]]; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=lint \
        -keyout "$scratch/tls.key" -out "$scratch/tls.crt" 2>/dev/null
    env PARLEY_DOMAIN=example.org PARLEY_OIDC_ISSUER=https://id.example.org PARLEY_OIDC_CLIENT_ID=x \
        PARLEY_OIDC_CLIENT_SECRET=x PARLEY_OIDC_COOKIE_SECRET=x PARLEY_OIDC_CLAIM=sub \
        PARLEY_PAGE=127.0.0.1:1 PARLEY_PREFECT=127.0.0.1:1 PARLEY_MLFLOW=127.0.0.1:1 \
        PARLEY_TLS="$scratch" apache2 -t -f "$PWD/proxy/parley.conf" 2>"$scratch/told" ||
        { cat "$scratch/told"; exit 1; }
else
    echo "no Apache with OpenID Connect here: proxy/parley.conf is not checked"
fi
echo "infra is clean"
