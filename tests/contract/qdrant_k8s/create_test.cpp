// SPDX-License-Identifier: Apache-2.0
#include "contract/qdrant_k8s/rig.hpp"

using namespace vbackup;
using namespace vbackup::test;
using model::Phase;
using model::Verb;

namespace {

const std::string snapshots = group + "/qdrantclustersnapshots";

Json volume(bool ready, Json more = Json::object()) {
    Json one{{"volumeSnapshotName", "snap-0"}, {"volumeName", "v-0"}, {"readyToUse", ready}};
    one.update(more);
    return one;
}

}  // namespace

TEST_CASE_FIXTURE(
    Rig, "what is sent has the cluster's labels, the usual name and whole hours, and is the YAML of the plan") {
    auto asked = request(Verb::create);
    asked.retention = std::chrono::hours(72);
    asked.description = "before: the change";
    const auto made = plan(asked);
    REQUIRE(made.steps.size() == 1);
    on("POST", snapshots, [](const HttpRequest& request) {
        auto object = Json::parse(request.body);
        object["metadata"]["uid"] = "u1";
        return json_answer(object, 201);
    });
    const auto outcome = driver->run(call, made.steps[0], nullptr);
    const auto sent = server.requests().back();
    CHECK(sent.query.find("fieldValidation=Strict") != std::string::npos);
    CHECK(sent.header("authorization") == "Bearer s3cret");
    const auto name = cluster_name.substr(0) + "-snapshot-1795247220";
    CHECK(outcome.job->name == name);
    CHECK(Json::parse(sent.body) ==
          Json{{"apiVersion", "qdrant.io/v1"},
               {"kind", "QdrantClusterSnapshot"},
               {"metadata",
                {{"name", name},
                 {"namespace", "vectors"},
                 {"labels", {{"cluster-id", cluster_id}, {"customer-id", "team-blue"}}},
                 {"annotations",
                  {{"vbackup/id", "b1"}, {"vbackup/description", "before: the change"}, {"vbackup/nodes", "3"}}}}},
               {"spec", {{"cluster-id", cluster_id}, {"creation-timestamp", 1795247220}, {"retention", "72h"}}}});
    CHECK(made.steps[0].document == "apiVersion: qdrant.io/v1\nkind: QdrantClusterSnapshot\nmetadata:\n  name: " +
                                        name + "\n  namespace: vectors\n  labels:\n    cluster-id: \"" + cluster_id +
                                        "\"\n    customer-id: team-blue\n  annotations:\n    vbackup/id: b1\n    "
                                        "vbackup/description: \"before: the change\"\n    vbackup/nodes: \"3\"\n"
                                        "spec:\n  cluster-id: \"" +
                                        cluster_id + "\"\n  creation-timestamp: 1795247220\n  retention: \"72h\"\n");
}

TEST_CASE_FIXTURE(Rig, "as many nodes are noted as surely have a volume, none while the cluster scales") {
    const auto noted = [&](const std::string& phase, int size, std::optional<int> available) {
        auto object = cluster_object(phase);
        object["spec"]["size"] = size;
        object["status"].erase("availableNodes");
        object["status"].erase("availableNodeIndexes");
        if (available) object["status"]["availableNodes"] = *available;
        on("GET", group + "/qdrantclusters/" + cluster_name, json_answer(object));
        const auto document = plan(request(Verb::create)).steps.at(0).document;
        const std::string before = "vbackup/nodes: \"";
        const auto at = document.find(before);
        return at == std::string::npos ? "" : document.substr(at + before.size(), 1);
    };
    CHECK(noted("Scaling", 6, 3).empty());
    CHECK(noted("Scaling", 3, 6).empty());
    // Asked for, and the operator has not begun yet.
    CHECK(noted("Healthy", 6, 3) == "3");
    CHECK(noted("Healthy", 2, 3) == "2");
    CHECK(noted("Healthy", 3, std::nullopt) == "3");
    CHECK(noted("Updating", 3, std::nullopt).empty());
    CHECK(noted("NotReady", 3, 0).empty());
}

