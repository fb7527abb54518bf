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
#include "config/settings.hpp"
#include "driver/registry.hpp"
#include "model/found.hpp"
#include "model/key_slots.hpp"
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

// report
struct StoreReport {
    struct Target {
        std::string name;                       // empty: the backups do not say
        std::optional<model::Found> good = {};  // the newest good one
        std::optional<Milliseconds> age = {};   // of that one, from its beginning
        bool young = false;                     // not older than max_age
        std::size_t backups = 0;                // good ones
        std::uint64_t size = 0;                 // of all good ones together, as far as it is known
    };
    std::string store;
    Moment at;
    std::optional<Milliseconds> max_age = {};
    std::vector<Target> targets = {};
    std::vector<model::Found> backups = {};  // newest first
    std::string file = {};                   // where the page was written; empty: it is the result
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

// export, import, copy: backups on their way between places of ours
struct Transfer {
    struct Item {
        std::string id;
        std::optional<model::Manifest> manifest;
        bool there = false;  // nothing was to do
        std::optional<Error> error;
    };
    std::string verb;
    std::string from, to;
    std::vector<Item> items;
    std::string store;  // where the bytes lie now, as far as that is a store
    Milliseconds took{0};
    bool dry_run = false;
};

// verify
struct Verified {
    struct Item {
        std::string id;
        backup::Verification verification;
        std::optional<Error> error;         // it could not be looked at
        std::optional<model::Proof> drill;  // empty: there was none
        bool good() const { return !error && verification.good() && (!drill || drill->good()); }
    };
    std::string subject;
    std::vector<Item> items;
    std::string drill_target;  // empty: no drill was asked for
};

// pin, unpin
struct Pins {
    struct Item {
        std::string id;
        bool changed = false;
        std::optional<Error> error;
    };
    bool pinned = true;
    std::vector<Item> items;
    bool dry_run = false;
};

// key list, add, remove
struct KeyReport {
    std::string action;
    std::string store;
    std::string slot;  // that was added or removed
    std::vector<model::KeySlot> slots;
    std::string opened;  // by the configured key
    bool dry_run = false;
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

// diagnose
struct Diagnosis {
    // A program or library and its version, as it is loaded now where that can be asked.
    struct Part {
        std::string name, version;
    };
    std::string target;  // as it was typed
    Moment at;
    std::string system = {};  // "Linux 6.1.0 x86_64"
    std::vector<Part> parts = {};
    std::string config_path = {};  // empty: there is no file
    std::vector<config::Setting> settings = {};
    std::optional<CheckReport> health = {};   // what `check` says, as far as it came
    std::optional<Error> problem = {};        // why there is no health, or what a create would be refused for
    std::vector<std::string> lines = {};      // "GET http://… -> 200 (103 B, 12ms)"
    std::vector<std::string> exchanges = {};  // entries of a HAR, each a JSON object
    std::string file = {};                    // where it was written; empty: it is the result
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

// config show
struct ConfigListing {
    std::string path;  // empty: there is no file
    std::vector<config::Setting> settings;
};

// config check
struct ConfigCheck {
    std::string path;
    std::size_t targets = 0;
    std::size_t stores = 0;
    std::vector<Error> mistakes;
};

// config init
struct ConfigStart {
    std::string path;
};

// run
struct RunPart {
    std::string target;
    std::string id = {};                      // empty: none was begun
    std::optional<model::Found> backup = {};  // what was made
    model::Plan plan = {};
    bool good = false;                        // it was made, and read again where that was wanted
    bool verified = false;                    // it was read again, and is good
    std::optional<std::size_t> removed = {};  // by the keep rules; dry run: would be
    std::optional<Error> error = {};
    std::vector<std::string> warnings = {};
    Milliseconds took{0};
};
struct RunReport {
    std::vector<RunPart> parts;
    bool dry_run = false;
    Milliseconds took{0};
};

// drivers
struct DriverList {
    std::span<const driver::Entry> drivers;
};

// completion, --help, --version: printed as it is
struct Text {
    std::string text;
};

using Value = std::variant<Listing, StatusReport, StoreReport, Deed, Removals, backup::Pruned, Transfer, Verified, Pins,
                           KeyReport, CheckReport, Diagnosis, ScheduleListing, ScheduleDeed, ConfigListing, ConfigCheck,
                           ConfigStart, RunReport, DriverList, Text>;

// How a command ends. `problem` is told on stderr besides the value, and its kind gives the exit code; without one the
// code is 0, or 4 for a job that still runs.
struct Answer {
    Value value;
    std::optional<Error> problem;
    bool runs = false;
    bool report = false;           // it only says what was done: --quiet hides it
    std::optional<int> code = {};  // for a reader that has codes of its own
    int exit_code() const;
};

// For people.
std::string render_text(const Value& value, const Style& style);
// One JSON document on one line, with "version": 1.
std::string render_json(const Value& value, const std::vector<std::string>& warnings);

}  // namespace vbackup::cli
