// SPDX-License-Identifier: Apache-2.0
// What an API server refuses with, in the words that were recorded (transcripts/kubernetes), and what is no API server's.
#include "contract/qdrant_k8s/rig.hpp"

using namespace vbackup;
using namespace vbackup::test;
using model::Verb;

namespace {

const std::string snapshots = group + "/qdrantclustersnapshots";

}  // namespace

TEST_CASE_FIXTURE(Rig, "each refusal of a create has its kind, and says what it would take") {
    const auto step = plan(request(Verb::create)).steps.at(0);
    const auto sent = [&](const Answer& answer) {
        on("POST", snapshots, answer);
        on("GET", snapshots + "/*", refusal(404, "NotFound", "not found", "qdrantclustersnapshots"));
        return error_of([&] { return driver->run(call, step, nullptr); });
    };
    check_error(sent(refusal(401, "Unauthorized", "Unauthorized")), ErrorKind::denied, "Unauthorized");
    check_error(sent(refusal(403, "Forbidden",
                             "qdrantclustersnapshots.qdrant.io is forbidden: User \"vbackup\" cannot create resource")),
                ErrorKind::denied, "the verb create on qdrantclustersnapshots of qdrant.io in the namespace vectors");
    for (const auto* words : {"qdrantclustersnapshots.qdrant.io \"s1\" is forbidden: exceeded quota: snapshots",
                              "admission webhook \"policy\" denied the request: not on Sundays",
                              "unable to create new content in namespace vectors because it is being terminated"}) {
        const auto error = sent(refusal(403, "Forbidden", words));
        check_error(error, ErrorKind::denied, "no matter of the role");
        CHECK(error.hint().find("the verb") == std::string::npos);
    }
    check_error(sent(refusal(404, "NotFound", "namespaces \"vectors\" not found", "namespaces")), ErrorKind::not_found,
                "namespaces \"vectors\" not found");
    check_error(sent({.status = 404, .body = "404 page not found\n"}), ErrorKind::unsupported,
                "no qdrantclustersnapshots");
    check_error(sent(refusal(409, "AlreadyExists", "already exists")), ErrorKind::conflict, "already exists");
    check_error(sent(refusal(422, "Invalid", "spec.retention: Invalid value: \"x\"")), ErrorKind::refused,
                "spec.retention");
    check_error(sent(refusal(400, "BadRequest", "unknown field \"spec.bogus\"")), ErrorKind::refused, "spec.bogus");
    check_error(sent(refusal(429, "TooManyRequests", "slow down")), ErrorKind::busy, "slow down");
    check_error(sent(refusal(500, "InternalError", "etcd is away")), ErrorKind::failed, "etcd is away");
    check_error(sent(refusal(504, "Timeout", "no answer")), ErrorKind::unreachable, "no answer");
    check_error(sent({.status = 403, .body = "<html>login</html>"}), ErrorKind::denied, "proxy");
    check_error(sent({.status = 404, .body = "<html>nothing here</html>"}), ErrorKind::not_understood, "page");
    check_error(sent({.fault = Fault::close}), ErrorKind::unreachable, "closed");
}

TEST_CASE_FIXTURE(Rig, "a 429 with Retry-After is waited for, and the object is made") {
    const auto step = plan(request(Verb::create)).steps.at(0);
    auto busy = refusal(429, "TooManyRequests", "slow down");
    busy.headers.emplace_back("Retry-After", "3");
    on("POST", snapshots, std::vector<Answer>{busy, json_answer(snapshot_object("s1"), 201)});
    CHECK(driver->run(call, step, nullptr).job->name == "s1");
    CHECK(clock.elapsed() >= Seconds(3));
}

TEST_CASE_FIXTURE(Rig, "answers that make no sense are told so, whatever they are") {
    const std::vector<std::string> bodies{
        "",
        "[]",
        "{}",
        "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"}}",
        "{\"kind\":\"QdrantCluster\",\"metadata\":[]}",
        "{\"kind\":\"QdrantCluster\",\"metadata\":{}}",
        "{\"kind\":\"QdrantCluster\",\"metadata\":{\"name\":\"a\"},\"spec\":7}",
        "{\"kind\":\"QdrantCluster\",\"metadata\":{\"name\":\"a\",\"labels\":[]}}",
        "{\"kind\":\"QdrantCluster\",\"metadata\":{\"name\":\"a\"},\"status\":{\"phase\":[]}}",
        "{\"kind\":\"QdrantCluster\",\"metadata\":{\"name\":\"a\"},\"status\":{\"availableNodeIndexes\":{}}}",
        "{\"kind\":",
        "<html>hello</html>",
    };
    for (const auto& body : bodies) {
        CAPTURE(body);
        on("GET", group + "/qdrantclusters/*", {.body = body});
        CHECK(error_of([&] { return driver->inspect(call, {}); }).kind() == ErrorKind::not_understood);
    }
    const std::vector<std::string> lists{"{}", "[]", "{\"items\":{}}", "{\"items\":[7]}",
                                         "{\"items\":[{\"kind\":\"Pod\"}]}"};
    on("GET", group + "/qdrantclusters/*", json_answer(cluster_object()));
    for (const auto& body : lists) {
        CAPTURE(body);
        on("GET", snapshots, {.body = body});
        CHECK(error_of([&] { return driver->list(call, {}); }).kind() == ErrorKind::not_understood);
    }
}

TEST_CASE("addresses that name no namespace and cluster are refused") {
    for (const std::string address :
         {"qdrant-k8s://ns:80/c", "qdrant-k8s://ns/a/b", "qdrant-k8s://ns/a_b", "qdrant-k8s://ns/-a"}) {
        CAPTURE(address);
        CHECK(error_of([&] { return Rig(address).driver == nullptr; }).kind() == ErrorKind::usage);
    }
}

TEST_CASE_FIXTURE(Rig, "two targets of one name on two API servers are two") {
    const auto here = driver->address();
    Rig other;
    CHECK(here != other.driver->address());
    CHECK(here.find("qdrant-k8s://vectors/" + cluster_id) == 0);
}
