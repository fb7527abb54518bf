# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# One Weaviate node whose backups lie in a container of Azurite.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PREFIX=AZURE_ serve azurite "$work/azurite" backups others
serve weaviate "$work/weaviate" ENABLE_MODULES=backup-filesystem,backup-azure BACKUP_AZURE_CONTAINER=backups \
    AZURE_STORAGE_CONNECTION_STRING="$AZURE_CONNECTION"
weaviate_data load "$URL" Article 3000 --dims 256
weaviate_data load "$URL" Author 500
before=$(weaviate_data fingerprint "$URL" Article Author)

# has_blob CONTAINER NAME [CONDITION]: such a blob, NAME a regular expression, CONDITION one of awk's on `size` and `blocks`.
has_blob() {
    local key=${AZURE_CONNECTION#*AccountKey=}
    python3 "$servers/azure.py" blobs "$AZURE_URL" "${key%%;*}" "$1" >"$work/blobs"
    awk -v name="^$2\$" "{ size = \$2; blocks = \$3 } \$1 ~ name && (${3:-1}) { found = 1 } END { exit !found }" "$work/blobs"
}

step "create in the default container"
expect_exit 0 "$vbackup" check "$URL" -o backend=azure
expect_exit 0 "$vbackup" create "$URL" --id first -o backend=azure
has_blob backups first/backup_config.json || fail "no descriptor of first in the container"
expect_exit 0 "$vbackup" list "$URL" -o backend=azure
expect_out first
expect_exit 0 "$vbackup" status "$URL" first -o backend=azure
expect_exit 8 "$vbackup" create "$URL" --id first -o backend=azure
expect_exit 7 "$vbackup" status "$URL" nothing -o backend=azure

step "destroy one collection and restore it"
weaviate_data delete "$URL" Article
expect_exit 0 "$vbackup" restore "$URL" first -o backend=azure --collection Article
equal "$before" "$(weaviate_data fingerprint "$URL" Article Author)" "fingerprints after the restore"

step "block size and concurrency; another container and path are remembered"
expect_exit 0 "$vbackup" create "$URL" --id second -o backend=azure -o azure-block-size=1048576 -o azure-concurrency=2 \
    -o bucket=others -o path=prod/nightly --collection Article
has_blob others prod/nightly/second/backup_config.json || fail "no descriptor of second at others/prod/nightly"
# Weaviate 1.39.0 takes the two headers and then uploads in a context of its own that does not have them, so that what is
# larger than a block of the wanted size still goes in one piece. (Its environment's AZURE_BLOCK_SIZE works.)
has_blob others 'prod/nightly/second/.*/chunk-.*' 'size > 1048576 && blocks == 0' ||
    fail "this Weaviate obeys X-Azure-Block-Size"
expect_exit 0 "$vbackup" status "$URL" second
weaviate_data delete "$URL" Article
expect_exit 0 "$vbackup" restore "$URL" second
equal "$before" "$(weaviate_data fingerprint "$URL" Article Author)" "fingerprints after the second restore"

step "a container that is not there"
expect_exit 1\|7\|11\|12 "$vbackup" create "$URL" --id third -o backend=azure -o bucket=nowhere

step "the container is out of vbackup's reach: said, not done by halves"
mkdir "$work/store"
expect_exit 14 "$vbackup" delete "$URL" first -o backend=azure --yes
expect_err "does not reach .*/backups/first"
expect_exit 14 "$vbackup" download "$URL" first --to "$work/store/" -o backend=azure
expect_err "does not reach .*/backups/first"
[[ -z $(find "$work/store" -type f) ]] || fail "something lies in the store"
expect_exit 0 "$vbackup" status "$URL" first -o backend=azure