TEST_CASE_FIXTURE(Rig, "what this API cannot hold is refused before anything is sent") {
    auto asked = request(Verb::create);
    asked.retention = std::chrono::minutes(90);
    check_error(error_of([&] { return plan(asked); }), ErrorKind::usage, "whole hours");
    asked.retention = std::chrono::minutes(30);
    check_error(error_of([&] { return plan(asked); }), ErrorKind::usage, "whole hours");
    asked.retention.reset();
    asked.keep = true;
    check_error(error_of([&] { return plan(asked); }), ErrorKind::unsupported, "CSI");
    asked.keep = false;
    asked.description = "caf\xe9";
    check_error(error_of([&] { return plan(asked); }), ErrorKind::usage, "UTF-8");
    asked.description = "caf\xc3\xa9";
    CHECK(plan(asked).steps.at(0).document.find("vbackup/description: \"caf\xc3\xa9\"\n") != std::string::npos);
    asked.scope.include = {"A"};
    check_error(error_of([&] { return plan(asked); }), ErrorKind::unsupported, "all of its collections");
    check_error(error_of([&] { return driver->inspect(call, asked.scope); }), ErrorKind::unsupported, "--collection");
    CHECK(server.count("POST", "*") == 0);
}

TEST_CASE_FIXTURE(Rig, "labels that are missing or contradict the cluster are refused") {
    auto object = cluster_object();
    object["metadata"]["labels"].erase("customer-id");
    on("GET", group + "/qdrantclusters/" + cluster_name, json_answer(object));
    check_error(error_of([&] { return plan(request(Verb::create)); }), ErrorKind::refused, "customer-id");
    object["metadata"]["labels"] = {{"cluster-id", "other"}, {"customer-id", "c"}};
    on("GET", group + "/qdrantclusters/" + cluster_name, json_answer(object));
    check_error(error_of([&] { return plan(request(Verb::create)); }), ErrorKind::refused, "cluster-id=other");
}

TEST_CASE_FIXTURE(Rig, "a cluster is found by its object's name, by its id, and by its id under any name") {
    for (const auto& way : {cluster_name, cluster_id, std::string("odd")}) {
        CAPTURE(way);
        open("qdrant-k8s://vectors/" + way);
        auto odd = cluster_object();
        odd["spec"]["id"] = "odd";
        odd["metadata"]["name"] = "some-name";
        on("GET", group + "/qdrantclusters/*odd", refusal(404, "NotFound", "not found", "qdrantclusters"));
        on("GET", group + "/qdrantclusters", list_answer({cluster_object(), odd}));
        const auto now = driver->inspect(call, {});
        CHECK(now.ready);
        CHECK(now.version == "v1.15.4");
        REQUIRE(now.nodes.size() == 3);
        CHECK(now.nodes[2].name == (way == "odd" ? "some-name-2" : cluster_name + "-2"));
    }
    open("qdrant-k8s://vectors/gone");
    on("GET", group + "/qdrantclusters/*gone", refusal(404, "NotFound", "not found", "qdrantclusters"));
    check_error(error_of([&] { return driver->inspect(call, {}); }), ErrorKind::not_found, "new-cluster");
    // A role that may not list says no more than that it is not there.
    on("GET", group + "/qdrantclusters", refusal(403, "Forbidden", "cannot list"));
    check_error(error_of([&] { return driver->inspect(call, {}); }), ErrorKind::not_found, "gone");
}

TEST_CASE_FIXTURE(Rig, "one cluster written in two ways is one target") {
    for (const auto& [way, other] : {std::pair(cluster_id, cluster_name), std::pair(cluster_name, cluster_id)}) {
        open("qdrant-k8s://vectors/" + other);
        const auto address = driver->address();
        open("qdrant-k8s://vectors/" + way);
        CHECK(driver->address() != address);
        CHECK(driver->inspect(call, {}).nodes.at(0).address == address);
    }
}

