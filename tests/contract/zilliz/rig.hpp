// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "driver/zilliz/zilliz.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_zilliz.hpp"

namespace vbackup::test {

// The driver, opened on a scripted control plane, and what a story would give it.
struct ZillizRig {
    using Script = ScriptedZilliz::Script;

    static constexpr const char* cluster = "in01-5b1c77aa90de321";
    static constexpr const char* other = "in01-77f0e3bb2255190";

    static Script two_clusters() {
        Script script;
        script.clusters[cluster].collections = {{"default", {{"articles", "LOADED"}, {"images", "UNLOADED"}}},
                                                {"shop", {{"goods", "LOADED"}}}};
        script.clusters[other].name = "Dedicated-02";
        script.clusters[other].region = "aws-us-east-2";
        return script;
    }

    ZillizRig() : ZillizRig(two_clusters()) {}
    explicit ZillizRig(Script script, const std::string& key = "key-1") : server(std::move(script)) {
        open(std::string("zilliz://") + cluster, key);
    }

    void open(const std::string& url, const std::string& key = "key-1") {
        driver::Settings settings;
        settings.url = url;
        settings.base_url = server.base();
        settings.key = Secret(key);
        driver = driver::zilliz_entry().open(std::move(settings));
    }

    static model::Request request(model::Verb verb, model::Options options = {}) {
        return {.verb = verb, .id = "b1", .options = std::move(options)};
    }
    model::Plan plan(const model::Request& asked) { return driver->plan(call, asked, {}); }
    model::Plan plan_create(model::Scope scope = {}, model::Options options = {}) {
        auto asked = request(model::Verb::create, std::move(options));
        asked.scope = std::move(scope);
        return plan(asked);
    }

    // Sends a step and follows its jobs to the end, as the executor does.
    model::Seen carry_out(const model::Step& step, std::optional<model::JobRef>* last = nullptr) {
        const auto outcome = driver->run(call, step, nullptr);
        if (!outcome.job) return {.phase = model::Phase::succeeded};
        return follow(*outcome.job, last);
    }
    model::Seen follow(model::JobRef job, std::optional<model::JobRef>* last = nullptr) {
        for (int look = 0;; ++look) {
            const auto seen = driver->observe(call, job, Milliseconds{0});
            if (last) *last = job;
            if (seen.phase == model::Phase::succeeded && seen.next) {
                job = *seen.next;
            } else if (model::is_final(seen.phase) || look > 30) {
                return seen;
            }
        }
    }

    // A backup as the stories would leave it: made by the driver, with a manifest.
    model::Manifest make_backup(const model::Scope& scope = {}) {
        const auto made = plan_create(scope);
        std::optional<model::JobRef> job;
        const auto seen = carry_out(made.steps.back(), &job);
        REQUIRE(seen.phase == model::Phase::succeeded);
        model::Manifest manifest;
        manifest.id = "b1";
        manifest.driver = "zilliz";
        manifest.jobs = {*job};
        return manifest;
    }
    model::Found find(const std::string& name) {
        const auto all = driver->list(call, {{"name", name}});
        REQUIRE(all.size() == 1);
        return all.front();
    }

    ScriptedZilliz server;
    FakeClock clock;
    Tally tally;
    Call call{clock, tally};
    std::unique_ptr<driver::Driver> driver;
};

// The error that a call ends with.
template <typename Work>
Error error_of(Work&& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    FAIL("it did not fail");
    throw 0;
}

inline std::string context_of(const Error& error, const std::string& key) {
    for (const auto& [name, value] : error.context()) {
        if (name == key) return value;
    }
    return {};
}

#define CHECK_ERROR(kind_, words_, ...)                                                         \
    do {                                                                                        \
        const auto error_ = ::vbackup::test::error_of([&] { static_cast<void>(__VA_ARGS__); }); \
        INFO(error_.message());                                                                 \
        CHECK(::vbackup::describe(error_.kind()).word == ::vbackup::describe(kind_).word);      \
        CHECK(error_.message().find(words_) != std::string::npos);                              \
    } while (false)

}  // namespace vbackup::test
