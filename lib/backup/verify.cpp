// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "backup/chain.hpp"
#include "backup/execute.hpp"
#include "backup/fetch.hpp"
#include "backup/find.hpp"
#include "backup/kept.hpp"
#include "backup/near.hpp"
#include "backup/story.hpp"
#include "base/parallel.hpp"
#include "io/archive.hpp"
#include "io/copy.hpp"
#include "io/key_records.hpp"

namespace vbackup::backup {

namespace {

// A file to be read, under the name that people see.
struct Item {
    std::string name;
    model::File file;
    std::function<std::unique_ptr<io::Source>()> open;
    std::function<std::optional<std::uint64_t>()> size;  // bytes there; empty: it is missing
};

// Passes a source on, computing size and digest, so that structure and digest need one reading.
class Measured : public io::Source {
public:
    Measured(io::Source& source, io::Copied& into) : source_(source), into_(into) {}
    std::size_t read(std::span<std::byte> block) override {
        const auto count = source_.read(block);
        digest_.update(block.first(count));
        into_.size += count;
        if (count == 0 && into_.sha256.empty()) into_.sha256 = digest_.hex();
        return count;
    }
    std::optional<std::uint64_t> size() const override { return source_.size(); }

private:
    io::Source& source_;
    io::Copied& into_;
    io::Digest digest_;
};

bool is_archive(model::Format format) {
    return format == model::Format::tar || format == model::Format::weaviate_chunk;
}

// Reads as far as the format goes; what is wrong is thrown as Error{corrupt}.
void check_structure(Call& call, model::Format format, io::Source& source) {
    if (is_archive(format)) {
        io::check_archive(call, source);
    } else if (format == model::Format::keys) {
        io::check_keys(call, source);
    }
}

std::string compare(const model::File& file, const io::Copied& read) {
    const auto& wanted = file.sha256.empty() ? file.server_sha256 : file.sha256;
    if (file.size && read.size != *file.size)
        return fmt::format("it has {} bytes instead of {}", read.size, *file.size);
    if (!wanted.empty() && read.sha256 != wanted) return "its SHA-256 differs";
    return {};
}

std::string problem_of(Call& call, const model::File& file, io::Source& source) {
    io::Copied read;
    Measured measured(source, read);
    std::string structure;
    try {
        check_structure(call, file.format, measured);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::corrupt) throw;
        structure = error.message();
    }
    // What follows the archive's end counts too.
    std::vector<std::byte> block(std::size_t{1} << 20);
    do call.require_time();
    while (measured.read(block) > 0);
    const auto digest = compare(file, read);
    return digest.empty() ? structure : digest;
}

// By the order of names, which stays the same as long as the backup does.
std::vector<bool> in_slice(const std::vector<Item>& items, const Slice& slice) {
    std::vector<std::size_t> order(items.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return items[a].name < items[b].name; });
    std::vector<bool> chosen(items.size());
    for (std::size_t place = 0; place < order.size(); ++place)
        chosen[order[place]] = place % slice.of == slice.number - 1;
    return chosen;
}

// What can be said of a file without reading it.
std::string problem_of_size(const Item& item) {
    const auto size = item.size();
    if (!size) return "it is missing";
    if (item.file.size && *size != stored_size(item.file))
        return fmt::format("it has {} bytes instead of {}", *size, stored_size(item.file));
    return {};
}

Verification check(Call& call, model::Manifest manifest, std::size_t parallel, const std::vector<Item>& items,
                   const Slice& slice) {
    Verification result{.manifest = std::move(manifest), .files = {}, .slice = slice};
    const auto chosen = in_slice(items, slice);
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto size = items[i].file.size.value_or(0);
        result.files.push_back({.name = items[i].name, .size = size, .read = chosen[i]});
        if (chosen[i]) call.tally.bytes_total += size;
    }
    call.tally.stage("verifying " + result.manifest.id);
    constexpr std::size_t usual = 4;
    const auto errors =
        run_parallel(result.files.size(), parallel == 0 ? usual : parallel, call.stop, [&](std::size_t i) {
            try {
                if (!result.files[i].read) {
                    result.files[i].problem = problem_of_size(items[i]);
                    return true;
                }
                const auto source = items[i].open();
                result.files[i].problem = problem_of(call, items[i].file, *source);
            } catch (const Error& error) {
                const bool of_the_file = error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::storage ||
                                         error.kind() == ErrorKind::corrupt;
                if (!of_the_file) throw;
                result.files[i].problem = error.kind() == ErrorKind::not_found ? "it is missing" : error.message();
            }
            return true;
        });
    for (const auto& error : errors) {
        if (error) std::rethrow_exception(error);
    }
    call.require_time();
    return result;
}