TEST_CASE_FIXTURE(Rig, "nodes are those that the operator counts, gaps and all") {
    const auto look = [&](int size, const Json& indexes, const std::string& phase = "Healthy") {
        auto object = cluster_object(phase);
        object["spec"]["size"] = size;
        object["status"].erase("availableNodes");
        object["status"]["availableNodeIndexes"] = indexes;
        if (indexes.is_null()) object["status"].erase("availableNodeIndexes");
        on("GET", group + "/qdrantclusters/" + cluster_name, json_answer(object));
        std::string seen;
        for (const auto& node : driver->inspect(call, {}).nodes)
            seen += node.name.substr(cluster_name.size()) + (node.healthy ? "" : "?");
        return seen;
    };
    CHECK(look(3, {0, 2, 3}) == "-0-2-3");
    CHECK(look(3, {0, 2}) == "-0-1?-2");
    CHECK(look(2, {0, 1, 2}) == "-0-1");
    CHECK(look(2, Json::array()) == "-0?-1?");
    CHECK(look(2, nullptr) == "-0-1");
    CHECK(look(2, nullptr, "NotReady") == "-0?-1?");
}

TEST_CASE_FIXTURE(Rig, "a cluster that is not there yet hinders a create, one that is not well is a warning") {
    const auto look = [&](const std::string& phase, int nodes) {
        on("GET", group + "/qdrantclusters/" + cluster_name, json_answer(cluster_object(phase, nodes)));
        return driver->inspect(call, {});
    };
    CHECK(look("Creating", 0).obstacles.size() == 1);
    CHECK(look("FailedToCreate", 0).obstacles.size() == 1);
    const auto updating = look("Updating", 2);
    CHECK(updating.obstacles.empty());
    CHECK(!updating.ready);
    REQUIRE(updating.warnings.size() == 1);
    CHECK(updating.warnings[0].find("Updating, 2 of 3 nodes") != std::string::npos);
    CHECK(!look("Healthy", 2).ready);
    auto replaced = cluster_object();
    replaced["metadata"]["deletionTimestamp"] = "2026-11-21T08:00:00Z";
    replaced["status"]["version"] = "v1.15.3";
    on("GET", group + "/qdrantclusters/" + cluster_name, json_answer(replaced));
    CHECK(!driver->inspect(call, {}).ready);
    // The version that runs, not the one that is wished for.
    CHECK(driver->inspect(call, {}).version == "v1.15.3");
    open("qdrant-k8s://vectors");
    CHECK(driver->inspect(call, {}).obstacles.size() == 1);
}

TEST_CASE_FIXTURE(Rig, "phases: absent, Running, Succeeded, Failed, Skipped, and a word that nobody knows") {
    const auto job = begin();
    const auto look = [&](const Json& status) {
        on("GET", snapshots + "/s1", json_answer(snapshot_object("s1", status, "b1")));
        return driver->observe(call, job, Milliseconds{0});
    };
    CHECK(look(nullptr).phase == Phase::queued);
    CHECK(look(nullptr).said == "no phase yet");
    CHECK(look({{"phase", "Running"}}).phase == Phase::running);
    const auto running = look({{"phase", "Running"}, {"volumeSnapshots", {volume(true), volume(false)}}});
    CHECK(running.said == "Running, 1 of 2 volumes ready");
    CHECK(look({{"phase", "Succeeded"}, {"volumeSnapshots", {volume(true)}}}).phase == Phase::succeeded);
    const auto skipped = look({{"phase", "Skipped"}});
    CHECK(skipped.phase == Phase::failed);
    CHECK(!skipped.why.empty());
    CHECK(look({{"phase", "Pausing"}}).phase == Phase::unknown);
    const auto failed =
        look({{"phase", "Failed"},
              {"volumeSnapshots",
               {volume(true),
                volume(false, {{"error", {{"message", "driver quota reached"}}},
                               {"events", {{{"reason", "R"}, {"message", "m"}, {"count", 3}}, {{"reason", "Q"}}}}})}}});
    CHECK(failed.phase == Phase::failed);
    CHECK(failed.why == "snap-0: driver quota reached; R: m (3 times); Q");
}

