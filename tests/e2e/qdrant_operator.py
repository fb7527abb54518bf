# SPDX-License-Identifier: Apache-2.0
"""qdrant_operator.py URL CA TOKEN FOLDER: plays Qdrant's operator as far as contracts about its objects go: takes up what is new and
writes /status. FOLDER/behave says how: succeed, half (the same with one volume
snapshot alone), fail, skip, never or work (stays Running). FOLDER/seconds is how long work
takes. Lives through an API server that is away."""
import datetime
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "servers"))
from kube import Kube  # noqa: E402

kube = Kube(*sys.argv[1:4])
folder = pathlib.Path(sys.argv[4])
group = "/apis/qdrant.io/v1"
begun = {}


def setting(name, otherwise):
    file = folder / name
    return file.read_text().strip() if file.exists() else otherwise


def stamp(seconds=0):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def path(plural, thing):
    return f"{group}/namespaces/{thing['metadata']['namespace']}/{plural}/{thing['metadata']['name']}"


def status(plural, thing, **fields):
    kube.change("PATCH", path(plural, thing) + "/status", {"status": fields})


def cluster_of(space, cluster_id):
    for one in kube.get(f"{group}/namespaces/{space}/qdrantclusters")["items"]:
        if cluster_id in (one["spec"]["id"], one["metadata"]["name"]):
            return one
    return None


def volumes(thing, ready, **more):
    cluster = cluster_of(thing["metadata"]["namespace"], thing["spec"]["cluster-id"])
    size = cluster["spec"]["size"] if cluster else 1
    return [
        {"volumeSnapshotName": f"snap-{index}", "volumeName": f"qdrant-storage-{index}", "readyToUse": ready, **(more if index == 0 else {})}
        for index in range(size)
    ]


def snapshot(thing, how, age):
    phase = thing.get("status", {}).get("phase")
    if phase is None and how == "skip":
        status("qdrantclustersnapshots", thing, phase="Skipped")
    elif phase is None and how != "never":
        begun[thing["metadata"]["uid"]] = time.monotonic()
        status("qdrantclustersnapshots", thing, phase="Running", volumeSnapshots=volumes(thing, False))
    elif phase == "Running" and age >= float(setting("seconds", "1")):
        if how == "fail":
            error = {"time": stamp(), "message": "driver quota reached"}
            event = {"reason": "SnapshotContentCreationFailed", "message": "quota", "count": 3, "firstTimestamp": stamp(), "lastTimestamp": stamp()}
            status("qdrantclustersnapshots", thing, phase="Failed", volumeSnapshots=volumes(thing, False, error=error, events=[event]))
        elif how in ("succeed", "half"):
            made = volumes(thing, True, snapshotHandle="snap-0ab1")
            fields = {"phase": "Succeeded", "completionTime": "1m4s", "volumeSnapshots": made[:1] if how == "half" else made}
            hours = int(thing["spec"].get("retention", "0h")[:-1])
            if hours:
                fields["retainUntil"] = stamp(hours * 3600)
            status("qdrantclustersnapshots", thing, **fields)


def bring_up(space, name, nodes):
    cluster = cluster_of(space, name)
    status("qdrantclusters", cluster, phase="Healthy", availableNodes=nodes, availableNodeIndexes=list(range(nodes)))


def restore(thing, how, age):
    phase = thing.get("status", {}).get("phase")
    source, to = thing["spec"]["source"], thing["spec"]["destination"]
    found = kube.get(f"{group}/namespaces/{source['namespace']}/qdrantclustersnapshots/{source['snapshotName']}")
    if phase is None and how != "never":
        if found is None:
            status("qdrantclusterrestores", thing, phase="Failed", message="snapshot not found")
            return
        begun[thing["metadata"]["uid"]] = time.monotonic()
        status("qdrantclusterrestores", thing, phase="Running")
        if not to.get("create"):
            status("qdrantclusters", cluster_of(to["namespace"], to["name"]), phase="Updating", availableNodes=0, availableNodeIndexes=[])
    elif phase == "Running" and age >= float(setting("seconds", "1")):
        if how == "fail":
            status("qdrantclusterrestores", thing, phase="Failed", message="snapshot is not ready")
            return
        if to.get("create"):
            labels = {**thing["metadata"]["labels"], "cluster-id": to["name"]}
            body = {"apiVersion": "qdrant.io/v1", "kind": "QdrantCluster", "metadata": {"name": to["name"], "labels": labels},
                    "spec": {"id": to["name"], "size": 3, "version": "v1.15.4"}}
            kube.change("POST", f"{group}/namespaces/{to['namespace']}/qdrantclusters", body)
            status("qdrantclusters", cluster_of(to["namespace"], to["name"]), phase="Creating", availableNodes=0)
        status("qdrantclusterrestores", thing, phase="Succeeded")
        begun[to["name"]] = time.monotonic()
    elif phase == "Succeeded" and to["name"] in begun and time.monotonic() - begun[to["name"]] > 1:
        del begun[to["name"]]
        bring_up(to["namespace"], to["name"], 3)


def schedule(thing, how, _age):
    if thing.get("status", {}).get("phase") is None and how != "never":
        status("qdrantclusterscheduledsnapshots", thing, phase="Active", scheduled=stamp(3600))


while True:
    try:
        for plural, act in (("qdrantclustersnapshots", snapshot), ("qdrantclusterrestores", restore), ("qdrantclusterscheduledsnapshots", schedule)):
            for item in kube.get(f"{group}/{plural}")["items"]:
                act(item, setting("behave", "succeed"), time.monotonic() - begun.get(item["metadata"]["uid"], time.monotonic()))
    except (OSError, TypeError, KeyError) as trouble:
        print(trouble, flush=True)
    time.sleep(0.1)
