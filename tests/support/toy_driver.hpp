// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "driver/driver.hpp"

namespace vbackup::test {

// A database in memory with collections that are just a name and a number of objects. Snapshots are jobs that take some
// looks; each leaves one file "<collection>=<count>". It keeps count of what was asked of it, and `before` may throw or
// change things in front of any function: that is how tests lose answers and kill runs. Thread-safe.
class ToyDatabase {
public:
    struct Snapshot {
        std::string collection;
        std::string bytes;
        int looks_left = 0;
        model::Phase end = model::Phase::succeeded;
        std::optional<Moment> started = {};  // where the server says so
    };

    std::map<std::string, std::uint64_t> collections;
    std::map<std::string, std::set<std::string>> aliases;
    std::map<std::string, Snapshot> snapshots;  // by the server's name
    int looks_needed = 2;
    model::Phase end = model::Phase::succeeded;  // how new jobs end
    std::function<void(const std::string& function, const std::string& about)> before;
    std::string unreached;           // a node that a list cannot ask: listed without a name
    model::Options asked;            // the options that its last plan was asked with
    std::string tidy_after_restore;  // a snapshot that a restore's plan drops once it is proven
    int restore_looks = 0;    // more than 0: what is sent becomes a job "restore.<name>" that takes as many looks
    std::string followed_by;  // what a finished snapshot leads to: a job "restore.<name>"
    bool keeps_schedules = true;
    bool forgets_schedules = false;  // takes them and does not hold them
    std::map<std::string, model::Schedule> schedules;
    std::vector<std::string> changes;  // each change that really happened, in order
    std::recursive_mutex mutex;
};

// It holds cron expressions only; removing one needs a yes.
class ToySchedules : public driver::Schedules {
public:
    explicit ToySchedules(ToyDatabase& database) : db_(database) {}
    std::vector<model::Schedule> list(Call&, const model::Options&) override;
    model::Plan plan_set(Call&, const model::Schedule& wish, const model::Options&) override;
    model::Plan plan_remove(Call&, const std::string& name, const model::Options&) override;

private:
    ToyDatabase& db_;
};

class ToyDriver : public driver::Driver {
public:
    explicit ToyDriver(ToyDatabase& database) : db_(database), schedules_(database) {}

    model::Inspection inspect(Call&, const model::Scope& scope) override;
    std::vector<model::Found> list(Call&, const model::Options&) override;
    model::Plan plan(Call&, const model::Request& request, const driver::Peek&) override;
    std::optional<model::Outcome> done(Call&, const model::Step& step) override;
    model::Outcome run(Call&, const model::Step& step, io::Source* source) override;
    model::Seen observe(Call&, const model::JobRef& job, Milliseconds) override;
    model::Seen settled(Call&, const model::Step& step) override;
    Files files(Call&, const model::JobRef& job, const driver::Peek&) override;
    model::Format format(const std::string&) const override { return model::Format::unknown; }
    std::unique_ptr<io::Source> open(Call&, const model::File& file, std::uint64_t offset) override;
    model::Proof prove(Call&, const model::Manifest& manifest, const model::Request& request) override;
    driver::Schedules* schedules() override { return db_.keeps_schedules ? &schedules_ : nullptr; }

private:
    void ask(const std::string& function, const std::string& about);
    model::Plan plan_create(const model::Request& request);
    model::Plan plan_restore(const model::Request& request);

    ToyDatabase& db_;
    ToySchedules schedules_;
};

}  // namespace vbackup::test
