# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Three Weaviate nodes with replicas, shards and tenants, backups in a bucket of MinIO.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PREFIX=S3_ serve minio "$work/minio" backups
serve weaviate-cluster "$work/weaviate" ENABLE_MODULES=backup-filesystem,backup-s3 BACKUP_S3_BUCKET=backups \
    BACKUP_S3_ENDPOINT="$S3_ENDPOINT" BACKUP_S3_USE_SSL=false AWS_ACCESS_KEY_ID="$S3_ACCESS_KEY" \
    AWS_SECRET_ACCESS_KEY="$S3_SECRET_KEY" AWS_REGION=us-east-1
# Of three nodes, `stop` and `kill` speak of one by its number.
weaviate() { "$servers/weaviate-cluster" "$@"; }

weaviate_data load "$URL" Twice 1500 --replicas 2 --shards 3
weaviate_data load "$URL" Thrice 600 --replicas 3
weaviate_data load "$URL2" Tenants 300 --tenants a,b,c
fingerprints() {
    weaviate_data fingerprint "$1" Twice Thrice
    weaviate_data fingerprint "$1" Tenants --tenants a,b,c
}
before=$(fingerprints "$URL")
equal "$before" "$(fingerprints "$URL3")" "fingerprints by two nodes"

step "the filesystem is refused for a cluster before anything is asked of the server"
expect_exit 12\|14 "$vbackup" create "$URL" --id folder -o backend=filesystem
expect_exit 7 "$vbackup" status "$URL" folder -o backend=s3

step "create by one node, seen by another; an inactive tenant is part of it, as of 1.37"
weaviate_data tenant "$URL" Tenants c COLD
expect_exit 0 "$vbackup" check "$URL" -o backend=s3
expect_exit 0 "$vbackup" create "$URL" --id first -o backend=s3
expect_exit 0 "$vbackup" status "$URL2" first -o backend=s3
expect_exit 0 "$vbackup" list "$URL3" -o backend=s3
expect_out first

step "everything destroyed and restored by another node"
for one in Twice Thrice Tenants; do weaviate_data delete "$URL" "$one"; done
expect_exit 0 "$vbackup" restore "$URL2" first -o backend=s3
weaviate_data tenant "$URL" Tenants c HOT
equal "$before" "$(fingerprints "$URL")" "fingerprints after the restore, node 1"
equal "$before" "$(fingerprints "$URL3")" "fingerprints after the restore, node 3"

step "with a node down nothing is begun"
weaviate kill "$work/weaviate" 3
node_is_missed() { ! python3 "$servers/probe.py" "$PID1" 0 "$URL/v1/nodes" 3; }
within 60 node_is_missed
expect_exit 12\|15 "$vbackup" create "$URL" --id second -o backend=s3
expect_exit 7 "$vbackup" status "$URL" second -o backend=s3