TEST_CASE_FIXTURE(Rig, "a Succeeded that its volume snapshots contradict is not believed") {
    const auto job = begin();
    const auto look = [&](const Json& volumes, const std::string& nodes = "") {
        auto object = snapshot_object("s1", {{"phase", "Succeeded"}, {"volumeSnapshots", volumes}}, "b1");
        if (!nodes.empty()) object["metadata"]["annotations"]["vbackup/nodes"] = nodes;
        on("GET", snapshots + "/s1", json_answer(object));
        return driver->observe(call, job, Milliseconds{0});
    };
    const Json failure{{"error", {{"message", "driver quota reached"}}}};
    auto silent = volume(true);
    silent.erase("readyToUse");
    auto broken = silent;
    broken.update(failure);
    CHECK(look({volume(true), volume(false)}).phase == Phase::unknown);
    const auto with_error = look({volume(true), broken});
    CHECK(with_error.phase == Phase::unknown);
    CHECK(with_error.why == "snap-0: driver quota reached");
    // Tried again, and then it went well; and no word on whether it is ready is no word against it.
    CHECK(look(Json::array({volume(true, failure)})).phase == Phase::succeeded);
    CHECK(look({silent, silent}, "2").phase == Phase::succeeded);
    const auto fewer = look({volume(true), volume(true)}, "3");
    CHECK(fewer.phase == Phase::unknown);
    CHECK(fewer.said == "Succeeded with 2 volume snapshots for 3 nodes");
    CHECK(look({volume(true), volume(true), volume(true), volume(true)}, "3").phase == Phase::succeeded);
    CHECK(look(Json::array({volume(true)}), "many").phase == Phase::succeeded);
    CHECK(tally.warnings().empty());
    CHECK(look(Json::array(), "3").phase == Phase::succeeded);
    REQUIRE(tally.warnings().size() == 1);
    CHECK(tally.warnings()[0].find("vectors/s1 lists no volume snapshots") != std::string::npos);
}

