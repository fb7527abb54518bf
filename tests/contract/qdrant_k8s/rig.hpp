// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "driver/qdrant_k8s/qdrant_k8s.hpp"
#include "support/fake_clock.hpp"
#include "support/http_server.hpp"
#include "support/temporary.hpp"

namespace vbackup::test {

using Json = nlohmann::json;

inline const std::string cluster_id = "3f0b8a4e-1111-4c6e-9d2f-0a1b2c3d4e5f";
inline const std::string cluster_name = "qdrant-" + cluster_id;
inline const std::string group = "/apis/qdrant.io/v1/namespaces/vectors";

inline Json meta_of(const std::string& name, const std::string& space = "vectors", const std::string& version = "100") {
    return {{"name", name},
            {"namespace", space},
            {"uid", "uid-of-" + name},
            {"resourceVersion", version},
            {"creationTimestamp", "2026-11-21T07:00:00Z"},
            {"labels", {{"cluster-id", cluster_id}, {"customer-id", "team-blue"}}}};
}

inline Json object_of(const std::string& kind, const std::string& name, Json spec, Json status = nullptr) {
    Json object{{"apiVersion", "qdrant.io/v1"}, {"kind", kind}, {"metadata", meta_of(name)}, {"spec", std::move(spec)}};
    if (!status.is_null()) object["status"] = std::move(status);
    return object;
}

inline Json cluster_object(const std::string& phase = "Healthy", int nodes = 3) {
    return object_of("QdrantCluster", cluster_name, {{"id", cluster_id}, {"size", 3}, {"version", "v1.15.4"}},
                     {{"phase", phase}, {"availableNodes", nodes}, {"availableNodeIndexes", {0, 1, 2}}});
}

inline Json snapshot_object(const std::string& name, Json status = nullptr, const std::string& our_id = "") {
    auto object = object_of("QdrantClusterSnapshot", name, {{"cluster-id", cluster_id}}, std::move(status));
    if (!our_id.empty()) object["metadata"]["annotations"] = {{"vbackup/id", our_id}};
    return object;
}

inline Json restore_object(const std::string& name, Json status = nullptr) {
    return object_of("QdrantClusterRestore", name,
                     {{"source", {{"snapshotName", "s1"}, {"namespace", "vectors"}}},
                      {"destination", {{"name", cluster_name}, {"namespace", "vectors"}}}},
                     std::move(status));
}

// What an API server says no with (as recorded).
inline Answer refusal(int code, const std::string& reason, const std::string& message, const std::string& kind = "") {
    Json status{{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", Json::object()},
                {"status", "Failure"}, {"message", message}, {"reason", reason},
                {"code", code}};
    if (!kind.empty()) status["details"] = {{"kind", kind}};
    return {.status = code, .body = status.dump()};
}

inline Answer json_answer(const Json& json, int status = 200) {
    return {.status = status, .body = json.dump(), .headers = {{"Content-Type", "application/json"}}};
}

inline Answer list_answer(const std::vector<Json>& items, const std::string& next = "") {
    Json metadata{{"resourceVersion", "200"}};
    if (!next.empty()) metadata["continue"] = next;
    return json_answer({{"kind", "List"}, {"apiVersion", "qdrant.io/v1"}, {"metadata", metadata}, {"items", items}});
}

inline std::string event(const std::string& type, const Json& object) {
    return Json{{"type", type}, {"object", object}}.dump() + "\n";
}

// What a scripted API server answers now: said again for the same path, the new answer takes the old one's place. The newest
// pattern that matches counts; of several answers the last one stays.
class Script {
public:
    // The server must end before this does: its threads ask until then.
    void answer_all_of(HttpServer& server) {
        for (const char* method : {"GET", "POST", "PATCH", "DELETE"}) {
            server.on(method, "*", [this](const HttpRequest& request) { return answer(request); });
        }
    }

    void set(const std::string& method, const std::string& path, std::vector<Responder> responders) {
        const std::scoped_lock lock(mutex_);
        std::erase_if(lines_, [&](const Line& line) { return line.method == method && line.path == path; });
        lines_.push_back({method, path, {responders.begin(), responders.end()}});
    }

private:
    struct Line {
        std::string method, path;
        std::deque<Responder> responders;
    };

    Answer answer(const HttpRequest& request) {
        Responder respond = [](const HttpRequest&) { return Answer{.status = 404}; };
        {
            const std::scoped_lock lock(mutex_);
            const auto line = std::find_if(lines_.rbegin(), lines_.rend(), [&](const Line& one) {
                return one.method == request.method && glob_match(one.path, request.path);
            });
            if (line != lines_.rend()) {
                respond = line->responders.front();
                if (line->responders.size() > 1) line->responders.pop_front();
            }
        }
        return respond(request);
    }

    std::mutex mutex_;
    std::vector<Line> lines_;
};

// The driver, opened on a scripted API server, and what a story would give it.
struct Rig {
    explicit Rig(const std::string& target = "qdrant-k8s://vectors/" + cluster_id) {
        script.answer_all_of(server);
        on("GET", group + "/qdrantclusters/" + cluster_id, refusal(404, "NotFound", "not found", "qdrantclusters"));
        on("GET", group + "/qdrantclusters/" + cluster_name, json_answer(cluster_object()));
        on("GET", group + "/qdrantclusters", list_answer({cluster_object()}));
        on("GET", group + "/qdrantclustersnapshots/*", refusal(404, "NotFound", "not found", "qdrantclustersnapshots"));
        open(target);
    }

    void open(const std::string& target) {
        const auto file = (folder / "config").string();
        std::ofstream(file) << "clusters: [{name: c, cluster: {server: '" << server.base()
                            << "'}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"
                               "users: [{name: u, user: {token: s3cret}}]\n";
        driver::Settings settings;
        settings.url = target;
        settings.kubeconfig = file;
        driver = driver::qdrant_k8s_entry().open(std::move(settings));
    }

    void on(const std::string& method, const std::string& path, Responder responder) {
        script.set(method, path, {std::move(responder)});
    }
    void on(const std::string& method, const std::string& path, const Answer& answer) {
        script.set(method, path, {[answer](const HttpRequest&) { return answer; }});
    }
    void on(const std::string& method, const std::string& path, const std::vector<Answer>& answers) {
        std::vector<Responder> all;
        for (const auto& answer : answers) all.emplace_back([answer](const HttpRequest&) { return answer; });
        script.set(method, path, std::move(all));
    }
    // The object is read as these, one after another; the last one stays.
    void reads(const std::string& plural, const std::string& name, const std::vector<Json>& objects) {
        std::vector<Answer> answers;
        for (const auto& object : objects) answers.push_back(json_answer(object));
        on("GET", group + "/" + plural + "/" + name, answers);
    }
    // What lists and watches of that kind get.
    void lists(const std::string& plural, Responder list, Responder watch = {}) {
        on("GET", group + "/" + plural, [list = std::move(list), watch = std::move(watch)](const HttpRequest& request) {
            return request.query.find("watch=1") == std::string::npos ? list(request) : watch(request);
        });
    }

    model::Request request(model::Verb verb, model::Options options = {}) const {
        return {.verb = verb, .id = "b1", .options = std::move(options)};
    }
    model::Plan plan(const model::Request& asked) { return driver->plan(call, asked, {}); }

    // Makes s1 as a backup of ours, which is under way at `reads`.
    model::JobRef begin(const std::string& name = "s1") {
        const auto made = plan(request(model::Verb::create));
        on("POST", group + "/qdrantclustersnapshots", json_answer(snapshot_object(name, nullptr, "b1"), 201));
        return driver->run(call, made.steps.at(0), nullptr).job.value();
    }

    Script script;
    HttpServer server;  // after what its threads use
    TemporaryFolder folder;
    FakeClock clock;
    Tally tally;
    Call call{clock, tally};
    std::unique_ptr<driver::Driver> driver;
};

// The error that a call ends with.
template <typename Work>
Error error_of(Work&& work) {
    try {
        static_cast<void>(work());
    } catch (const Error& error) {
        CHECK((error.message() + error.hint()).find("s3cret") == std::string::npos);
        return error;
    }
    FAIL("it did not fail");
    throw 0;
}

inline void check_error(const Error& error, ErrorKind kind, const std::string& words) {
    CHECK(describe(error.kind()).word == describe(kind).word);
    const bool says = (error.message() + "; " + error.hint()).find(words) != std::string::npos;
    CHECK_MESSAGE(says, error.message() << "; " << error.hint());
}

}  // namespace vbackup::test
