# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scenarios share. Each one sources this, starts servers below $work by `serve`, which are
# stopped at its end; other processes are listed by pid in `kill_at_end`.
set -euo pipefail

e2e=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
servers=$e2e/../servers
vbackup=$VBACKUP_BINARY
work=$(mktemp -d "${TMPDIR:-/tmp}/vbackup-e2e.XXXXXX")
stop_at_end=()
kill_at_end=()

# The scenario sees no configuration, journal or proxy of the person who runs it.
export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config
unset VBACKUP_CONFIG http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
mkdir -p "$XDG_STATE_HOME" "$XDG_CONFIG_HOME"

finish() {
    local code=$? one
    for one in "${kill_at_end[@]}"; do kill "$one" 2>/dev/null || true; done
    for one in "${stop_at_end[@]}"; do
        # shellcheck disable=SC2086  # "script DIR"
        "$servers/"${one} >/dev/null 2>&1 || true
    done
    if ((code == 0 || code == 77)); then
        rm -rf "$work"
    else
        printf '\nFAILED (exit %d); what is left of it lies in %s\n' "$code" "$work"
    fi
    exit "$code"
}
trap finish EXIT

fail() {
    printf 'FAIL: %s\n' "$*"
    exit 1
}

step() { printf '\n== %s\n' "$*"; }

# serve SCRIPT DIR ARGUMENT…: starts a server, whose NAME=VALUE lines become variables (with PREFIX_ when PREFIX is set).
serve() {
    local script=$1 dir=$2 name value printed code=0
    shift 2
    stop_at_end=("$script kill $dir" "${stop_at_end[@]}")
    printed=$("$servers/$script" start "$dir" "$@") || code=$?
    # Only Qdrant cannot be had from the registries, so only it may be missing in CI.
    if ((code == 77)) && [[ -z ${CI:-} || $script == qdrant* ]]; then
        printf 'SKIPPED: no %s server on this machine\n' "$script"
        exit 77
    fi
    ((code == 0)) || fail "$script does not start"
    while IFS='=' read -r name value; do
        printf -v "${PREFIX:-}$name" '%s' "$value"
    done <<<"$printed"
}

# expect_exit CODES COMMAND…: runs it with its output shown and kept in $work/out and $work/err; CODES is one, or several
# joined by '|'.
expect_exit() {
    local codes=$1 code=0
    shift
    printf '$ %s\n' "${*/#$vbackup/vbackup}"
    "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
    sed 's/^/    /' "$work/out" "$work/err"
    [[ "|$codes|" == *"|$code|"* ]] || fail "exit $code, expected $codes"
}

# after expect_exit: what it printed on stdout (or stderr) must match the extended regular expression.
expect_out() { grep -Eq -- "$1" "$work/out" || fail "stdout does not match: $1"; }
expect_err() { grep -Eq -- "$1" "$work/err" || fail "stderr does not match: $1"; }

# json FILTER: what a Python expression over the document `d` on the last stdout gives.
json() {
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert d["version"] == 1; print(eval(sys.argv[2]))' \
        "$work/out" "$1"
}

equal() { [[ $1 == "$2" ]] || fail "$3 differ:"$'\n'"$1"$'\n'"$2"; }

# within SECONDS COMMAND…: until the command succeeds.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || fail "not within its time: $*"
        sleep 0.1
    done
}

weaviate_data() { python3 "$e2e/weaviate_data.py" "$@"; }
qdrant_data() { python3 "$e2e/qdrant_data.py" "$@"; }
