// SPDX-License-Identifier: Apache-2.0
// A bucket that misbehaves.
#include <algorithm>
#include <mutex>

#include "base/text.hpp"
#include "contract/store/place.hpp"
#include "store/catalog.hpp"
#include "store/s3/settings.hpp"

using namespace vbackup;
using namespace vbackup::test;
using namespace std::chrono_literals;

namespace {

const std::string bytes_of_parts = pattern(200'000);  // four parts of 64 KiB

void write_parts(io::Sink& sink) {
    sink.write(std::as_bytes(std::span(bytes_of_parts)));
}

// Everything that a store is asked to do, once.
void all_of_it(store::Store& store) {
    {
        const auto lock = store.lock("b");
        store.require_writable();
        put(store, "b/small", "small");
        const auto sink = store.create("b/large");
        write_parts(*sink);
        sink->finish();
        CHECK(get(store, "b/large") == bytes_of_parts);
        CHECK(store.size("b/small") == 5);
        store.put_new("b/manifest.json", "{}");
        CHECK(store.list("b").size() == 3);
        store.remove("b/small");
        CHECK(store.folders().size() == 1);
    }
    put(store, "c/gone", "x");
    store.remove_all("c");
}

void check_left(const Bucket& bucket) {
    const auto objects = bucket.s3.objects();
    REQUIRE(objects.size() == 2);
    CHECK(objects.at("pre/fix/b/large").bytes == bytes_of_parts);
    CHECK(objects.at("pre/fix/b/manifest.json").bytes == "{}");
    CHECK(bucket.s3.uploads().empty());
}

bool is_part(const HttpRequest& request) {
    return request.query.starts_with("partNumber");
}

}  // namespace

TEST_CASE("each request that fails once is made good: before it is done, and when its answer gets lost") {
    int requests = 0;
    {
        Bucket bucket;
        all_of_it(*bucket.open());
        check_left(bucket);
        requests = bucket.s3.requests();
    }
    const std::vector<Answer> faults{{.fault = Fault::reset}, ScriptedS3::refusal(503, "SlowDown")};
    for (const bool done : {false, true}) {
        for (const auto& fault : faults) {
            for (int at = 1; at <= requests; ++at) {
                CAPTURE(done);
                CAPTURE(fault.status);
                CAPTURE(at);
                Bucket bucket;
                bool failed = false;
                const auto fail = [&](const HttpRequest&, int number) {
                    const bool now = number >= at && !std::exchange(failed, failed || number >= at);
                    return now ? std::optional(fault) : std::nullopt;
                };
                (done ? bucket.s3.after : bucket.s3.before) = fail;
                all_of_it(*bucket.open());
                check_left(bucket);
            }
        }
    }
}

TEST_CASE_FIXTURE(Bucket, "a line that breaks in the middle of a part is mended") {
    int cuts = 0;
    s3.before = [&](const HttpRequest& request, int) -> std::optional<Answer> {
        if (!is_part(request) || ++cuts > 2) return std::nullopt;
        return Answer{.fault = Fault::reset};
    };
    const auto store = open();
    const auto sink = store->create("b/f");
    write_parts(*sink);
    sink->finish();
    CHECK(s3.objects().at("pre/fix/b/f").bytes == bytes_of_parts);
}

TEST_CASE_FIXTURE(Bucket, "200 with an error in the body is no success") {
    int errors = 0;
    int most = 1;
    s3.before = [&](const HttpRequest& request, int) -> std::optional<Answer> {
        const bool complete = request.method == "POST" && request.query.starts_with("uploadId");
        if (!complete || ++errors > most) return std::nullopt;
        auto answer = ScriptedS3::refusal(200, "InternalError");
        answer.body = "   \n" + answer.body;
        return answer;
    };
    const auto store = open();
    const auto write = [&] {
        const auto sink = store->create("b/f");
        write_parts(*sink);
        sink->finish();
    };
    write();
    CHECK(store->size("b/f") == bytes_of_parts.size());
    store->remove("b/f");
    most = 1000;
    CHECK(error_of(write).message().find("InternalError") != std::string::npos);
    CHECK_FALSE(store->size("b/f"));
    CHECK(s3.uploads().empty());
}

TEST_CASE_FIXTURE(Bucket, "keys that expire in the middle of an upload are had anew") {
    std::mutex mutex;  // guards token: two servers know it
    std::string token = "one";
    HttpServer keys;
    keys.on("GET", "/keys", Responder([&](const HttpRequest&) {
                const std::scoped_lock lock(mutex);
                return Answer{.body = R"({"AccessKeyId":"a","SecretAccessKey":"s","Token":")" + token +
                                      R"(","Expiration":"2026-11-22T00:00:00Z"})"};
            }));
    environment = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", keys.base() + "/keys"}};
    s3.token = token;
    s3.before = [&](const HttpRequest& request, int) -> std::optional<Answer> {
        const std::scoped_lock lock(mutex);
        if (is_part(request)) s3.token = token = "two";
        return std::nullopt;
    };
    const auto store = open();
    const auto sink = store->create("b/f");
    write_parts(*sink);
    sink->finish();
    CHECK(s3.objects().at("pre/fix/b/f").bytes == bytes_of_parts);
    // An answer to HEAD has no words.
    s3.before = {};
    {
        const std::scoped_lock lock(mutex);
        s3.token = token = "three";
    }
    CHECK(store->size("b/f") == bytes_of_parts.size());
    CHECK(keys.requests().size() == 3);
    // Keys that stay refused are asked for once more only.
    s3.token = "never";
    CHECK(error_of([&] { store->size("b/f"); }).kind() == ErrorKind::storage);
    CHECK(keys.requests().size() == 4);
}

