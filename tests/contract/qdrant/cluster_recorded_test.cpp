// SPDX-License-Identifier: Apache-2.0
// Holds the played cluster to what three real nodes answered (tests/data/qdrant/recorded-cluster.json, taken from
// transcripts/qdrant/cluster-01 to -04 in the order they were recorded). It may differ only in what `normal` names.
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <regex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "net/http.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_qdrant_cluster.hpp"

namespace vbackup::test {
namespace {

using nlohmann::json;

// Dates, times, digests, etags, sizes, and how far consensus was.
std::string normal(std::string text) {
    static const std::pair<std::regex, const char*> rules[] = {
        {std::regex(R"("time":[0-9.e-]+)"), R"("time":0)"},
        {std::regex(R"(\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)"), "STAMP"},
        {std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+Z)?)"), "DATE"},
        {std::regex(R"([0-9a-f]{64})"), "DIGEST"},
        {std::regex(R"("size":\d+)"), R"("size":0)"},
        {std::regex(R"re("(commit|pending_operations)":\d+)re"), R"("$1":0)"},
        {std::regex(R"re("count":\d+,"latest_error":"([^"\\]|\\.)*")re"), R"("count":0,"latest_error":"")"},
        {std::regex(R"("[0-9a-f]+:[0-9a-f]+:[0-9a-f]+:[0-9a-f]+")"), "ETAG"},
        {std::regex(R"([A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)"), "MOMENT"},
    };
    for (const auto& [pattern, with] : rules) text = std::regex_replace(text, pattern, with);
    return text;
}

// As the recorded cluster was: three shards with two replicas, 6000 points.
void set_up(ScriptedQdrantCluster& cluster) {
    cluster.with([](auto& state) {
        state.keys.clear();
        state.snapshots_directory = "/srv/test/qd3/node0/snapshots";
        const std::pair<std::uint64_t, int> peers[] = {
            {738247544265522, 6362}, {6304884390070538, 6372}, {5263206651483134, 6382}};
        for (std::size_t i = 0; i < 3; ++i) {
            state.nodes[i].peer = peers[i].first;
            state.nodes[i].uri = fmt::format("http://127.0.0.1:{}/", peers[i].second);
        }
        played::create_collection(
            state, "c3", R"({"vectors":{"size":32,"distance":"Cosine"},"shard_number":3,"replication_factor":2})");
        auto& shards = state.collections.at("c3").shards;
        const std::pair<std::size_t, std::size_t> holders[] = {{0, 1}, {0, 2}, {1, 2}};
        const std::uint64_t counts[] = {1851, 2141, 2008};
        std::uint64_t id = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            played::Points points;
            for (std::uint64_t n = 0; n < counts[i]; ++n) points[id++] = "{}";
            shards[i].replicas = {{holders[i].first, {.points = points}}, {holders[i].second, {.points = points}}};
        }
    });
}

class Replay {
public:
    explicit Replay(ScriptedQdrantCluster& cluster) : cluster_(cluster) {}

    void compare(const json& exchange) {
        INFO(exchange.at("title").get<std::string>());
        const auto answer = send(exchange);
        CHECK(answer.status == exchange.at("status").get<int>());
        for (const auto& [name, recorded] : exchange.at("answer_headers").items()) {
            CAPTURE(name);
            CHECK(normal(std::string(answer.header(name))) == normal(recorded.get<std::string>()));
        }
        if (!exchange.at("answer").is_string()) return;
        const auto recorded = exchange.at("answer").get<std::string>();
        learn(recorded, answer.body);
        compare_text(normal(answer.body), normal(recorded));
    }

private:
    net::Response send(const json& exchange) {
        net::Request request;
        request.method = exchange.at("method").get<std::string>();
        request.path = played(exchange.at("target").get<std::string>());
        request.body = played(exchange.at("body").get<std::string>());
        return net::Http({.base = cluster_.base(exchange.at("node").get<std::size_t>())}).send(call_, request, false);
    }

    static json parsed(const std::string& text) {
        auto body = json::parse(text, nullptr, false);
        if (!body.is_object() || !body.contains("result") || !body["result"].is_object()) return body;
        // Nodes keep their lists of other nodes' replicas in no order.
        if (body["result"].contains("remote_shards"))
            std::sort(body["result"]["remote_shards"].begin(), body["result"]["remote_shards"].end());
        return body;
    }

    static void compare_text(const std::string& played, const std::string& recorded) {
        const auto left = parsed(played), right = parsed(recorded);
        if (left.is_discarded() || right.is_discarded())
            CHECK(played == recorded);
        else
            CHECK(left == right);
    }

    // A snapshot that was just made is called otherwise here; later requests ask for it by its name here.
    void learn(const std::string& recorded, const std::string& played) {
        static const std::regex name(R"re(^\{"result":\{"name":"([^"]+)")re");
        std::smatch one, other;
        if (std::regex_search(recorded, one, name) && std::regex_search(played, other, name)) names_[one[1]] = other[1];
    }

    std::string played(std::string text) const {
        for (const auto& [recorded, name] : names_) text = std::regex_replace(text, std::regex(recorded), name);
        return text;
    }

    ScriptedQdrantCluster& cluster_;
    FakeClock clock_;
    Tally tally_;
    Call call_{clock_, tally_};
    std::map<std::string, std::string> names_;
};

}  // namespace

TEST_CASE("the played cluster answers as a real one did") {
    std::ifstream file(std::string(TEST_DATA) + "/qdrant/recorded-cluster.json");
    const auto recorded = json::parse(file);
    REQUIRE(recorded.size() > 40);
    ScriptedQdrantCluster cluster(3);
    set_up(cluster);
    Replay replay(cluster);
    for (const auto& exchange : recorded) {
        const auto title = exchange.at("title").get<std::string>();
        cluster.with([&](auto& state) {
            state.nodes[2].alive = title.find("cluster-04") == std::string::npos;
            state.nodes[1].alive = title.find("NO QUORUM") == std::string::npos;
        });
        replay.compare(exchange);
    }
}

}  // namespace vbackup::test
