// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/store/place.hpp"

using namespace vbackup;
using namespace vbackup::test;
using namespace std::chrono_literals;

namespace {

const std::string lock_key = "pre/fix/.locks/b";

std::string of_elsewhere() {
    return "vbackup-lock 1\nnonce n\nmachine far\nprocess 17\nbegun 1\nboot other\nspace other\n";
}

}  // namespace

TEST_CASE_FIXTURE(Bucket, "a lock of another machine holds until its lease is over, by the service's clock") {
    s3.ahead = 10min;
    s3.put(lock_key, of_elsewhere(), 100s);
    const auto error = error_of([&] { open()->lock("b"); });
    CHECK(error.kind() == ErrorKind::busy);
    CHECK(error.message() == "another run works on b in s3://bucket.with.dots/pre/fix (process 17 on far)");
    CHECK(error.hint().find("after 20s") != std::string::npos);
    s3.put(lock_key, of_elsewhere(), 121s);
    auto held = open()->lock("b");
    CHECK(error_of([&] { open()->lock("b"); }).kind() == ErrorKind::busy);
    held.reset();
    CHECK(s3.objects().empty());
}

TEST_CASE_FIXTURE(Bucket, "the lock of a process of this machine that was killed holds nobody up") {
    // As the child would have left it: threads cannot be begun in a child of a process with threads, so it is written here.
    const auto child = ::fork();
    if (child == 0) ::_exit(0);
    ::waitpid(child, nullptr, 0);
    auto held = open()->lock("b");
    auto words = s3.objects().at(lock_key).bytes;
    held.reset();
    const auto mine = fmt::format("\nprocess {}\n", ::getpid());
    REQUIRE(words.find(mine) != std::string::npos);
    s3.put(lock_key, words);
    CHECK(error_of([&] { open()->lock("b"); }).kind() == ErrorKind::busy);
    s3.put(lock_key, words.replace(words.find(mine), mine.size(), fmt::format("\nprocess {}\n", child)));
    CHECK(open()->lock("b") != nullptr);
}

TEST_CASE_FIXTURE(Bucket, "of two that find a dead lock one takes it over") {
    s3.put(lock_key, of_elsewhere(), 10min);
    bool raced = false;
    s3.before = [&](const HttpRequest& request, int) -> std::optional<Answer> {
        // The other one comes in between the look and the write.
        if (request.method == "PUT" && !std::exchange(raced, true)) s3.put(lock_key, of_elsewhere());
        return std::nullopt;
    };
    CHECK(error_of([&] { open()->lock("b"); }).kind() == ErrorKind::busy);
    CHECK(raced);
}

TEST_CASE_FIXTURE(Bucket, "of two that begin at once one gets the lock") {
    bool raced = false;
    s3.before = [&](const HttpRequest& request, int) -> std::optional<Answer> {
        if (request.method == "PUT" && !std::exchange(raced, true)) s3.put(lock_key, of_elsewhere());
        return std::nullopt;
    };
    CHECK(error_of([&] { open()->lock("b"); }).kind() == ErrorKind::busy);
}

TEST_CASE_FIXTURE(Bucket, "a lock is renewed as long as it is held") {
    tuning.lock.renewal = 5ms;
    const auto held = open()->lock("b");
    const auto first = s3.objects().at(lock_key).etag;
    s3.server.wait_for_requests(static_cast<std::size_t>(s3.requests()) + 6);
    CHECK(s3.objects().at(lock_key).etag != first);
}

TEST_CASE_FIXTURE(Bucket, "a run that lost its lock makes nothing visible, and leaves the other's lock") {
    const auto store = open();
    auto held = store->lock("b");
    s3.put(lock_key, of_elsewhere());
    clock.advance(3min);
    CHECK(error_of([&] { store->put_new("b/manifest.json", "{}"); }).kind() == ErrorKind::busy);
    CHECK(error_of([&] { put(*store, "b/f", "x"); }).kind() == ErrorKind::busy);
    held.reset();
    CHECK(s3.objects().size() == 1);
    put(*store, "b/f", "x");
}

TEST_CASE_FIXTURE(Bucket, "a run that was held up and lost nothing goes on") {
    const auto store = open();
    const auto held = store->lock("b");
    clock.advance(3min);
    put(*store, "b/f", "x");
    CHECK(s3.objects().contains("pre/fix/b/f"));
}

TEST_CASE_FIXTURE(Bucket, "locks hold also where the service refuses conditions, or passes over them") {
    for (const bool refuses : {true, false}) {
        s3.knows_conditions = !refuses;
        s3.passes_over_conditions = !refuses;
        auto held = open()->lock("b");
        CHECK(error_of([&] { open()->lock("b"); }).kind() == ErrorKind::busy);
        held.reset();
        CHECK(s3.objects().empty());
    }
}