TEST_CASE_FIXTURE(Bucket, "a clock that is off is made good by the service's") {
    for (const auto off : {20min, -20min}) {
        s3.ahead = off;
        const auto first_by_head = open();
        CHECK_FALSE(first_by_head->size("b/f"));
        const auto first_by_put = open();
        put(*first_by_put, "b/f", "x");
        first_by_put->remove("b/f");
    }
}

TEST_CASE_FIXTURE(Bucket, "what the service refuses is said as what it is") {
    const auto store = open();
    const auto refuse = [&](int status, const std::string& code) {
        s3.before = [=](const HttpRequest&, int) { return ScriptedS3::refusal(status, code); };
        return error_of([&] { put(*store, "b/f", "x"); });
    };
    CHECK(refuse(403, "AccessDenied").kind() == ErrorKind::denied);
    CHECK(refuse(403, "InvalidAccessKeyId").hint().find("AWS_ACCESS_KEY_ID") != std::string::npos);
    CHECK(refuse(503, "SlowDown").kind() == ErrorKind::busy);
    CHECK(refuse(404, "NoSuchBucket").message() == "there is no bucket bucket.with.dots");
    CHECK(error_of([&] { open()->size("b/f"); }).message() == "there is no bucket bucket.with.dots");
    CHECK(error_of([&] { open()->folders(); }).kind() == ErrorKind::storage);
    CHECK(refuse(400, "EntityTooLarge").kind() == ErrorKind::storage);
    for (const auto& request : s3.server.requests())
        CHECK(request.header("authorization").find("hunter2") == std::string_view::npos);
}

TEST_CASE_FIXTURE(Bucket, "a read goes on where its line broke, and never in another object") {
    const auto store = open();
    put(*store, "b/f", bytes_of_parts);
    const auto etag = s3.objects().at("pre/fix/b/f").etag;
    int gets = 0;
    s3.after = [&](const HttpRequest& request, int) -> std::optional<Answer> {
        if (request.method != "GET" || ++gets > 2) return std::nullopt;
        auto answer = file_answer(request, bytes_of_parts, etag);
        answer.fault = Fault::cut_reset;
        answer.fault_at = 50'000;
        return answer;
    };
    CHECK(get(*store, "b/f", 10) == bytes_of_parts.substr(10));
    const auto seen = s3.server.requests();
    CHECK(seen.back().header("if-match") == etag);
    CHECK(seen.back().header("range") == "bytes=100010-");

    gets = 1;
    const auto source = store->open("b/f");
    s3.put("pre/fix/b/f", "another");
    CHECK(error_of([&] { io::read_all(*source, 1 << 20); }).kind() == ErrorKind::conflict);
}

TEST_CASE_FIXTURE(Bucket, "an upload is given up with its sink, even when the run was stopped") {
    const auto store = open();
    auto sink = store->create("b/f");
    write_parts(*sink);
    CHECK(s3.uploads().size() == 1);
    stop.request_stop();
    CHECK(error_of([&] { sink->finish(); }).kind() == ErrorKind::interrupted);
    sink.reset();
    CHECK(s3.uploads().empty());
    CHECK(s3.objects().empty());
}

TEST_CASE_FIXTURE(Bucket, "what a dead run left is aborted by the next, and by removing") {
    const auto store = open();
    s3.begin_upload("pre/fix/b/f");
    s3.begin_upload("pre/fix/b/f2");
    CHECK(store->list("b", true) == std::vector<std::string>{"b/f", "b/f2"});
    CHECK(store->partial_size("b/f") == 0);
    const auto sink = store->create("b/f", true);
    write_parts(*sink);
    sink->finish();
    CHECK(s3.uploads().size() == 1);
    store->remove_all("b");
    CHECK(s3.uploads().empty());
}

TEST_CASE_FIXTURE(Bucket, "keys that may not list uploads can write and remove all the same") {
    s3.before = [](const HttpRequest& request, int) -> std::optional<Answer> {
        const bool lists = request.method == "GET" && request.query.find("uploads") != std::string::npos;
        return lists ? std::optional(ScriptedS3::refusal(403, "AccessDenied")) : std::nullopt;
    };
    const auto store = open();
    const auto sink = store->create("b/f");
    write_parts(*sink);
    sink->finish();
    CHECK(store->size("b/f") == bytes_of_parts.size());
    store->remove_all("b");
    CHECK(s3.objects().empty());
}

