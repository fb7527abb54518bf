// SPDX-License-Identifier: Apache-2.0
#include "contract/qdrant_k8s/rig.hpp"

using namespace vbackup;
using namespace vbackup::test;
using model::Phase;
using model::Verb;

namespace {

const std::string snapshots = group + "/qdrantclustersnapshots";
const std::string restores = group + "/qdrantclusterrestores";

// A finished backup of ours, as its manifest knows it.
struct RestoreRig : Rig {
    RestoreRig() {
        manifest.id = "b1";
        manifest.jobs = {begin()};
        manifest.target_url = driver->address();
        manifest.server_version = "v1.15.4";
        manifest.nodes.resize(3);
        reads("qdrantclustersnapshots", "s1", {snapshot_object("s1", {{"phase", "Succeeded"}}, "b1")});
        server_count = server.requests().size();
    }
    model::Request asked(model::Options options = {}) {
        auto request = this->request(Verb::restore, std::move(options));
        request.manifest = &manifest;
        return request;
    }
    model::JobRef run(const model::Plan& made) {
        on("POST", restores, [](const HttpRequest& request) {
            auto object = Json::parse(request.body);
            object["metadata"]["uid"] = "uid-of-" + object["metadata"]["name"].get<std::string>();
            return json_answer(object, 201);
        });
        return driver->run(call, made.steps.at(0), nullptr).job.value();
    }

    model::Manifest manifest;
    std::size_t server_count = 0;
};

}  // namespace

TEST_CASE_FIXTURE(RestoreRig,
                  "in place: it destroys, says that the cluster goes away, and names source and destination") {
    const auto made = plan(asked());
    REQUIRE(made.steps.size() == 1);
    CHECK(made.steps[0].destroys);
    CHECK(made.steps[0].what.find("not available meanwhile") != std::string::npos);
    const auto job = run(made);
    const auto sent = Json::parse(server.requests().back().body);
    CHECK(sent["spec"] == Json{{"source", {{"snapshotName", "s1"}, {"namespace", "vectors"}}},
                               {"destination", {{"name", cluster_name}, {"namespace", "vectors"}}}});
    CHECK(sent["metadata"]["labels"] == Json{{"cluster-id", cluster_id}, {"customer-id", "team-blue"}});
    CHECK(job.name == cluster_name + "-restore-1795247220");
    CHECK(made.steps[0].document.find("kind: QdrantClusterRestore\n") != std::string::npos);
}

TEST_CASE_FIXTURE(RestoreRig, "the restore is waited for, and then the cluster with all its nodes") {
    const auto job = run(plan(asked()));
    const auto look = [&](const Json& status) {
        auto object = restore_object(job.name, status);
        reads("qdrantclusterrestores", job.name, {object});
        return driver->observe(call, job, Milliseconds{0});
    };
    CHECK(look(nullptr).phase == Phase::queued);
    CHECK(look({{"phase", "Pending"}}).phase == Phase::queued);
    CHECK(look({{"phase", "Running"}}).phase == Phase::running);
    const auto failed = look({{"phase", "Failed"}, {"message", "snapshot not found"}});
    CHECK(failed.phase == Phase::failed);
    CHECK(failed.why == "snapshot not found");
    CHECK(look({{"phase", "Skipped"}}).phase == Phase::failed);
    CHECK(look({{"phase", "Dreaming"}}).phase == Phase::unknown);
    auto deleted = restore_object(job.name, {{"phase", "Succeeded"}});
    deleted["metadata"]["deletionTimestamp"] = "2026-11-21T08:00:00Z";
    reads("qdrantclusterrestores", job.name, {deleted});
    CHECK(driver->observe(call, job, Milliseconds{0}).phase == Phase::cancelling);
    const auto good = look({{"phase", "Succeeded"}});
    CHECK(good.phase == Phase::succeeded);
    REQUIRE(good.next);

    const auto cluster = [&](const std::string& phase, int nodes) {
        reads("qdrantclusters", cluster_name, {cluster_object(phase, nodes)});
        return driver->observe(call, *good.next, Milliseconds{0});
    };
    for (const auto* word : {"Creating", "Updating", "Scaling", "Upgrading", "Suspending", "Suspended", "Resuming",
                             "NotReady", "RecoveryMode", "ManualMaintenance"})
        CHECK(cluster(word, 0).phase == Phase::running);
    for (const auto* word : {"FailedToCreate", "FailedToUpdate", "FailedToSuspend", "FailedToResume"})
        CHECK(cluster(word, 0).phase == Phase::failed);
    CHECK(cluster("", 0).phase == Phase::queued);
    CHECK(cluster("Dreaming", 3).phase == Phase::unknown);
    CHECK(cluster("FailedToDream", 3).phase == Phase::unknown);
    CHECK(cluster("Healthy", 2).phase == Phase::running);
    CHECK(cluster("Healthy", 3).phase == Phase::succeeded);
    on("GET", group + "/qdrantclusters/" + cluster_name, refusal(404, "NotFound", "not found", "qdrantclusters"));
    CHECK(driver->observe(call, *good.next, Milliseconds{0}).phase == Phase::running);
}