TEST_CASE_FIXTURE(Rig, "what is being deleted is no success, whatever its phase; when it is gone it was cancelled") {
    const auto job = begin();
    const auto look = [&](const std::string& phase) {
        auto object = snapshot_object("s1", {{"phase", phase}, {"volumeSnapshots", {volume(true)}}}, "b1");
        object["metadata"]["deletionTimestamp"] = "2026-11-21T08:00:00Z";
        on("GET", snapshots + "/s1", json_answer(object));
        return driver->observe(call, job, Milliseconds{0});
    };
    CHECK(look("Succeeded").phase == Phase::cancelling);
    CHECK(look("Succeeded").said == "Succeeded, being deleted");
    CHECK(look("Running").phase == Phase::cancelling);
    CHECK(look("Failed").phase == Phase::failed);
    auto object = snapshot_object("s1", {{"phase", "Succeeded"}}, "b1");
    object["metadata"]["deletionTimestamp"] = "2026-11-21T08:00:00Z";
    on("GET", snapshots + "/s1", json_answer(object));
    lists("qdrantclustersnapshots", {},
          [&](const HttpRequest&) { return Answer{.body = event("DELETED", object), .chunked = true}; });
    CHECK(driver->observe(call, job, Milliseconds{10'000}).phase == Phase::cancelled);
}

TEST_CASE_FIXTURE(Rig, "a watch shows the end at once, from the version on that was read") {
    const auto job = begin();
    reads("qdrantclustersnapshots", "s1", {snapshot_object("s1", {{"phase", "Running"}}, "b1")});
    auto same = snapshot_object("s1", {{"phase", "Running"}}, "b1");
    lists("qdrantclustersnapshots", {}, [&](const HttpRequest& request) {
        CHECK(request.query.find("resourceVersion=100") != std::string::npos);
        CHECK(request.query.find("fieldSelector=metadata.name%3Ds1") != std::string::npos);
        CHECK(request.query.find("allowWatchBookmarks=true") != std::string::npos);
        return Answer{
            .body = event("BOOKMARK", {{"metadata", {{"resourceVersion", "101"}}}}) + event("MODIFIED", same) +
                    event("MODIFIED", snapshot_object("s1", {{"phase", "Succeeded"}}, "b1")) + event("DELETED", same),
            .chunked = true};
    });
    CHECK(driver->observe(call, job, Milliseconds{10'000}).phase == Phase::succeeded);
    CHECK(server.count("GET", snapshots) == 1);
}

TEST_CASE_FIXTURE(Rig, "whatever ends a watch, what was read before counts, and the next look reads again") {
    const auto job = begin();
    const auto running = snapshot_object("s1", {{"phase", "Running"}}, "b1");
    const auto expired = Json{{"kind", "Status"}, {"code", 410}, {"reason", "Expired"}, {"message", "too old"}};
    std::vector<Answer> ways;
    ways.push_back({.body = event("ERROR", expired), .chunked = true});
    ways.push_back({.body = "", .chunked = true});
    ways.push_back({.body = event("MODIFIED", running), .chunked = true, .fault = Fault::cut, .fault_at = 20});
    ways.push_back({.body = event("MODIFIED", running), .chunked = true, .fault = Fault::cut_reset, .fault_at = 20});
    ways.push_back({.body = "what is this\n", .chunked = true});
    ways.push_back({.body = "{\"type\":1}\n", .chunked = true});
    ways.push_back(refusal(410, "Expired", "too old"));
    ways.push_back(refusal(422, "Invalid", "no"));
    for (const auto& way : ways) {
        reads("qdrantclustersnapshots", "s1", {running, snapshot_object("s1", {{"phase", "Succeeded"}}, "b1")});
        lists("qdrantclustersnapshots", {}, [&](const HttpRequest&) { return way; });
        CHECK(driver->observe(call, job, Milliseconds{10'000}).phase == Phase::running);
        CHECK(driver->observe(call, job, Milliseconds{10'000}).phase == Phase::succeeded);
    }
}

TEST_CASE_FIXTURE(Rig, "a role that may not watch is asked from time to time, with one warning") {
    const auto job = begin();
    reads("qdrantclustersnapshots", "s1", {snapshot_object("s1", {{"phase", "Running"}}, "b1")});
    lists("qdrantclustersnapshots", {}, [](const HttpRequest&) { return refusal(403, "Forbidden", "cannot watch"); });
    CHECK(driver->observe(call, job, Milliseconds{10'000}).phase == Phase::running);
    CHECK(driver->observe(call, job, Milliseconds{10'000}).phase == Phase::running);
    CHECK(server.count("GET", snapshots) == 1);
    REQUIRE(tally.warnings().size() == 1);
    CHECK(tally.warnings()[0].find("cannot watch") != std::string::npos);
}

TEST_CASE_FIXTURE(Rig,
                  "an object that is deleted while it is waited for is cancelled; looked at later it is just gone") {
    const auto job = begin();
    const auto running = snapshot_object("s1", {{"phase", "Running"}}, "b1");
    reads("qdrantclustersnapshots", "s1", {running});
    lists("qdrantclustersnapshots", {},
          [&](const HttpRequest&) { return Answer{.body = event("DELETED", running), .chunked = true}; });
    CHECK(driver->observe(call, job, Milliseconds{10'000}).phase == Phase::cancelled);
    on("GET", snapshots + "/s1", refusal(404, "NotFound", "not found", "qdrantclustersnapshots"));
    CHECK(driver->observe(call, job, Milliseconds{10'000}).phase == Phase::cancelled);
    CHECK(driver->observe(call, job, Milliseconds{0}).phase == Phase::gone);
    // Another of the same name is not ours.
    auto other = snapshot_object("s1", {{"phase", "Succeeded"}}, "b1");
    other["metadata"]["uid"] = "another";
    on("GET", snapshots + "/s1", json_answer(other));
    CHECK(driver->observe(call, job, Milliseconds{0}).phase == Phase::gone);
}

TEST_CASE_FIXTURE(Rig, "a lost answer: what is there under our name and with our id was taken") {
    const auto step = plan(request(Verb::create)).steps.at(0);
    const auto path = snapshots + "/" + cluster_name + "-snapshot-1795247220";
    lists("qdrantclustersnapshots", [](const HttpRequest&) { return list_answer({}); });
    on("GET", path, refusal(404, "NotFound", "not found", "qdrantclustersnapshots"));
    CHECK(!driver->done(call, step));
    on("GET", path, json_answer(snapshot_object("s1", nullptr, "b2")));
    CHECK(!driver->done(call, step));
    on("GET", path, json_answer(snapshot_object("s1", nullptr, "b1")));
    const auto outcome = driver->done(call, step);
    REQUIRE(outcome);
    CHECK(outcome->job->name == "s1");
}

TEST_CASE_FIXTURE(Rig,
                  "a name that is taken is a conflict, unless it is ours: taken before, or a try that ended badly") {
    const auto step = plan(request(Verb::create)).steps.at(0);
    const auto path = snapshots + "/" + cluster_name + "-snapshot-1795247220";
    const auto taken = refusal(409, "AlreadyExists", "already exists", "qdrantclustersnapshots");
    on("POST", snapshots, taken);
    on("GET", path, json_answer(snapshot_object("s1", {{"phase", "Failed"}}, "b2")));
    check_error(error_of([&] { return driver->run(call, step, nullptr); }), ErrorKind::conflict, "already exists");
    // The server took the first sending and gave up on its answer (503).
    for (const auto* phase : {"Running", "Succeeded"}) {
        on("GET", path, json_answer(snapshot_object("s1", {{"phase", phase}}, "b1")));
        CHECK(driver->run(call, step, nullptr).job.value().name == "s1");
    }
    CHECK(server.count("POST", snapshots) == 3);
    on("GET", path, json_answer(snapshot_object("s1", {{"phase", "Failed"}}, "b1")));
    lists("qdrantclustersnapshots", [](const HttpRequest&) { return list_answer({}); });
    on("POST", snapshots, [&](const HttpRequest& sent) {
        const auto object = Json::parse(sent.body);
        return object["spec"]["creation-timestamp"] == 1795247220 ? taken : json_answer(object, 201);
    });
    clock.advance(Seconds(100));
    CHECK(driver->run(call, step, nullptr).job->name == cluster_name + "-snapshot-1795247320");
    CHECK(Json::parse(server.requests().back().body)["spec"]["creation-timestamp"] == 1795247320);
    // The second try is found again as well, at work or good already; what ended badly or goes away is not it, nor is an
    // older backup of that id.
    const auto second = [&](const std::string& phase) { return snapshot_object("s2", {{"phase", phase}}, "b1"); };
    auto deleted = second("Succeeded"), older = second("Succeeded");
    deleted["metadata"]["deletionTimestamp"] = "2026-11-21T08:00:00Z";
    older["metadata"]["creationTimestamp"] = "2026-11-20T07:00:00Z";
    for (const auto& [one, is_it] : std::vector<std::pair<Json, bool>>{{second("Running"), true},
                                                                       {second("Succeeded"), true},
                                                                       {second("Failed"), false},
                                                                       {second("Skipped"), false},
                                                                       {deleted, false},
                                                                       {older, false}}) {
        lists("qdrantclustersnapshots", [one = one](const HttpRequest&) { return list_answer({one}); });
        const auto outcome = driver->done(call, step);
        REQUIRE_MESSAGE(outcome.has_value() == is_it, one.dump());
        if (is_it) CHECK(outcome->job->name == "s2");
    }
    // And before a third is begun, too.
    lists("qdrantclustersnapshots", [&](const HttpRequest&) { return list_answer({second("Succeeded")}); });
    const auto posts = server.count("POST", snapshots);
    CHECK(driver->run(call, step, nullptr).job.value().name == "s2");
    CHECK(server.count("POST", snapshots) == posts + 1);
}

TEST_CASE_FIXTURE(Rig, "a role that may not list makes backups all the same, after a lost answer too") {
    const auto step = plan(request(Verb::create)).steps.at(0);
    const auto path = snapshots + "/" + cluster_name + "-snapshot-1795247220";
    on("GET", snapshots, refusal(403, "Forbidden", "cannot list"));
    // Nothing was taken: there is nothing to list for.
    on("GET", path, refusal(404, "NotFound", "not found", "qdrantclustersnapshots"));
    CHECK(!driver->done(call, step));
    CHECK(server.count("GET", snapshots) == 0);
    on("GET", path, json_answer(snapshot_object("s1", {{"phase", "Failed"}}, "b1")));
    CHECK(!driver->done(call, step));
    CHECK(server.count("GET", snapshots) == 1);
}

TEST_CASE_FIXTURE(Rig, "an API server that has just started refuses for a while what it allows: that is waited for") {
    const auto job = begin();
    const auto running = snapshot_object("s1", {{"phase", "Running"}}, "b1");
    const auto forbidden = refusal(403, "Forbidden", "cannot get");
    on("GET", snapshots + "/s1", forbidden);
    // Whoever never saw it is just not allowed.
    CHECK(error_of([&] { return driver->observe(call, job, Milliseconds{0}); }).kind() == ErrorKind::denied);
    reads("qdrantclustersnapshots", "s1", {running});
    driver->observe(call, job, Milliseconds{0});
    for (const auto& answer : {forbidden, Answer{.status = 404, .body = "404 page not found\n"}}) {
        on("GET", snapshots + "/s1", answer);
        check_error(error_of([&] { return driver->observe(call, job, Milliseconds{0}); }), ErrorKind::busy, "s1");
        reads("qdrantclustersnapshots", "s1", {running});
        CHECK(driver->observe(call, job, Milliseconds{0}).phase == Phase::running);
    }
    on("GET", snapshots + "/s1", forbidden);
    CHECK(error_of([&] { return driver->observe(call, job, Milliseconds{0}); }).kind() == ErrorKind::busy);
    clock.advance(Seconds(61));
    check_error(error_of([&] { return driver->observe(call, job, Milliseconds{0}); }), ErrorKind::denied,
                "the verb get");
}

TEST_CASE_FIXTURE(Rig, "a watch that was allowed before is asked for again") {
    const auto job = begin();
    reads("qdrantclustersnapshots", "s1", {snapshot_object("s1", {{"phase", "Running"}}, "b1")});
    int watches = 0;
    lists("qdrantclustersnapshots", {}, [&](const HttpRequest&) {
        return ++watches == 2 ? refusal(403, "Forbidden", "cannot watch") : Answer{.body = "", .chunked = true};
    });
    for (int look = 0; look < 3; ++look) driver->observe(call, job, Milliseconds{10'000});
    CHECK(watches == 3);
    CHECK(tally.warnings().empty());
}

TEST_CASE_FIXTURE(
    Rig, "two in one second have two names; when all of the next seconds are taken, that is a conflict later") {
    const auto name = [](int second) { return cluster_name + "-snapshot-" + std::to_string(second); };
    reads("qdrantclustersnapshots", name(1795247220), {snapshot_object(name(1795247220))});
    CHECK(plan(request(Verb::create)).steps.at(0).document.find("name: " + name(1795247221) + "\n") !=
          std::string::npos);
    for (int second = 1795247220; second < 1795247225; ++second)
        reads("qdrantclustersnapshots", name(second), {snapshot_object(name(second))});
    CHECK(plan(request(Verb::create)).steps.at(0).document.find("name: " + name(1795247220) + "\n") !=
          std::string::npos);
}