TEST_CASE_FIXTURE(Bucket, "of two runs that commit one id, one does") {
    const auto store = open();
    store->put_new("b/manifest.json", "mine");
    CHECK(error_of([&] { open()->put_new("b/manifest.json", "other"); }).kind() == ErrorKind::conflict);
    s3.knows_conditions = false;
    CHECK(error_of([&] { open()->put_new("b/manifest.json", "other"); }).kind() == ErrorKind::conflict);
    CHECK(get(*store, "b/manifest.json") == "mine");
    store->put_new("b/other.json", "x");
    CHECK(get(*store, "b/other.json") == "x");
}

TEST_CASE_FIXTURE(Bucket, "storage class and encryption go with objects, the class with large ones alone") {
    options.storage_class = "STANDARD_IA";
    options.encryption = "aws:kms";
    options.encryption_key = "k";
    const auto store = open();
    put(*store, "b/small", "x");
    const auto sink = store->create("b/large");
    write_parts(*sink);
    sink->finish();
    for (const auto& [key, object] : s3.objects()) {
        CHECK(object.headers.contains("x-amz-storage-class") == key.ends_with("large"));
        CHECK(object.headers.at("x-amz-server-side-encryption") == "aws:kms");
        CHECK(object.headers.at("x-amz-server-side-encryption-aws-kms-key-id") == "k");
    }
}

TEST_CASE_FIXTURE(Bucket, "a probe is written and gone") {
    open()->require_writable();
    CHECK(s3.server.requests().front().method == "PUT");
    CHECK(s3.objects().empty());
}

TEST_CASE_FIXTURE(Bucket, "ten thousand backups are listed by pages") {
    for (int i = 0; i < 10'000; ++i) s3.put("pre/fix/b" + std::to_string(i) + "/manifest.json", "{}");
    s3.put("pre/fix/.locks/b1", "");
    s3.put("pre/fix/folder/", "");
    const auto before = s3.requests();
    CHECK(open()->folders().size() == 10'001);
    CHECK(s3.requests() - before == 11);
    CHECK(open()->at_once() == 16);
}

TEST_CASE("parts grow so that 64 GiB fit into 10,000 with little memory") {
    std::uint64_t whole = 0;
    for (std::size_t number = 1; number <= store::s3::most_parts; ++number) {
        const auto size = store::s3::part_size(number, store::s3::least_part);
        if (whole < (std::uint64_t{64} << 30)) CHECK(size <= store::s3::upload_memory / 2);
        CHECK(size <= store::s3::upload_memory);
        whole += size;
    }
    CHECK(whole >= (std::uint64_t{148} << 30));
}

TEST_CASE("where a bucket is asked follows configuration, environment and profile, in this order") {
    using store::s3::settings_of;
    const auto plain = settings_of("s3://bucket/a/b/", {}, {});
    CHECK(plain.endpoint == "https://s3.us-east-1.amazonaws.com");
    CHECK(plain.prefix == "a/b/");
    CHECK_FALSE(plain.path_style);
    CHECK(settings_of("s3://bucket", {}, {}).prefix.empty());
    CHECK(settings_of("s3://bucket.with.dots", {}, {}).path_style);
    CHECK(settings_of("s3://bucket", {}, {{"AWS_REGION", "cn-north-1"}}).endpoint ==
          "https://s3.cn-north-1.amazonaws.com.cn");
    const net::Environment environment{
        {"AWS_ENDPOINT_URL", "http://all:1"}, {"AWS_ENDPOINT_URL_S3", "http://s3:2/"}, {"AWS_REGION", "r1"}};
    CHECK(settings_of("s3://bucket", {}, environment).endpoint == "http://s3:2");
    CHECK(settings_of("s3://bucket", {}, environment).path_style);
    CHECK_FALSE(settings_of("s3://bucket", {.addressing = "virtual"}, environment).path_style);
    const auto named = settings_of("s3://bucket", {.endpoint = "https://mine", .region = "r2"}, environment);
    CHECK(named.endpoint == "https://mine");
    CHECK(named.region == "r2");
    for (const auto* bad :
         {"s3://", "s3:///x", "s3://a", "s3://a b", "s3://bucket?x", "s3://bucket/a?x", "s3://k:s@bucket"})
        CHECK(error_of([&] { settings_of(bad, {}, {}); }).kind() == ErrorKind::usage);
    const auto error = error_of([] { settings_of("s3://bucket", {.endpoint = "ftp://k:hunter2@x"}, {}); });
    CHECK(error.kind() == ErrorKind::configuration);
    CHECK(error.message().find("hunter2") == std::string::npos);
}