TEST_CASE_FIXTURE(RestoreRig, "nothing ever deletes the cluster that is coming up") {
    const auto job = run(plan(asked()));
    reads("qdrantclusterrestores", job.name, {restore_object(job.name, {{"phase", "Succeeded"}})});
    model::Found found;
    found.name = "b1";
    found.job = driver->observe(call, job, Milliseconds{0}).next.value();
    for (const auto verb : {Verb::cancel, Verb::remove}) {
        auto asked = request(verb);
        asked.found = &found;
        check_error(error_of([&] { return plan(asked); }), ErrorKind::refused, "coming up");
    }
}

TEST_CASE_FIXTURE(RestoreRig, "to a new cluster: nothing is destroyed, and the labels are the snapshot's") {
    on("GET", group + "/qdrantclusters/fresh", refusal(404, "NotFound", "not found", "qdrantclusters"));
    const auto made = plan(asked({{"new-cluster", "fresh"}}));
    CHECK(!made.steps.at(0).destroys);
    run(made);
    const auto sent = Json::parse(server.requests().back().body);
    CHECK(sent["spec"]["destination"] == Json{{"name", "fresh"}, {"namespace", "vectors"}, {"create", true}});
    CHECK(sent["metadata"]["labels"]["cluster-id"] == cluster_id);
    reads("qdrantclusters", "fresh", {cluster_object()});
    check_error(error_of([&] { return plan(asked({{"new-cluster", "fresh"}})); }), ErrorKind::conflict, "already");
}

TEST_CASE("a new cluster where none is left, from another namespace") {
    Rig rig("qdrant-k8s://vectors");
    auto elsewhere = snapshot_object("s1", {{"phase", "Succeeded"}});
    elsewhere["metadata"]["namespace"] = "other";
    rig.on("GET", "/apis/qdrant.io/v1/namespaces/other/qdrantclustersnapshots/s1", json_answer(elsewhere));
    rig.on("GET", group + "/qdrantclusters/fresh", refusal(404, "NotFound", "not found", "qdrantclusters"));
    const auto found = rig.driver->list(rig.call, {{"name", "s1"}, {"from-namespace", "other"}});
    REQUIRE(found.size() == 1);
    auto asked = rig.request(Verb::restore, {{"from-namespace", "other"}, {"new-cluster", "fresh"}});
    asked.found = &found[0];
    const auto made = rig.plan(asked);
    CHECK(made.steps.at(0).document.find("  source:\n    snapshotName: s1\n    namespace: other\n") !=
          std::string::npos);
    CHECK(made.steps.at(0).document.find("    name: fresh\n    namespace: vectors\n    create: true\n") !=
          std::string::npos);
    asked.options.erase("new-cluster");
    check_error(error_of([&] { return rig.plan(asked); }), ErrorKind::usage, "names no cluster");
}

TEST_CASE_FIXTURE(RestoreRig, "what is no good backup is refused before anything is sent") {
    const auto refused = [&](const Json& object, ErrorKind kind, const std::string& words) {
        reads("qdrantclustersnapshots", "s1", {object});
        check_error(error_of([&] { return plan(asked()); }), kind, words);
    };
    refused(snapshot_object("s1", {{"phase", "Running"}}, "b1"), ErrorKind::refused, "Running");
    refused(snapshot_object("s1", {{"phase", "Failed"}}, "b1"), ErrorKind::refused, "Failed");
    auto deleting = snapshot_object("s1", {{"phase", "Succeeded"}}, "b1");
    deleting["metadata"]["deletionTimestamp"] = "2026-11-21T08:00:00Z";
    refused(deleting, ErrorKind::refused, "being deleted");
    auto other = snapshot_object("s1", {{"phase", "Succeeded"}}, "b1");
    other["metadata"]["uid"] = "another";
    refused(other, ErrorKind::not_found, "another one");
    on("GET", snapshots + "/s1", refusal(404, "NotFound", "not found", "qdrantclustersnapshots"));
    check_error(error_of([&] { return plan(asked()); }), ErrorKind::not_found, "s1");
    auto renamed = asked();
    renamed.renames = {{"A", "B"}};
    check_error(error_of([&] { return plan(renamed); }), ErrorKind::unsupported, "new-cluster");
    CHECK(server.count("POST", restores) == 0);
}

