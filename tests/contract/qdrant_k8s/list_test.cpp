// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "contract/qdrant_k8s/rig.hpp"

using namespace vbackup;
using namespace vbackup::test;
using model::Phase;

namespace {

const std::string snapshots = group + "/qdrantclustersnapshots";

std::vector<Json> many(int from, int to) {
    std::vector<Json> all;
    for (int n = from; n < to; ++n) all.push_back(snapshot_object("s" + std::to_string(n), {{"phase", "Succeeded"}}));
    return all;
}

}  // namespace

TEST_CASE_FIXTURE(Rig, "two hundred and fifty come in pages, each once, of this cluster alone") {
    lists("qdrantclustersnapshots", [](const HttpRequest& request) {
        CHECK(request.query.find("labelSelector=cluster-id%3D" + cluster_id) != std::string::npos);
        CHECK(request.query.find("limit=100") != std::string::npos);
        if (request.query.find("continue=") == std::string::npos) return list_answer(many(0, 100), "to/ken+1");
        if (request.query.find("continue=to%2Fken%2B1") != std::string::npos) return list_answer(many(100, 200), "2");
        return list_answer(many(200, 250));
    });
    std::set<std::string> names;
    for (const auto& found : driver->list(call, {})) names.insert(found.name);
    CHECK(names.size() == 250);
    CHECK(server.count("GET", snapshots) == 3);
}

TEST_CASE_FIXTURE(Rig, "a continuation that expired (410) begins the list anew, in one piece") {
    lists("qdrantclustersnapshots", [](const HttpRequest& request) {
        if (request.query.find("continue=") != std::string::npos)
            return refusal(410, "Expired", "the token is too old");
        if (request.query.find("limit=") != std::string::npos) return list_answer(many(0, 100), "1");
        return list_answer(many(0, 150));
    });
    CHECK(driver->list(call, {}).size() == 150);
}

TEST_CASE_FIXTURE(Rig, "a list that goes round in circles is ended") {
    lists("qdrantclustersnapshots", [](const HttpRequest&) { return list_answer(many(0, 1), "1"); });
    check_error(error_of([&] { return driver->list(call, {}); }), ErrorKind::not_understood, "circles");
}

TEST_CASE("without a cluster the whole namespace is listed") {
    Rig rig("qdrant-k8s://vectors");
    rig.lists("qdrantclustersnapshots", [](const HttpRequest& request) {
        CHECK(request.query.find("labelSelector") == std::string::npos);
        return list_answer(many(0, 2));
    });
    CHECK(rig.driver->list(rig.call, {}).size() == 2);
}

TEST_CASE_FIXTURE(Rig,
                  "what is listed: newest first, how long it took, until when it is kept, which schedule made it") {
    auto old = snapshot_object(
        "old", {{"phase", "Succeeded"}, {"completionTime", "1d3h5m10s"}, {"retainUntil", "2026-11-24T00:01:04Z"}});
    old["spec"]["scheduleShortId"] = "nightly1";
    auto fresh = snapshot_object("fresh", {{"phase", "Running"}}, "b7");
    fresh["metadata"]["creationTimestamp"] = "2026-11-21T07:30:00Z";
    lists("qdrantclustersnapshots", [&](const HttpRequest&) { return list_answer({old, fresh}); });
    const auto all = driver->list(call, {});
    REQUIRE(all.size() == 2);
    CHECK(all[0].name == "fresh");
    CHECK(all[0].id == "b7");
    CHECK(all[0].managed);
    CHECK(all[0].phase == Phase::running);
    CHECK(all[1].id.empty());
    CHECK(!all[1].managed);
    CHECK(all[1].schedule == "nightly1");
    CHECK(format_time(all[1].expires.value()) == "2026-11-24T00:01:04Z");
    CHECK(*all[1].completed - *all[1].started == std::chrono::hours(27) + std::chrono::minutes(5) + Seconds(10));
}

TEST_CASE_FIXTURE(Rig,
                  "one is found by its object's name, and by our id from any machine; restores and clusters by name") {
    lists("qdrantclustersnapshots", [](const HttpRequest&) {
        return list_answer({snapshot_object("s1", {{"phase", "Succeeded"}}, "b1")});
    });
    on("GET", snapshots + "/*", refusal(404, "NotFound", "not found", "qdrantclustersnapshots"));
    on("GET", snapshots + "/s1", json_answer(snapshot_object("s1", {{"phase", "Succeeded"}}, "b1")));
    on("GET", group + "/qdrantclusterrestores/*", refusal(404, "NotFound", "not found", "qdrantclusterrestores"));
    reads("qdrantclusterrestores", "r1",
          {restore_object("r1", {{"phase", "Failed"}, {"message", "snapshot not found"}})});
    const auto by_name = driver->list(call, {{"name", "s1"}});
    REQUIRE(by_name.size() == 1);
    CHECK(by_name[0].name == "s1");
    const auto by_id = driver->list(call, {{"name", "b1"}});
    REQUIRE(by_id.size() == 1);
    CHECK(by_id[0].name == "b1");
    CHECK(by_id[0].job.name == "s1");
    const auto restore = driver->list(call, {{"name", "r1"}});
    REQUIRE(restore.size() == 1);
    CHECK(restore[0].phase == Phase::failed);
    CHECK(restore[0].why == "snapshot not found");
    const auto cluster = driver->list(call, {{"name", cluster_id}});
    REQUIRE(cluster.size() == 1);
    CHECK(cluster[0].said == "Healthy, 3 of 3 nodes");
    on("GET", group + "/qdrantclusters/*b9", refusal(404, "NotFound", "not found", "qdrantclusters"));
    CHECK(driver->list(call, {{"name", "b9"}}).empty());
}

TEST_CASE_FIXTURE(Rig, "with from-namespace another namespace is looked through, whatever its clusters are") {
    on("GET", "/apis/qdrant.io/v1/namespaces/other/qdrantclustersnapshots", [](const HttpRequest& request) {
        CHECK(request.query.find("labelSelector") == std::string::npos);
        return list_answer(many(0, 3));
    });
    CHECK(driver->list(call, {{"from-namespace", "other"}}).size() == 3);
}
