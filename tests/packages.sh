# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian packages, for tests/run and examples/quickstart.

# What building the program takes.
# shellcheck disable=SC2034  # read by those who source this
build_packages=(ca-certificates cmake ninja-build g++ pkg-config python3 libcurl4-openssl-dev libarchive-dev libzstd-dev libhiredis-dev libssl-dev libexpat1-dev libfmt-dev
    libtomlplusplus-dev libyaml-cpp-dev nlohmann-json3-dev libcli11-dev libsodium-dev)

# install_packages YES NAME…: installs those that are missing; asks first unless YES is true. Elsewhere than on a Debian it
# only says what is needed.
install_packages() {
    local yes=$1 missing=() become=() name answer
    shift
    if ! command -v apt-get >/dev/null; then
        printf 'not a Debian: what these packages hold must be there already: %s\n' "$*"
        return 0
    fi
    for name in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
    done
    ((${#missing[@]} > 0)) || return 0
    if ((EUID != 0)); then become=(sudo); fi
    if ! $yes; then
        read -r -p "Install by ${become[*]} apt-get: ${missing[*]}? [y/N] " answer || true
        [[ ${answer:-} == [yY]* ]] || return 1
    fi
    "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}