TEST_CASE_FIXTURE(RestoreRig, "the backup of another cluster is told of") {
    auto other = snapshot_object("s1", {{"phase", "Succeeded"}}, "b1");
    other["spec"]["cluster-id"] = "c-other";
    reads("qdrantclustersnapshots", "s1", {other});
    const auto made = plan(asked());
    REQUIRE(made.notes.size() == 1);
    CHECK(made.notes[0].find("c-other") != std::string::npos);
}

TEST_CASE_FIXTURE(RestoreRig, "the proof: health, and in place version and size of the backup") {
    const auto good = [&](const Json& cluster, const model::Options& options = {}) {
        on("GET", group + "/qdrantclusters/*", json_answer(cluster));
        on("GET", group + "/qdrantclusters/" + cluster_name, json_answer(cluster));
        const auto proof = driver->prove(call, manifest, asked(options));
        CHECK(!proof.findings.empty());
        return proof.good();
    };
    CHECK(good(cluster_object()));
    CHECK(!good(cluster_object("Healthy", 2)));
    CHECK(!good(cluster_object("NotReady")));
    auto newer = cluster_object();
    newer["status"]["version"] = "v1.16.0";
    CHECK(!good(newer));
    auto wished = cluster_object();
    wished["status"]["version"] = "v1.15.4";
    wished["spec"]["version"] = "v1.16.0";
    CHECK(good(wished));
    auto larger = cluster_object("Healthy", 4);
    larger["spec"]["size"] = 4;
    CHECK(!good(larger));
    // Also when the backup was made by another name of the cluster.
    manifest.target_url.replace(manifest.target_url.find(cluster_id), 0, "qdrant-");
    CHECK(!good(newer));
    // A new cluster may be of another version.
    CHECK(good(newer, {{"new-cluster", "fresh"}}));
}

TEST_CASE_FIXTURE(RestoreRig, "a lost answer: the restore of that name with our id was taken") {
    const auto step = plan(asked()).steps.at(0);
    const auto path = restores + "/" + cluster_name + "-restore-1795247220";
    on("GET", path, refusal(404, "NotFound", "not found", "qdrantclusterrestores"));
    CHECK(!driver->done(call, step));
    auto object = restore_object("r1");
    on("GET", path, json_answer(object));
    CHECK(!driver->done(call, step));
    object["metadata"]["annotations"] = {{"vbackup/id", "b1"}};
    on("GET", path, json_answer(object));
    CHECK(driver->done(call, step).value().job->name == "r1");
    // The server took it and gave up on its answer: the second sending meets the first.
    on("POST", restores, refusal(409, "AlreadyExists", "already exists"));
    CHECK(driver->run(call, step, nullptr).job.value().name == "r1");
    object["metadata"]["annotations"] = {{"vbackup/id", "b2"}};
    on("GET", path, json_answer(object));
    check_error(error_of([&] { return driver->run(call, step, nullptr); }), ErrorKind::conflict, "already exists");
}

