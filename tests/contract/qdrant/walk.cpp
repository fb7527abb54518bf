// SPDX-License-Identifier: Apache-2.0
#include "contract/qdrant/walk.hpp"

#include <algorithm>
#include <stdexcept>

#include "driver/qdrant/qdrant.hpp"
#include "io/digest.hpp"

namespace vbackup::test {

namespace {

constexpr std::size_t most = std::size_t{64} << 20;

}  // namespace

void Walk::run(const model::Plan& plan) {
    for (const auto& step : plan.steps) {
        if (!step.tidy) run_step(step);
    }
}

void Walk::tidy(const model::Plan& plan) {
    for (const auto& step : plan.steps) {
        if (step.tidy) run_step(step);
    }
}

void Walk::run_step(const model::Step& step) {
    if (step.kind == model::StepKind::fetch) return fetch(step);
    if (step.kind == model::StepKind::settle) {
        for (int looks = 0; driver_.settled(call_, step).phase != model::Phase::succeeded; ++looks) {
            if (looks > 100) throw std::runtime_error(step.what + ": never settled");
            call_.clock.sleep(Milliseconds{250}, call_.stop);
        }
        return;
    }
    const auto seen = change(step);
    if (seen.phase != model::Phase::succeeded) throw Error(ErrorKind::job_failed, seen.said, seen.why);
}

model::Seen Walk::change(const model::Step& step) {
    std::unique_ptr<io::Source> source;
    if (step.kind == model::StepKind::send) source = io::memory_source(bytes.at(step.file));
    const auto outcome = driver_.run(call_, step, source.get());
    if (!outcome.job) return {.phase = model::Phase::succeeded};
    jobs[step.id] = *outcome.job;
    for (int looks = 0; looks < 1000; ++looks) {
        auto seen = driver_.observe(call_, jobs[step.id], Milliseconds{0});
        if (seen.phase == model::Phase::succeeded && seen.next) {
            jobs[step.id] = *seen.next;
            continue;
        }
        if (model::is_final(seen.phase)) return seen;
        call_.clock.sleep(Milliseconds{250}, call_.stop);
    }
    throw std::runtime_error(step.what + ": never ended");
}

void Walk::fetch(const model::Step& step) {
    const auto job = step.job ? *step.job : jobs.at(step.of);
    for (auto file : driver_.files(call_, job, no_peek()).files) {
        auto text = io::read_all(*driver_.open(call_, file, 0), most);
        file.sha256 = io::sha256(text);
        file.size = text.size();
        file.kept = true;
        if (!file.server_sha256.empty() && file.server_sha256 != file.sha256)
            throw Error(ErrorKind::corrupt, file.name);
        bytes[file.name] = std::move(text);
        files.push_back(std::move(file));
    }
}

model::Manifest Walk::manifest(const model::Inspection& before, bool keep) const {
    model::Manifest manifest;
    manifest.id = "walk-20261121t074700z";
    manifest.driver = "qdrant";
    manifest.server_version = before.version;
    for (const auto& collection : before.collections) manifest.collections.push_back({collection, collection.count});
    for (const auto& [_, job] : jobs) manifest.jobs.push_back(job);
    manifest.kept = keep;
    manifest.files = files;
    if (keep) return manifest;
    for (const auto& job : manifest.jobs) {
        for (auto& file : driver_.files(call_, job, no_peek()).files) manifest.files.push_back(std::move(file));
    }
    return manifest;
}

const model::Step& step_of(const model::Plan& plan, const std::string& id) {
    const auto found =
        std::find_if(plan.steps.begin(), plan.steps.end(), [&](const auto& step) { return step.id == id; });
    if (found == plan.steps.end()) throw std::runtime_error("the plan has no step " + id);
    return *found;
}

std::unique_ptr<driver::Driver> open_qdrant(const std::string& url, const std::string& key,
                                            const model::Options& options) {
    driver::Settings settings;
    settings.url = url;
    settings.key = Secret(key);
    settings.options = options;
    return driver::qdrant_entry().open(std::move(settings));
}

driver::Peek no_peek() {
    return [](const model::Location&, const std::string&) { return std::nullopt; };
}

}  // namespace vbackup::test
