// SPDX-License-Identifier: Apache-2.0
// Whatever a database or a control plane answers is understood or refused, and what our own notes hold as well.
#include "support/fuzz.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

#include "base/error.hpp"
#include "driver/dragonfly/cluster.hpp"
#include "driver/dragonfly/definitions.hpp"
#include "driver/dragonfly/note.hpp"
#include "driver/dragonfly/server.hpp"
#include "driver/dragonfly_cloud/datastore.hpp"
#include "driver/qdrant/bodies.hpp"
#include "driver/qdrant/client.hpp"
#include "driver/qdrant/fixed.hpp"
#include "driver/qdrant/note.hpp"
#include "driver/qdrant_k8s/bodies.hpp"
#include "driver/qdrant_k8s/objects.hpp"
#include "driver/weaviate/answers.hpp"
#include "driver/zilliz/answers.hpp"
#include "driver/zilliz/refusals.hpp"
#include "net/resp_parser.hpp"

using namespace vbackup;
using test::must;

namespace {

using Work = std::function<void()>;

// Each is done or refused, whatever became of the others.
void each(std::initializer_list<Work> all) {
    for (const auto& work : all) {
        try {
            work();
        } catch (const Error& error) {
            must(!error.message().empty(), "an error without a word");
            must(error.message().size() < 4000 && error.hint().size() < 4000,
                 "the error repeats too much: " + error.message().substr(0, 60));
        }
    }
}

std::vector<net::Response> answers_of(const std::string& body) {
    std::vector<net::Response> all;
    for (const int status : {200, 400, 500})
        all.push_back({.status = status, .headers = {{"Content-Type", "application/json"}}, .body = body});
    return all;
}

void read_weaviate(const net::Response& answer) {
    namespace weaviate = driver::weaviate;
    each({[&] { weaviate::parse_server(answer); }, [&] { weaviate::parse_nodes(answer); },
          [&] { weaviate::parse_schema(answer); }, [&] { weaviate::parse_aliases(answer); },
          [&] { weaviate::parse_tenants(answer); }, [&] { weaviate::parse_counts(answer, 2); },
          [&] { weaviate::phase_of(weaviate::parse_status(answer, "b1").word); }, [&] { weaviate::parse_list(answer); },
          [&] { weaviate::parse_taken(answer, "b1"); }, [&] { weaviate::parse_descriptor(answer.body); },
          [&] { weaviate::is_weaviate_meta(answer); }, [&] { weaviate::is_weaviate_refusal(answer); },
          [&] { weaviate::throw_answer(answer, "ask"); }});
}

void read_zilliz(const net::Response& answer) {
    namespace zilliz = driver::zilliz;
    each({[&] { zilliz::parse_backups(answer); }, [&] { zilliz::phase_of_backup(zilliz::parse_backup(answer).word); },
          [&] { zilliz::parse_clusters(answer); },
          [&] { zilliz::phase_of_cluster(zilliz::parse_cluster(answer).word); },
          [&] { zilliz::phase_of_job(zilliz::parse_job(answer).word); }, [&] { zilliz::parse_policy(answer); },
          [&] { zilliz::parse_taken(answer, "ask"); }, [&] { zilliz::is_refusal(answer); },
          [&] { zilliz::require_ok(answer, "ask"); },
          [&] { throw zilliz::of_look(Error(ErrorKind::failed, "x"), answer); },
          [&] { throw zilliz::of_change(Error(ErrorKind::failed, "x"), answer); }});
}

void read_qdrant(const net::Response& answer) {
    namespace qdrant = driver::qdrant;
    each({[&] { qdrant::made_snapshot(answer); }, [&] { qdrant::require_good(answer, "ask"); },
          [&] { qdrant::require_done(answer, "ask"); }, [&] { qdrant::is_accepted(answer); },
          [&] { qdrant::says_missing(answer); }, [&] { qdrant::words(answer); }});
}

// Printed by us, and read again from manifests and intents.
void read_qdrant_facts(const std::string& text) {
    namespace qdrant = driver::qdrant;
    each({[&] {
              const auto printed = qdrant::render(qdrant::parse_note(text));
              must(qdrant::render(qdrant::parse_note(printed)) == printed, "a note printed reads otherwise");
          },
          [&] {
              const auto printed = qdrant::render_inventory(qdrant::parse_inventory(text));
              must(qdrant::render_inventory(qdrant::parse_inventory(printed)) == printed,
                   "an inventory printed reads otherwise");
          },
          [&] { qdrant::fixed_of(text); }, [&] { qdrant::fixed_of_segment(text); }});
}

void read_kubernetes(const std::string& text) {
    namespace k8s = driver::qdrant_k8s;
    each({[&] {
              const auto snapshot = k8s::parse_snapshot(text);
              k8s::seen_of(snapshot);
              k8s::failure_of(snapshot);
              k8s::parse_retention(snapshot.retention);
          },
          [&] { k8s::seen_of(k8s::parse_restore(text)); },
          [&] {
              const auto cluster = k8s::parse_cluster(text);
              k8s::seen_of(cluster);
              must(k8s::nodes_of(cluster, true).size() <= 2'000'000, "so many nodes has no cluster");
              must(k8s::available_of(cluster) >= 0 && k8s::nodes_to_expect(cluster) >= 0, "fewer nodes than none");
          },
          [&] { k8s::parse_scheduled(text); }, [&] { k8s::parse_page(text); }, [&] { k8s::parse_event(text); },
          [&] { k8s::parse_took(text); },
          [&] {
              const auto printed = k8s::to_ref(k8s::to_job({.name = "x", .details = text}));
              must(k8s::to_ref(k8s::to_job(printed)).details == printed.details, "a job printed reads otherwise");
          },
          [&] { k8s::parse_step({.details = text}); }});
}

void read_cloud(const std::string& text) {
    namespace cloud = driver::dragonfly_cloud;
    each({[&] {
              const auto store = cloud::parse_datastore(text);
              cloud::phase_of_restore(store, "b1");
              const auto changed = cloud::with_policy(store.config, store.policy);
              must(cloud::lost(changed, changed).empty(), "it differs from itself");
              cloud::with_restore(store.config, "b1");
              cloud::lost(store.config, changed);
              cloud::to_schedule(store.policy);
          },
          [&] {
              const auto policy = cloud::parse_policy(text);
              must(cloud::parse_policy(cloud::render(policy)) == policy, "a policy printed reads otherwise");
          }});
}

void read_dragonfly(const std::string& text) {
    namespace dragonfly = driver::dragonfly;
    const net::RespServer asked{.host = "127.0.0.1"};
    each({[&] {
              const auto facts = dragonfly::parse_facts(text);
              dragonfly::life_of(facts);
              dragonfly::changes_since(dragonfly::life_of(facts), facts);
              facts.number("uptime_in_seconds");
          },
          [&] {
              dragonfly::Layout layout;
              dragonfly::add_nodes(layout, text, asked);
              layout.text();
              layout.owner(dragonfly::slot_of(text));
          },
          [&] { dragonfly::moved_to({.kind = net::Reply::Kind::error, .text = text}, asked); },
          [&] {
              const auto printed = dragonfly::render(dragonfly::parse_note(text));
              must(dragonfly::render(dragonfly::parse_note(printed)) == printed, "a note printed reads otherwise");
          },
          [&] {
              const auto printed = dragonfly::render(dragonfly::parse_about(text));
              must(dragonfly::render(dragonfly::parse_about(printed)) == printed,
                   "what it is about printed reads otherwise");
          },
          [&] {
              net::RespParser parser;
              parser.feed(text);
              while (const auto reply = parser.next()) dragonfly::index_words("idx", *reply);
          }});
    dragonfly::database_of(text);
}

test::Fuzz about_json(const std::string& corpus, std::vector<std::string> words, std::size_t rounds) {
    auto about = test::json_fuzz(corpus, std::move(words));
    about.rounds = rounds;
    return about;
}

}  // namespace

