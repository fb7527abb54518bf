# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the server scripts of this folder share. A server lives in a folder DIR of its own: DIR/pid is its process,
# DIR/ports its ports (kept, so that a second `start DIR` brings the same server back at the same address), DIR/log what it
# printed. Servers are stopped by the pid that was started, never by name.
set -euo pipefail

servers=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${VBACKUP_SERVER_CACHE:-$HOME/.cache/vbackup-servers}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Exit 77 is a test's word for "skipped".
none_here() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 77
}

# The first of: a path given by the caller (from the environment), one of the names on PATH, the cache. Nothing for none.
find_server() {
    local named=$1 name
    shift
    if [[ -n $named ]]; then
        [[ -x $named ]] || die "$named is no program"
        printf '%s\n' "$named"
        return
    fi
    for name in "$@"; do
        if command -v "$name"; then return; fi
    done
    for name in "$cache/bin/$1" "$cache/$1/$1"; do
        if [[ -x $name ]]; then
            printf '%s\n' "$name"
            return
        fi
    done
}

# The first of COUNT neighbouring ports that were all free a moment ago, TCP and UDP, below the range from which the kernel
# takes ports for outgoing connections.
free_ports() {
    python3 - "$1" <<'PYTHON'
import random, socket, sys
count = int(sys.argv[1])
while True:
    first, held = random.randrange(18000, 32000 - count), []
    try:
        for port in range(first, first + count):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                held.append(socket.socket(socket.AF_INET, kind))
                held[-1].bind(("0.0.0.0", port))
        print(first)
        break
    except OSError:
        continue
    finally:
        for one in held:
            one.close()
PYTHON
}

# The first port of DIR's block of COUNT, chosen at the first start.
ports_of() {
    local dir=$1 count=$2
    [[ -s $dir/ports ]] || free_ports "$count" >"$dir/ports"
    cat "$dir/ports"
}

# Field 22 of /proc/PID/stat: tells a process from a later one with the same pid.
born() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    stat=${stat##*) }
    cut -d ' ' -f 20 <<<"$stat"
}

# A process that nobody has reaped yet is not running, but one of several threads is while any of them lives: the first can be
# a zombie already while another still holds the process's ports and files.
running() {
    local pid birth states
    read -r pid birth 2>/dev/null <"$1/pid" || return 1
    kill -0 "$pid" 2>/dev/null || return 1
    # A thread may end while they are read.
    states=$(grep -hs '^State:' "/proc/$pid"/task/*/status || true)
    [[ $states =~ State:[[:space:]]*[^ZX[:space:]] ]] || return 1
    [[ -z $birth || $birth == "$(born "$pid")" ]]
}

# launch DIR COMMAND…: in DIR, away from this terminal, output to DIR/log.
launch() {
    local dir=$1
    shift
    running "$dir" && die "a server is running in $dir already"
    (cd "$dir" && exec setsid "$@" </dev/null >>"$dir/log" 2>&1) &
    printf '%s %s\n' "$!" "$(born "$!")" >"$dir/pid"
    disown
}

pid_of() { cut -d ' ' -f 1 "$1/pid"; }

# signal_server DIR NAME: no error when it is gone.
signal_server() {
    ! running "$1" || kill -s "$2" "$(pid_of "$1")" 2>/dev/null || true
}

gone_within() {
    local dir=$1 tenths=$(($2 * 10))
    while running "$dir"; do
        ((tenths-- > 0)) || return 1
        sleep 0.1
    done
}

stop_server() {
    signal_server "$1" TERM
    gone_within "$1" 10 || signal_server "$1" KILL
    gone_within "$1" 10 || die "process $(pid_of "$1") does not end"
    rm -f "$1/pid"
}

kill_server() {
    signal_server "$1" KILL
    gone_within "$1" 10 || die "process $(pid_of "$1") does not end"
    rm -f "$1/pid"
}

# ready_within DIR SECONDS URL: until URL answers 200; fails at once when the process ends.
ready_within() {
    local dir=$1 seconds=$2 url=$3
    if ! python3 "$servers/probe.py" "$(pid_of "$dir")" "$seconds" "$url"; then
        tail -n 20 "$dir/log" >&2
        kill_server "$dir"
        die "no answer from $url; its log is $dir/log"
    fi
}
