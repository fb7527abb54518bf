// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "driver/dragonfly/cluster.hpp"
#include "driver/dragonfly/definitions.hpp"
#include "driver/dragonfly/match.hpp"
#include "driver/dragonfly/note.hpp"
#include "driver/dragonfly/server.hpp"

using namespace vbackup;
using namespace vbackup::driver::dragonfly;

TEST_CASE("patterns mean what they mean to SCAN") {
    CHECK(key_matches("*", ""));
    CHECK(key_matches("user:*", "user:1"));
    CHECK_FALSE(key_matches("user:*", "use"));
    CHECK(key_matches("h?llo", "hello"));
    CHECK_FALSE(key_matches("h?llo", "hllo"));
    CHECK(key_matches("h[ae]llo", "hallo"));
    CHECK_FALSE(key_matches("h[^e]llo", "hello"));
    CHECK(key_matches("h[a-c]llo", "hbllo"));
    CHECK(key_matches("h[c-a]llo", "hbllo"));
    CHECK(key_matches("h\\*llo", "h*llo"));
    CHECK_FALSE(key_matches("h\\*llo", "hello"));
    CHECK(key_matches("*a*b*c", "xxaxxbxxbc"));
    CHECK_FALSE(key_matches("*a*b*c", "xxaxxbxxb"));
    CHECK(key_matches("[\\]]", "]"));
    CHECK(key_matches(std::string_view("\0*", 2), std::string_view("\0\xff", 2)));
    // A pattern made to be slow is not.
    CHECK_FALSE(key_matches("*a*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST_CASE("slots are those of the specification") {
    CHECK(slot_of("123456789") == 0x31C3);
    CHECK(slot_of("foo") == 12182);
    CHECK(slot_of("{user1000}.following") == slot_of("user1000"));
    CHECK(slot_of("foo{}{bar}") == slot_of("foo{}{bar}"));
    CHECK(slot_of("foo{}{bar}") != slot_of("bar"));
    CHECK(slot_of("foo{{bar}}zap") == slot_of("{bar"));
    CHECK(slot_of("foo{bar}{zap}") == slot_of("bar"));
}

TEST_CASE("INFO of each product") {
    const auto redis = parse_facts(
        "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n\r\n# Keyspace\r\n"
        "db0:keys=10,expires=2,avg_ttl=5\r\ndb3:keys=1,expires=0,avg_ttl=0\r\n");
    CHECK(redis.product == "Redis");
    CHECK(redis.version == "7.0.15");
    CHECK(redis.databases.at(0) == KeySpace{10, 2});
    CHECK(redis.databases.size() == 2);
    CHECK_FALSE(redis.is_cluster());
    const auto dragonfly =
        parse_facts("redis_version:7.4.0\ndragonfly_version:df-v1.40.1\ndb0:keys=0,expires=0\nloading:1\n");
    CHECK(dragonfly.product == "Dragonfly");
    CHECK(dragonfly.version == "1.40.1");
    CHECK(dragonfly.databases.empty());
    CHECK(dragonfly.is_loading());
    CHECK(parse_facts("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n").product == "Valkey");
    CHECK_THROWS_AS(parse_facts("memcached:1\r\n"), Error);
}

TEST_CASE("addresses: schemes, TLS, the usual port; no path") {
    driver::Settings settings;
    const auto at = [&](const char* url) { return server_of(settings, url); };
    CHECK(at("dragonfly://db.example").port == 6379);
    CHECK_FALSE(at("redis://db.example:7000").tls);
    CHECK(at("valkeys://db.example:7000").tls);
    CHECK(at("rediss://[::1]:7000").address() == "[::1]:7000");
    CHECK_THROWS_AS(at("redis://db.example/3"), Error);
    CHECK_THROWS_AS(at("http://db.example"), Error);
    CHECK(database_of("db12") == 12);
    CHECK_FALSE(database_of("db012"));
    CHECK_FALSE(database_of("db"));
    CHECK_FALSE(database_of("dbx"));
}

TEST_CASE("CLUSTER NODES: masters with slots, their moves, replicas left out") {
    Layout layout;
    layout.cluster = true;
    net::RespServer asked;
    asked.host = "10.0.0.9";
    add_nodes(layout,
              "07c3 127.0.0.1:30004@31004,name4 slave e7d1 0 1426238317239 4 connected\n"
              "67ed 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected 5461-10922 [77->-07c3]\n"
              "e7d1 :30001@31001 myself,master - 0 0 1 connected 0-5459 5460\n"
              "9999 127.0.0.1:30009@31009 master,fail - 0 0 1 disconnected 10923-16383\n"
              "aaaa 127.0.0.1:30010@31010 master - 0 0 1 connected\n",
              asked);
    REQUIRE(layout.masters.size() == 3);
    CHECK(layout.masters[1].name == "10.0.0.9:30001");
    CHECK(layout.masters[1].slots.size() == 2);
    CHECK(layout.owner(5460).name == "10.0.0.9:30001");
    CHECK(layout.owner(10922).server.port == 30002);
    CHECK(layout.obstacles.size() == 2);
    CHECK_THROWS_AS(add_nodes(layout, "half a line\n", asked), Error);
    CHECK_THROWS_AS(add_nodes(layout, "a 1.1.1.1:1@2 master - 0 0 1 connected 0-99999\n", asked), Error);
    net::Reply moved{.kind = net::Reply::Kind::error, .text = "MOVED 3999 :6381"};
    CHECK(moved_to(moved, asked).address() == "10.0.0.9:6381");
}

namespace {

net::Reply text_reply(std::string text) {
    return {.kind = net::Reply::Kind::text, .text = std::move(text)};
}
net::Reply list_reply(std::vector<net::Reply> items) {
    return {.kind = net::Reply::Kind::array, .items = std::move(items)};
}
net::Reply texts_reply(const std::vector<const char*>& texts) {
    net::Reply reply{.kind = net::Reply::Kind::array};
    for (const auto* text : texts) reply.items.push_back(text_reply(text));
    return reply;
}
net::Reply info_of(net::Reply definition, std::vector<net::Reply> fields, net::Reply options = texts_reply({})) {
    return list_reply({text_reply("index_name"), text_reply("attributes"), text_reply("index_options"),
                       std::move(options), text_reply("index_definition"), std::move(definition),
                       text_reply("attributes"), list_reply(std::move(fields)), text_reply("num_docs"),
                       text_reply("3")});
}

}  // namespace

TEST_CASE("the command of an index: fields that are called like words of FT.INFO are fields all the same") {
    const auto definition = texts_reply({"key_type", "HASH", "default_score", "1"});
    CHECK(index_words("i", info_of(definition, {texts_reply({"identifier", "type", "attribute", "weight", "type",
                                                             "TEXT", "WEIGHT", "2", "SORTABLE", "NOSTEM"}),
                                                texts_reply({"identifier", "nostem", "attribute", "separator", "type",
                                                             "TAG", "CASESENSITIVE", "SEPARATOR", ";"})})) ==
          "FT.CREATE\ni\nON\nHASH\nSCHEMA\ntype\nAS\nweight\nTEXT\nWEIGHT\n2\nNOSTEM\nSORTABLE\n"
          "nostem\nAS\nseparator\nTAG\nSEPARATOR\n;\nCASESENSITIVE");
}

TEST_CASE("the command of an index: the words of old Dragonflies, what it was made with, and what is not known") {
    const auto field = texts_reply({"identifier", "a", "attribute", "a", "type", "TAG"});
    const std::string schema = "\nSCHEMA\na\nTAG";
    CHECK(index_words("i", info_of(texts_reply({"key_type", "JSON", "prefix", "doc:"}), {field})) ==
          "FT.CREATE\ni\nON\nJSON\nPREFIX\n1\ndoc:" + schema);
    CHECK(index_words("i",
                      info_of(texts_reply({"key_type", "HASH", "default_language", "german", "default_score", "0.5"}),
                              {field}, texts_reply({"NOOFFSETS"}))) ==
          "FT.CREATE\ni\nON\nHASH\nLANGUAGE\ngerman\nSCORE\n0.5\nNOOFFSETS" + schema);
    // Without a command the index is said to be missing in the backup.
    CHECK(index_words("i", info_of(texts_reply({"key_type", "HASH"}), {field}, texts_reply({"NEWEST"}))).empty());
    CHECK(index_words("i", info_of(texts_reply({"key_type", "HASH", "newest", "1"}), {field})).empty());
    CHECK(index_words("i", info_of(texts_reply({"key_type", "HASH"}),
                                   {texts_reply({"identifier", "a", "attribute", "a", "type", "TAG", "newest", "1"})}))
              .empty());
}

TEST_CASE("notes come back as they were written") {
    Note note{
        .action = "keys", .node = "127.0.0.1:1", .match = "a*", .text = "t", .words = "DF\nb", .file = "data/keys"};
    note.databases = {0, 7};
    note.destinations = {{0, 0}, {7, 3}};
    note.spaces = {{0, {10, 2}}};
    note.files = 3;
    note.compress = false;
    note.everything = note.overwrite = note.acl = true;
    note.before = {{"a", "b"}};
    io::KeySummary counted{.begun = 5};
    counted.databases[7] = {.keys = 3, .with_expiry = 2, .perhaps_twice = 1, .vanished = 4, .largest = 8, .version = 9};
    counted.databases[7].expiring[5] = 2;
    note.counted = counted;
    note.sent = {{7, 3}};
    const auto back = parse_note(render(note));
    CHECK(render(back) == render(note));
    CHECK(*back.counted == counted);
    CHECK(back.sent == note.sent);
    CHECK(back.spaces == note.spaces);
    CHECK_THROWS_AS(parse_note("{}"), Error);
    CHECK_THROWS_AS(parse_note("nonsense"), Error);
}
