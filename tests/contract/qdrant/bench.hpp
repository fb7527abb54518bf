// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "contract/qdrant/walk.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_qdrant.hpp"

namespace vbackup::test {

// An open driver with a clock that costs no time.
struct Bench {
    explicit Bench(const std::string& url, const std::string& key = ScriptedQdrant::key,
                   const model::Options& options = {})
        : driver(open_qdrant(url, key, options)) {}

    model::Inspection look(model::Scope scope = {}) { return driver->inspect(call, scope); }
    model::Request request(model::Verb verb, model::Options options = {}) {
        model::Request made;
        made.verb = verb;
        made.id = "walk-20261121t074700z";
        made.options = std::move(options);
        return made;
    }
    model::Plan create_plan(bool keep, model::Options options = {}) {
        auto made = request(model::Verb::create, std::move(options));
        made.keep = keep;
        return driver->plan(call, made, no_peek());
    }
    model::Plan restore_plan(const model::Manifest& manifest, model::Options options = {}, bool overwrite = false,
                             model::Renames renames = {}, bool switch_alias = false) {
        auto made = request(model::Verb::restore, std::move(options));
        made.manifest = &manifest;
        made.kept_at = "/kept/b";
        made.overwrite = overwrite;
        made.renames = std::move(renames);
        made.switch_alias = switch_alias;
        return driver->plan(call, made, no_peek());
    }
    model::Proof proof(const model::Manifest& manifest, model::Renames renames = {}, bool switch_alias = false,
                       model::Options options = {}) {
        auto made = request(model::Verb::restore, std::move(options));
        made.renames = std::move(renames);
        made.switch_alias = switch_alias;
        return driver->prove(call, manifest, made);
    }

    FakeClock clock;
    Tally tally;
    Call call{clock, tally};
    std::unique_ptr<driver::Driver> driver;
};

struct Scripted : Bench {
    Scripted() : Scripted(std::make_unique<ScriptedQdrant>(TEST_DATA)) {}
    std::unique_ptr<ScriptedQdrant> owned;
    ScriptedQdrant& server;

private:
    explicit Scripted(std::unique_ptr<ScriptedQdrant> made)
        : Bench(made->base()), owned(std::move(made)), server(*owned) {}
};

// A backup of what the scripted server holds, brought home or left there.
struct Restoring : Scripted {
    model::Manifest backup(const std::string& unit, bool keep = true) {
        const auto before = look();
        walk.run(create_plan(keep, {{"unit", unit}}));
        return walk.manifest(before, keep);
    }
    void destroy() {
        server.with([](auto& state) {
            state.collections.clear();
            state.aliases.clear();
        });
    }
    std::uint64_t points(const std::string& name) {
        return server.with(
            [&](auto& state) { return state.collections.contains(name) ? state.collections[name].points : 0; });
    }
    Walk walk{call, *driver};
};

inline std::vector<std::string> ids(const model::Plan& plan) {
    std::vector<std::string> all;
    for (const auto& step : plan.steps) all.push_back(step.id);
    return all;
}

inline std::string bad_findings(const model::Proof& proof) {
    std::string all;
    for (const auto& finding : proof.findings) {
        if (!finding.good) all += finding.what + "; ";
    }
    return all;
}

// What an action throws; `usage` with a word about it when it throws nothing.
template <typename Action>
Error error_of(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::usage, "nothing was thrown"};
}

template <typename Action>
ErrorKind kind_of(Action action) {
    return error_of(action).kind();
}

}  // namespace vbackup::test