TEST_CASE_FIXTURE(RestoreRig, "a backup that has become good by the time it is cancelled stays") {
    model::Found found;
    found.name = "b1";
    found.job = manifest.jobs.front();
    auto asked = request(Verb::cancel);
    asked.found = &found;
    auto running = snapshot_object("s1", {{"phase", "Running"}}, "b1");
    auto good = snapshot_object("s1", {{"phase", "Succeeded"}}, "b1");
    good["metadata"]["resourceVersion"] = "101";
    reads("qdrantclustersnapshots", "s1", {running});
    const auto step = plan(asked).steps.at(0);
    const auto newer = refusal(409, "Conflict", "the ResourceVersion in the precondition (100) does not match");

    SUBCASE("between the plan and the deletion") {
        reads("qdrantclustersnapshots", "s1", {good});
        check_error(error_of([&] { return driver->run(call, step, nullptr); }), ErrorKind::refused, "ended already");
        CHECK(server.count("DELETE", "*") == 0);
    }
    SUBCASE("between the last look and the deletion") {
        reads("qdrantclustersnapshots", "s1", {running, good});
        on("DELETE", snapshots + "/s1", newer);
        check_error(error_of([&] { return driver->run(call, step, nullptr); }), ErrorKind::refused, "ended already");
        CHECK(server.count("DELETE", "*") == 1);
    }
    SUBCASE("while it is still at work it is looked at again, and deleted as it was seen") {
        auto later = running;
        later["metadata"]["resourceVersion"] = "102";
        reads("qdrantclustersnapshots", "s1", {running, later});
        on("DELETE", snapshots + "/s1",
           std::vector<Answer>{newer, json_answer({{"kind", "Status"}, {"status", "Success"}})});
        CHECK(driver->run(call, step, nullptr).job);
        const auto sent = Json::parse(server.requests().back().body)["preconditions"];
        CHECK(sent == Json{{"uid", "uid-of-s1"}, {"resourceVersion", "102"}});
    }
    SUBCASE("one that changes all the time is given up") {
        on("DELETE", snapshots + "/s1", newer);
        check_error(error_of([&] { return driver->run(call, step, nullptr); }), ErrorKind::conflict, "ResourceVersion");
        CHECK(server.count("DELETE", "*") == 5);
    }
    SUBCASE("one that goes away already, or is gone, is no error") {
        auto deleted = good;
        deleted["metadata"]["deletionTimestamp"] = "2026-11-21T08:00:00Z";
        reads("qdrantclustersnapshots", "s1", {deleted});
        CHECK(driver->run(call, step, nullptr).job);
        on("GET", snapshots + "/s1", refusal(404, "NotFound", "not found", "qdrantclustersnapshots"));
        CHECK(driver->run(call, step, nullptr).job);
        CHECK(server.count("DELETE", "*") == 0);
    }
}

TEST_CASE_FIXTURE(RestoreRig, "delete: just that object, and followed until it is gone") {
    auto asked = request(Verb::remove);
    asked.manifest = &manifest;
    const auto step = plan(asked).steps.at(0);
    CHECK(step.destroys);
    on("DELETE", snapshots + "/s1", json_answer({{"kind", "Status"}, {"status", "Success"}}));
    const auto job = driver->run(call, step, nullptr).job.value();
    CHECK(Json::parse(server.requests().back().body)["preconditions"]["uid"] == "uid-of-s1");
    auto held = snapshot_object("s1", {{"phase", "Succeeded"}}, "b1");
    CHECK(!driver->done(call, step));
    held["metadata"]["deletionTimestamp"] = "2026-11-21T08:00:00Z";
    reads("qdrantclustersnapshots", "s1", {held});
    CHECK(driver->observe(call, job, Milliseconds{0}).phase == Phase::running);
    CHECK(driver->done(call, step));
    on("GET", snapshots + "/s1", refusal(404, "NotFound", "not found", "qdrantclustersnapshots"));
    CHECK(driver->observe(call, job, Milliseconds{0}).phase == Phase::succeeded);
    CHECK(driver->done(call, step));
    // What is gone already is no error; another object of that name is.
    on("DELETE", snapshots + "/s1", refusal(404, "NotFound", "not found", "qdrantclustersnapshots"));
    CHECK(driver->run(call, step, nullptr).job);
    on("DELETE", snapshots + "/s1",
       refusal(409, "Conflict", "Precondition failed: UID in precondition: a, UID in object meta: b"));
    check_error(error_of([&] { return driver->run(call, step, nullptr); }), ErrorKind::conflict, "made another");
}

TEST_CASE_FIXTURE(RestoreRig, "what is at work is not deleted but cancelled, and what has ended not cancelled") {
    model::Found found;
    found.name = "b1";
    found.job = manifest.jobs.front();
    auto asked = request(Verb::cancel);
    asked.found = &found;
    check_error(error_of([&] { return plan(asked); }), ErrorKind::refused, "ended already");
    reads("qdrantclustersnapshots", "s1", {snapshot_object("s1", {{"phase", "Running"}}, "b1")});
    const auto step = plan(asked).steps.at(0);
    CHECK(step.destroys);
    CHECK(step.what.find("no other way to end it") != std::string::npos);
    on("DELETE", snapshots + "/s1", json_answer({{"kind", "Status"}, {"status", "Success"}}));
    const auto job = driver->run(call, step, nullptr).job.value();
    on("GET", snapshots + "/s1", refusal(404, "NotFound", "not found", "qdrantclustersnapshots"));
    CHECK(driver->observe(call, job, Milliseconds{0}).phase == Phase::cancelled);
    check_error(error_of([&] { return plan(asked); }), ErrorKind::not_found, "s1");
    reads("qdrantclustersnapshots", "s1", {snapshot_object("s1", {{"phase", "Running"}}, "b1")});
    asked.verb = Verb::remove;
    check_error(error_of([&] { return plan(asked); }), ErrorKind::refused, "vbackup cancel");
}
