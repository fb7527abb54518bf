// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>

// g++ 12 with -Og takes the constructor of std::stop_source for a use before initialisation.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

using namespace vbackup;

namespace {

struct Record {
    std::mutex mutex;
    std::vector<std::size_t> indexes;
    void add(std::size_t index) {
        const std::lock_guard lock(mutex);
        indexes.push_back(index);
    }
};

std::string message(const std::exception_ptr& error) {
    try {
        if (error) std::rethrow_exception(error);
    } catch (const std::exception& why) {
        return why.what();
    }
    return {};
}

}  // namespace

TEST_CASE("each index runs once") {
    Record record;
    const auto results = run_parallel(100, 8, {}, [&record](std::size_t index) {
        record.add(index);
        return true;
    });
    std::sort(record.indexes.begin(), record.indexes.end());
    std::vector<std::size_t> all(100);
    std::iota(all.begin(), all.end(), std::size_t{0});
    CHECK(record.indexes == all);
    REQUIRE(results.size() == 100);
    CHECK(std::none_of(results.begin(), results.end(), [](const auto& error) { return bool(error); }));
}

TEST_CASE("with limit 1 all runs in order in the calling thread") {
    for (const std::size_t limit : {std::size_t{0}, std::size_t{1}}) {
        std::vector<std::size_t> indexes;
        run_parallel(5, limit, {}, [&indexes, self = std::this_thread::get_id()](std::size_t index) {
            CHECK(std::this_thread::get_id() == self);
            indexes.push_back(index);
            return true;
        });
        CHECK(indexes == std::vector<std::size_t>{0, 1, 2, 3, 4});
    }
}

TEST_CASE("as many as the limit run side by side, and never more") {
    std::latch together(3);  // would wait for ever with less than three workers
    std::atomic<int> now{0}, most{0};
    run_parallel(9, 3, {}, [&](std::size_t index) {
        const int running = ++now;
        int seen = most;
        while (seen < running && !most.compare_exchange_weak(seen, running)) {
        }
        if (index < 3) together.arrive_and_wait();
        --now;
        return true;
    });
    CHECK(most == 3);
}

TEST_CASE("an exception belongs to its index and touches no other") {
    const auto results = run_parallel(4, 2, {}, [](std::size_t index) -> bool {
        if (index == 1) throw std::runtime_error("one is broken");
        return true;
    });
    REQUIRE(results.size() == 4);
    CHECK(message(results[1]) == "one is broken");
    for (const std::size_t good : {0U, 2U, 3U}) CHECK_FALSE(results[good]);
}

TEST_CASE("after false no further index is started") {
    Record record;
    const auto results = run_parallel(10, 1, {}, [&record](std::size_t index) {
        record.add(index);
        return index < 3;
    });
    CHECK(record.indexes == std::vector<std::size_t>{0, 1, 2, 3});
    CHECK(results.size() == 10);
}

TEST_CASE("after a stop no further index is started") {
    std::stop_source stop;
    Record record;
    run_parallel(10, 1, stop.get_token(), [&](std::size_t index) {
        record.add(index);
        if (index == 1) stop.request_stop();
        return true;
    });
    CHECK(record.indexes == std::vector<std::size_t>{0, 1});
    run_parallel(10, 4, stop.get_token(), [&](std::size_t index) {
        record.add(index);
        return true;
    });
    CHECK(record.indexes.size() == 2);
}

TEST_CASE("work that must all be done goes on to its end, and throws what the first index threw") {
    std::atomic<int> ran{0};
    const auto work = [&](std::size_t i) {
        ++ran;
        if (i == 3 || i == 5) throw std::runtime_error(i == 3 ? "three" : "five");
    };
    for (const std::size_t limit : {1U, 4U}) {
        CAPTURE(limit);
        ran = 0;
        CHECK_THROWS_WITH_AS(run_all(20, limit, {}, work), "three", std::runtime_error);
        CHECK(ran == 20);
        ran = 0;
        run_all(3, limit, {}, work);
        CHECK(ran == 3);
    }
}

TEST_CASE("nothing to do is done") {
    CHECK(run_parallel(0, 4, {}, [](std::size_t) { return true; }).empty());
}
