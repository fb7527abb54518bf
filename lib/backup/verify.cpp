// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "backup/chain.hpp"
#include "backup/execute.hpp"
#include "backup/fetch.hpp"
#include "backup/find.hpp"
#include "backup/kept.hpp"
#include "backup/near.hpp"
#include "backup/story.hpp"
#include "base/parallel.hpp"
#include "base/text.hpp"
#include "driver/structures.hpp"
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

// What an archive must hold, until it was seen there. A name with '/' at its end is a folder, for anything below it.
class Wanted {
public:
    explicit Wanted(const std::vector<std::string>& names) : left_(names.begin(), names.end()) {}
    void saw(std::string_view name) {
        std::erase_if(left_, [&](const auto& one) {
            return one.ends_with('/') ? name.starts_with(one) && name != one : name == one;
        });
    }
    void require_none() const {
        if (!left_.empty()) throw Error(ErrorKind::corrupt, fmt::format("it has no {} in it", *left_.begin()));
    }

private:
    std::set<std::string> left_;
};

// Reads as far as the format goes; what is wrong is thrown as Error{corrupt}.
void check_content(Call& call, model::Format format, io::Source& source, const std::vector<std::string>& names) {
    if (is_archive(format)) {
        Wanted wanted(names);
        io::check_archive(call, source, [&](const std::string& name) { wanted.saw(name); });
        wanted.require_none();
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

// `names`: what it must hold when it is an archive.
std::string problem_of(Call& call, const model::File& file, io::Source& source, const std::vector<std::string>& names) {
    io::Copied read;
    Measured measured(source, read);
    std::string content;
    try {
        check_content(call, file.format, measured, names);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::corrupt) throw;
        content = error.message();
    }
    // What follows the archive's end counts too.
    std::vector<std::byte> block(std::size_t{1} << 20);
    do call.require_time();
    while (measured.read(block) > 0);
    const auto digest = compare(file, read);
    return digest.empty() ? content : digest;
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

// How a verification is to be made.
struct Depth {
    Slice slice;
    bool structure = false;
};

const driver::Structure& require_structure(const std::string& driver) {
    const auto* known = driver::find_structure(driver);
    if (!known)
        throw Error(ErrorKind::unsupported, fmt::format("no driver {} says how its backups are laid out", driver),
                    "leave out --structure");
    if (!known->covered)
        throw Error(ErrorKind::unsupported,
                    fmt::format("{} backups have no structure to be looked at: {}", driver, known->why_not),
                    "leave out --structure");
    return *known;
}

// A file that cannot be read is told of where files are.
model::Proof coverage_of(const driver::Structure& known, const model::Manifest& manifest,
                         const std::vector<Item>& items) {
    const auto read = [&](const std::string& name) -> std::optional<std::string> {
        const auto item =
            std::find_if(items.begin(), items.end(), [&](const auto& one) { return one.file.name == name; });
        if (item == items.end()) return std::nullopt;
        constexpr std::size_t most = std::size_t{16} << 20;
        try {
            return io::read_all(*item->open(), most);
        } catch (const Error& error) {
            if (describe(error.kind()).transient || error.kind() == ErrorKind::interrupted) throw;
            return std::nullopt;
        }
    };
    auto proof = known.covered(manifest, read);
    if (proof.findings.empty())
        throw Error(ErrorKind::unsupported, fmt::format("nothing tells what must be in {}", manifest.id),
                    "leave out --structure");
    return proof;
}

Verification check(Call& call, model::Manifest manifest, std::size_t parallel, const std::vector<Item>& items,
                   const Depth& depth) {
    Verification result{.manifest = std::move(manifest), .files = {}, .slice = depth.slice};
    const auto* known = depth.structure ? &require_structure(result.manifest.driver) : nullptr;
    if (known) result.structure = coverage_of(*known, result.manifest, items);
    const auto names_in = [&](const model::File& file) {
        return known && known->expected ? known->expected(result.manifest, file) : std::vector<std::string>();
    };
    const auto chosen = in_slice(items, depth.slice);
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
                result.files[i].problem = problem_of(call, items[i].file, *source, names_in(items[i].file));
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
                        const Depth& depth) {
    const auto id = manifest.id;
    std::vector<Item> items;
    for (const auto& file : manifest.files) items.push_back(kept_item(store, id, file, file.name));
    for (const auto& file : manifest.files) add_bases(store, id, file, items);
    return check(call, std::move(manifest), parallel, items, depth);
}

// Reads what the server keeps, through the driver or where this machine reaches the place.
Verification check_left(Call& call, const Stage& stage, model::Manifest manifest, const Depth& depth) {
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
    return check(call, std::move(manifest), stage.parallel, items, depth);
}

}  // namespace

bool Verification::good() const {
    return (!structure || structure->good()) && !files.empty() &&
           std::all_of(files.begin(), files.end(), [](const auto& file) { return file.problem.empty(); });
}

Verification verify(Call& call, store::Catalog& store, const std::string& id, std::size_t parallel, const Slice& slice,
                    bool structure) {
    auto manifest = store.manifest(id);
    if (!manifest)
        throw Error(ErrorKind::not_found, fmt::format("there is no backup {} in {}", id, store.store().where()),
                    hint_near(store, id, "`vbackup list` shows what is there"));
    return check_kept(call, store, std::move(*manifest), parallel, {slice, structure});
}

Verification verify(Call& call, const Stage& stage, const std::string& id, const Slice& slice, bool structure) {
    const Depth depth{slice, structure};
    auto known = require_known(call, stage, id, {});
    if (known.intent)
        throw Error(ErrorKind::refused, fmt::format("{} is not finished", id), "`vbackup wait` finishes it");
    if (known.manifest && known.manifest->kept)
        return check_kept(call, *known.home, std::move(*known.manifest), stage.parallel, depth);
    if (known.manifest) return check_left(call, stage, std::move(*known.manifest), depth);
    model::Manifest manifest;
    manifest.id = id;
    manifest.driver = stage.target.driver_name;
    manifest.state = "unproven";
    manifest.jobs = {known.found->job};
    return check_left(call, stage, std::move(manifest), depth);
}

}  // namespace vbackup::backup
