// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "driver/weaviate/weaviate.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_weaviate.hpp"

namespace vbackup::test {

// The driver, opened on a scripted Weaviate, and what a story would give it.
struct Rig {
    using Script = ScriptedWeaviate::Script;

    static Script two_collections() {
        Script script;
        script.collections = {{"Article", {.count = 1000}}, {"Big", {.count = 8000}}};
        return script;
    }
    static Script with_tenants() {
        auto script = two_collections();
        script.collections["Mt"] = {.tenants = {{"ta", {"HOT", 70}}, {"tb", {"HOT", 30}}, {"tc", {"COLD", 0}}},
                                    .multi_tenant = true};
        return script;
    }

    Rig() : Rig(two_collections()) {}
    explicit Rig(Script script, std::string key = {}, model::Options configured = {}) : server(std::move(script)) {
        open(server.base(), std::move(key), std::move(configured));
    }

    void open(const std::string& url, std::string key = {}, model::Options configured = {}) {
        driver::Settings settings;
        settings.url = url;
        settings.key = Secret(std::move(key));
        settings.options = std::move(configured);
        driver = driver::weaviate_entry().open(std::move(settings));
    }

    model::Request request(model::Verb verb, std::string id = "b1", model::Options options = {}) const {
        return {.verb = verb, .id = std::move(id), .options = std::move(options)};
    }
    model::Plan plan(const model::Request& asked) { return driver->plan(call, asked, peek); }

    // Sends the steps of a plan and follows each job to its end, as the executor does.
    model::Seen carry_out(const model::Plan& plan, std::optional<model::JobRef>* last = nullptr) {
        model::Seen seen{.phase = model::Phase::succeeded};
        for (const auto& step : plan.steps) {
            if (step.kind == model::StepKind::settle) seen = driver->settled(call, step);
            if (step.kind != model::StepKind::change) continue;
            const auto outcome = driver->run(call, step, nullptr);
            if (last) *last = outcome.job;
            if (outcome.job) seen = follow(*outcome.job);
        }
        return seen;
    }
    model::Seen follow(const model::JobRef& job) {
        for (int look = 0; look < 20; ++look) {
            const auto seen = driver->observe(call, job, Milliseconds{0});
            if (model::is_final(seen.phase)) return seen;
        }
        return driver->observe(call, job, Milliseconds{0});
    }

    // A backup as the stories would leave it: made by the driver, with a manifest.
    model::Manifest make_backup(const std::string& id = "b1", model::Options options = {}, model::Scope scope = {}) {
        auto asked = request(model::Verb::create, id, std::move(options));
        asked.scope = std::move(scope);
        const auto now = driver->inspect(call, asked.scope);
        asked.inspection = &now;
        const auto made = plan(asked);
        std::optional<model::JobRef> job;
        const auto seen = carry_out(made, &job);
        REQUIRE(seen.phase == model::Phase::succeeded);
        model::Manifest manifest;
        manifest.id = id;
        manifest.driver = "weaviate";
        manifest.server_version = now.version;
        manifest.nodes = now.nodes;
        for (const auto& one : now.collections) manifest.collections.push_back({one, one.count});
        manifest.jobs = {*job};
        manifest.driver_data = made.details;
        return manifest;
    }

    ScriptedWeaviate server;
    FakeClock clock;
    Tally tally;
    Call call{clock, tally};
    bool sees_disk = true;  // whether this machine reaches the server's backup directory
    driver::Peek peek = [this](const model::Location& location, const std::string& name) -> std::optional<std::string> {
        const auto root = "file://" + server.script().root + "/";
        if (!sees_disk || name != "backup_config.json" || !location.url.starts_with(root)) return std::nullopt;
        return server.descriptor(location.url.substr(root.size()));
    };
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

#define CHECK_ERROR(kind_, words_, ...)                                                         \
    do {                                                                                        \
        const auto error_ = ::vbackup::test::error_of([&] { static_cast<void>(__VA_ARGS__); }); \
        CHECK(::vbackup::describe(error_.kind()).word == ::vbackup::describe(kind_).word);      \
        CHECK(error_.message().find(words_) != std::string::npos);                              \
        INFO(error_.message());                                                                 \
    } while (false)

}  // namespace vbackup::test
