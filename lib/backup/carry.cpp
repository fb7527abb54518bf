// SPDX-License-Identifier: Apache-2.0
#include "backup/carry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "backup/fetch.hpp"
#include "backup/kept.hpp"
#include "base/text.hpp"
#include "io/copy.hpp"

namespace vbackup::backup {

namespace {

// What lies at a place that a server named, as files of the part that the step is about.
std::vector<model::File> files_at(store::Store& location, const driver::Driver& driver, const model::Step& step) {
    std::vector<model::File> files;
    for (const auto& name : location.list("")) {
        files.push_back({.name = "data/" + name,
                         .part = step.part,
                         .server_name = name,
                         .size = location.size(name),
                         .format = driver.format(name)});
    }
    return files;
}

void require_space(store::Store& store, const std::string& id, const std::vector<model::File>& files) {
    const auto free = store.free_bytes();
    if (!free) return;
    std::uint64_t needed = 0;
    for (const auto& file : files) {
        const auto name = store::file_name(id, file.name);
        const auto there = std::max(store.size(name).value_or(0), store.partial_size(name));
        needed += file.size.value_or(0) - std::min(there, file.size.value_or(0));
    }
    if (needed <= *free) return;
    throw Error(
        ErrorKind::storage,
        fmt::format("{} has {} free, and {} are needed", store.where(), format_bytes(*free), format_bytes(needed)),
        "free some space or choose another store; the same command then goes on");
}

}  // namespace

void bring_home(Call& call, const Stage& stage, const std::string& id, const model::Step& step,
                const model::JobRef& job, const CameHome& came_home) {
    auto& driver = stage.target.driver;
    auto& store = stage.store->store();
    call.tally.stage(step.what);
    auto found = driver.files(call, job, peek_through(stage));
    std::unique_ptr<store::Store> location;
    if (found.location) {
        location = stage.open_location ? stage.open_location(found.location->url) : nullptr;
        if (!location) require_place(stage.open_location, *found.location);
        if (!location) throw Error(ErrorKind::not_found, fmt::format("nothing lies at {}", found.location->url));
        auto files = files_at(*location, driver, step);
        std::move(files.begin(), files.end(), std::back_inserter(found.files));
    }
    if (found.files.empty()) throw Error(ErrorKind::corrupt, fmt::format("the backup {} has no files", job.name));
    require_space(store, id, found.files);
    for (const auto& file : found.files) call.tally.bytes_total += file.size.value_or(0);
    for (const auto& file : found.files) {
        const auto open = [&](std::uint64_t offset) {
            return location ? io::paced(call, location->open(file.server_name, offset))
                            : driver.open(call, file, offset);
        };
        // What is compressed already only costs time.
        const bool packs = file.format != model::Format::weaviate_chunk;
        came_home(fetch_file(call, store, id, file, open, packs ? stage.compression : 0, stage.limits.with_progress));
    }
}

void place(Call& call, const Stage& stage, const std::string& id, const model::Step& step,
           std::vector<model::File> files) {
    if (!step.location || !stage.store) throw Error(ErrorKind::failed, "nothing is known of where to put the files");
    call.tally.stage(step.what);
    const auto place = require_place(stage.open_location, *step.location);
    // The file that tells whose folder it is comes last: until then the folder is no backup for the server either.
    std::stable_partition(files.begin(), files.end(),
                          [&](const auto& file) { return !file.name.ends_with(step.location->descriptor); });
    const std::string prefix = "data/";
    for (const auto& file : files) {
        const auto name = file.name.starts_with(prefix) ? file.name.substr(prefix.size()) : file.name;
        auto source = io::paced(call, checked(open_kept(stage.store->store(), id, file), file.sha256, file.name));
        auto sink = place.parent->create(place.folder + "/" + name);
        call.tally.bytes_total += file.size.value_or(0);
        io::copy(call, *source, *sink);
    }
}

void erase(Call& call, const Stage& stage, const model::Step& step, const std::optional<model::JobRef>& of) {
    auto location = step.location;
    // Where a job put its result may be known only once it has ended; the driver makes sure that it is no stranger's folder.
    if (!location && of) location = stage.target.driver.files(call, *of, peek_through(stage)).location;
    if (!location) throw Error(ErrorKind::failed, "nothing is known of what to erase");
    call.tally.stage(step.what);
    const auto place = require_place(stage.open_location, *location);
    place.parent->remove_all(place.folder);
}

}  // namespace vbackup::backup
