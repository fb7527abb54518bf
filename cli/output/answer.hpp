// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "backup/story.hpp"
#include "base/error.hpp"
#include "cli/output/table.hpp"
#include "driver/registry.hpp"
#include "model/found.hpp"
#include "model/topology.hpp"

namespace vbackup::cli {

// What commands bring: values. How they look as text and as JSON is decided here and nowhere else.

// list
struct Listing {
    std::vector<model::Found> backups;
};

// status; without an id `newest` is the newest of all and `good` the newest that succeeded.
struct StatusReport {
    std::optional<model::Found> newest;
    std::optional<model::Found> good;
    bool asked_by_id = true;
};

// create, download, restore, cancel, wait
struct Deed {
    std::string verb;
    std::string target;  // as the person typed it
    std::string id;
    backup::Result result;
    std::string store;  // where it lies when it is kept
    Milliseconds took{0};
};

// delete
struct Removal {
    std::string id;
    model::Plan plan;
    std::optional<Error> error;
};
struct Removals {
    std::string subject;
    std::vector<Removal> items;
    bool dry_run = false;
};

// verify
struct Verified {
    std::string subject;
    backup::Verification verification;
};

// check
struct CheckReport {
    std::string target;
    std::string url;
    std::string driver;
    model::Inspection inspection;
    std::string store;                        // empty: none is used
    std::optional<std::uint64_t> store_free;  // bytes
};

// schedule show, list
struct ScheduleListing {
    std::string target;  // as the person typed it
    std::vector<model::Schedule> schedules;
    bool detailed = false;
};

// schedule set, remove
struct ScheduleDeed {
    std::string action;
    std::string target;
    backup::ScheduleResult result;
};

// drivers
struct DriverList {
    std::span<const driver::Entry> drivers;
};

// completion, --help, --version: printed as it is
struct Text {
    std::string text;
};

using Value = std::variant<Listing, StatusReport, Deed, Removals, backup::Pruned, Verified, CheckReport,
                           ScheduleListing, ScheduleDeed, DriverList, Text>;

// How a command ends. `problem` is told on stderr besides the value, and its kind gives the exit code; without one the
// code is 0, or 4 for a job that still runs.
struct Answer {
    Value value;
    std::optional<Error> problem;
    bool runs = false;
    bool report = false;  // it only says what was done: --quiet hides it
    int exit_code() const;
};

// For people.
std::string render_text(const Value& value, const Style& style);
// One JSON document on one line, with "version": 1.
std::string render_json(const Value& value, const std::vector<std::string>& warnings);

}  // namespace vbackup::cli