Item kept_item(store::Catalog& store, const std::string& id, const model::File& file, const std::string& shown) {
    return {shown, file, [&store, id, file] { return open_kept(store.store(), id, file); },
            [&store, name = store::file_name(id, file.name)] { return store.store().size(name); }};
}

// What an increment builds on must be good as well, or it cannot be restored.
void add_bases(store::Catalog& store, const std::string& id, const model::File& file, std::vector<Item>& items) {
    if (file.base.empty()) return;
    try {
        for (const auto& layer : layers_of(store, id, file)) {
            if (layer.of == id) continue;
            items.push_back(kept_item(store, layer.of, layer.file, store::file_name(layer.of, layer.file.name)));
        }
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::corrupt) throw;
        const Error gone(ErrorKind::storage, error.message());
        items.push_back({file.base + "/" + file.name, file, [gone]() -> std::unique_ptr<io::Source> { throw gone; },
                         [gone]() -> std::optional<std::uint64_t> { throw gone; }});
    }
}

Verification check_kept(Call& call, store::Catalog& store, model::Manifest manifest, std::size_t parallel,
                        const Slice& slice) {
    const auto id = manifest.id;
    std::vector<Item> items;
    for (const auto& file : manifest.files) items.push_back(kept_item(store, id, file, file.name));
    for (const auto& file : manifest.files) add_bases(store, id, file, items);
    return check(call, std::move(manifest), parallel, items, slice);
}

// Reads what the server keeps, through the driver or where this machine reaches the place.
Verification check_left(Call& call, const Stage& stage, model::Manifest manifest, const Slice& slice) {
    std::unique_ptr<store::Store> location;
    manifest.files.clear();
    for (const auto& job : manifest.jobs) {
        auto found = stage.target.driver.files(call, job, peek_through(stage));
        for (auto& file : found.files) manifest.files.push_back(std::move(file));
        if (!found.location) continue;
        location = stage.open_location(found.location->url);
        if (!location) require_place(stage.open_location, *found.location);
        for (const auto& name : location->list("")) {
            manifest.files.push_back({.name = "data/" + name,
                                      .server_name = name,
                                      .size = location->size(name),
                                      .format = stage.target.driver.format(name)});
        }
    }
    std::vector<Item> items;
    for (const auto& file : manifest.files) {
        items.push_back({file.name, file,
                         [&, file] {
                             return location ? location->open(file.server_name)
                                             : stage.target.driver.open(call, file, 0);
                         },
                         // The list of files was made just now.
                         [file] { return std::optional(file.size.value_or(0)); }});
    }
    return check(call, std::move(manifest), stage.parallel, items, slice);
}

}  // namespace

bool Verification::good() const {
    return !files.empty() &&
           std::all_of(files.begin(), files.end(), [](const auto& file) { return file.problem.empty(); });
}

Verification verify(Call& call, store::Catalog& store, const std::string& id, std::size_t parallel,
                    const Slice& slice) {
    auto manifest = store.manifest(id);
    if (!manifest)
        throw Error(ErrorKind::not_found, fmt::format("there is no backup {} in {}", id, store.store().where()),
                    hint_near(store, id, "`vbackup list` shows what is there"));
    return check_kept(call, store, std::move(*manifest), parallel, slice);
}

Verification verify(Call& call, const Stage& stage, const std::string& id, const Slice& slice) {
    auto known = require_known(call, stage, id, {});
    if (known.intent)
        throw Error(ErrorKind::refused, fmt::format("{} is not finished", id), "`vbackup wait` finishes it");
    if (known.manifest && known.manifest->kept)
        return check_kept(call, *known.home, std::move(*known.manifest), stage.parallel, slice);
    if (known.manifest) return check_left(call, stage, std::move(*known.manifest), slice);
    model::Manifest manifest;
    manifest.id = id;
    manifest.state = "unproven";
    manifest.jobs = {known.found->job};
    return check_left(call, stage, std::move(manifest), slice);
}

}  // namespace vbackup::backup