TEST_CASE("fuzz: what Weaviate answers") {
    const auto about =
        about_json("weaviate", {"SUCCESS", "FAILED", "0001-01-01T00:00:00Z", "error", "%!w(<nil>)"}, 100);
    const auto wrong = test::fuzz(about, [](const std::string& text) {
        for (const auto& answer : answers_of(text)) read_weaviate(answer);
    });
    CHECK(wrong == "");
}

TEST_CASE("fuzz: what Zilliz Cloud answers") {
    const auto about = about_json("zilliz", {"\"code\":0", "\"code\":200", "\"data\":", "SUCCESSFUL", "count"}, 100);
    const auto wrong = test::fuzz(about, [](const std::string& text) {
        for (const auto& answer : answers_of(text)) read_zilliz(answer);
    });
    CHECK(wrong == "");
}

TEST_CASE("fuzz: what a Qdrant answers, and what is noted of it") {
    const auto about = about_json("qdrant", {"\"result\":", "\"status\":\"ok\"", "segments", "vector_storage"}, 150);
    const auto wrong = test::fuzz(about, [](const std::string& text) {
        for (const auto& answer : answers_of(text)) read_qdrant(answer);
        read_qdrant_facts(text);
    });
    CHECK(wrong == "");
}

TEST_CASE("fuzz: objects of Kubernetes") {
    const auto about =
        about_json("kubernetes", {"Succeeded", "Failed", "\"status\":", "72h", "1d3h5m10s", "readyToUse"}, 400);
    CHECK(test::fuzz(about, read_kubernetes) == "");
}

TEST_CASE("fuzz: data stores of Dragonfly Cloud") {
    const auto about = about_json("dragonfly_cloud", {"backup_policy", "restore", "active", "1e999"}, 400);
    CHECK(test::fuzz(about, read_cloud) == "");
}

TEST_CASE("fuzz: what a Dragonfly says, and what is noted of it") {
    const auto about = about_json("dragonfly",
                                  {"db0:keys=1,expires=0\r\n", "# Keyspace\r\n", "0-16383", "[1->-a]", "[1-<-b]",
                                   "myself,master", "@16379", "MOVED 1 [::1]:6379", "*1\r\n", "$3\r\n"},
                                  600);
    CHECK(test::fuzz(about, read_dragonfly) == "");
}
