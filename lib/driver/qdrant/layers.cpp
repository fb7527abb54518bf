// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/layers.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "driver/qdrant/note.hpp"
#include "io/raw_tar.hpp"
#include "model/shallow.hpp"

namespace vbackup::driver::qdrant {

namespace {

constexpr std::size_t most_of_a_manifest = std::size_t{16} << 20;

std::string name_of(const std::string& segment, const std::string& path) {
    return fmt::format("segments/{}/files/{}", segment, path);
}

// "segments/ID.tar", as stored snapshots have it; empty for anything else.
std::string packed_segment(std::string_view name) {
    constexpr std::string_view front = "segments/", back = ".tar";
    if (!name.starts_with(front) || !name.ends_with(back) || name.size() <= front.size() + back.size()) return {};
    const auto id = name.substr(front.size(), name.size() - front.size() - back.size());
    return id.find('/') == std::string_view::npos ? std::string(id) : std::string{};
}

// The path of a file in a segment's own tar: "snapshot/files/PATH".
std::string packed_path(std::string_view name) {
    constexpr std::string_view front = "snapshot/files/";
    return name.starts_with(front) ? std::string(name.substr(front.size())) : std::string{};
}

// The data of an entry that is a tar itself.
class Inner : public io::Source {
public:
    explicit Inner(io::RawTarReader& outer) : outer_(outer) {}
    std::size_t read(std::span<std::byte> into) override { return outer_.read(into); }
    std::optional<std::uint64_t> size() const override { return std::nullopt; }

private:
    io::RawTarReader& outer_;
};

// Steps over what is long by opening the file again behind it.
class Hopping : public io::Source {
public:
    Hopping(Call& call, const OpenAt& open) : call_(call), open_(open), source_(open(0)) {}
    std::size_t read(std::span<std::byte> into) override {
        const auto count = source_->read(into);
        at_ += count;
        return count;
    }
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    void skip(std::uint64_t bytes) {
        call_.require_time();
        constexpr std::uint64_t far = std::uint64_t{1} << 20;
        if (bytes >= far) {
            at_ += bytes;
            source_ = open_(at_);
            return;
        }
        std::array<std::byte, 16'384> scratch{};
        while (bytes > 0) {
            const auto count = read(
                std::span(scratch).first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, scratch.size()))));
            if (count == 0) throw Error(ErrorKind::corrupt, "the snapshot is cut short");
            bytes -= count;
        }
    }

private:
    Call& call_;
    const OpenAt& open_;
    std::unique_ptr<io::Source> source_;
    std::uint64_t at_ = 0;
};

// The version at which a segment was built; 0 for one that no optimizer built.
std::uint64_t built_at(const std::string& state) {
    const auto json = nlohmann::json::parse(model::shallow(state), nullptr, false);
    if (!json.is_object() || !json.contains("initial_version")) return 0;
    const auto& version = json.at("initial_version");
    return version.is_number_unsigned() ? version.get<std::uint64_t>() : 0;
}

// Of a segment in a stored snapshot, which has no manifest.
Fixed fixed_in(io::RawTarReader& outer) {
    Inner inner(outer);
    io::RawTarReader reader(
        inner, ErrorKind::corrupt, [&](std::uint64_t bytes) { outer.skip(bytes); }, io::RawTarReader::End::open);
    std::map<std::string, std::uint64_t> files;
    std::uint64_t version = 0;
    while (const auto* entry = reader.next()) {
        const auto path = packed_path(entry->name);
        if (path == "segment.json") version = built_at(reader.text(most_of_a_manifest).value_or(""));
        if (!path.empty()) files[path] = 0;
    }
    Fixed fixed;
    for (const auto& [path, _] : files) {
        if (version > 0 && is_fixed(path, files)) fixed[path] = version;
    }
    return fixed;
}

// Which files of which segments are there, and which their manifests list besides.
class Ledger {
public:
    explicit Ledger(Inventory left_out) : left_out_(std::move(left_out)) {}

    void saw(const std::string& name) {
        const auto file = segment_file(name);
        if (file.segment.empty()) return;
        segments_.insert(file.segment);
        there_.insert(name);
    }
    void read_manifest(const std::string& segment, const std::string& text) {
        std::map<std::string, std::uint64_t> files;
        fixed_of_segment(text, &files);
        listed_[segment] = std::move(files);
    }

    // The names of files that other layers must have. Error{corrupt} when one was not meant to be left out.
    std::set<std::string> missing() const {
        std::set<std::string> names;
        if (segments_.empty()) throw Error(ErrorKind::corrupt, "the partial snapshot has no segment in it");
        for (const auto& segment : segments_) {
            if (!listed_.contains(segment))
                throw Error(ErrorKind::corrupt,
                            fmt::format("segment {} of the partial snapshot has no manifest", one_line(segment, 80)));
        }
        for (const auto& [segment, files] : listed_) {
            for (const auto& [path, version] : files) {
                auto name = name_of(segment, path);
                if (there_.contains(name)) continue;
                if (!may_lack(segment, path, version))
                    throw Error(ErrorKind::corrupt, fmt::format("{} is not in the partial snapshot, and was not to be "
                                                                "left out of it",
                                                                one_line(name, 200)));
                names.insert(std::move(name));
            }
        }
        return names;
    }

private:
    bool may_lack(const std::string& segment, const std::string& path, std::uint64_t version) const {
        const auto files = left_out_.find(segment);
        if (files == left_out_.end()) return false;
        const auto file = files->second.find(path);
        return file != files->second.end() && file->second == version;
    }

    Inventory left_out_;
    std::set<std::string> segments_, there_;
    std::map<std::string, std::map<std::string, std::uint64_t>> listed_;
};

// Gives out entries of tars, each as it lies in its own.
class Relay : public io::Source {
public:
    std::size_t read(std::span<std::byte> into) override {
        for (;;) {
            if (given_ < text_.size()) {
                const auto count = text_.copy(reinterpret_cast<char*>(into.data()), into.size(), given_);
                given_ += count;
                return count;
            }
            if (from_) {
                if (const auto count = from_->read(into)) return count;
                from_ = nullptr;
                give(padding_);
                continue;
            }
            if (ended_) return 0;
            give({});
            advance();
        }
    }
    std::optional<std::uint64_t> size() const override { return std::nullopt; }

protected:
    virtual void advance() = 0;  // gives something, or nothing, or ends

    void give(std::string text) {
        text_ = std::move(text);
        given_ = 0;
    }
    void give_entry(io::RawTarReader& reader, const io::TarEntry& entry, std::string head) {
        give(std::move(head));
        padding_ = io::tar_padding(entry.size);
        from_ = &reader;
    }
    void end() {
        give(io::tar_end());
        ended_ = true;
    }

private:
    std::string text_, padding_;
    std::size_t given_ = 0;
    io::RawTarReader* from_ = nullptr;
    bool ended_ = false;
};

// The id of a segment whose manifest that is; empty for any other entry.
std::string manifest_of(const io::TarEntry& entry) {
    auto file = segment_file(entry.name);
    return file.path == segment_manifest_name ? std::move(file.segment) : std::string{};
}

std::string manifest_text(io::RawTarReader& reader) {
    auto text = reader.text(most_of_a_manifest);
    if (!text) throw Error(ErrorKind::corrupt, "a manifest of the partial snapshot is too long");
    return *text;
}

class CheckedPartial : public Relay {
public:
    CheckedPartial(std::unique_ptr<io::Source> source, Inventory left_out, std::function<void()> at_end)
        : source_(std::move(source)), ledger_(std::move(left_out)), at_end_(std::move(at_end)) {}

private:
    void advance() override {
        const auto* entry = reader_.next();
        if (!entry) {
            if (!has_end_) throw Error(ErrorKind::corrupt, "the partial snapshot has no shard_config.json at its end");
            ledger_.missing();
            if (at_end_) at_end_();
            return end();
        }
        has_end_ = has_end_ || entry->name == "shard_config.json";
        if (const auto segment = manifest_of(*entry); !segment.empty()) {
            const auto head = entry->head;
            const auto text = manifest_text(reader_);
            ledger_.read_manifest(segment, text);
            return give(head + text + io::tar_padding(text.size()));
        }
        ledger_.saw(entry->name);
        give_entry(reader_, *entry, entry->head);
    }

    std::unique_ptr<io::Source> source_;
    io::RawTarReader reader_{*source_, ErrorKind::unreachable};
    Ledger ledger_;
    std::function<void()> at_end_;
    bool has_end_ = false;
};

class Merged : public Relay {
public:
    explicit Merged(const std::vector<Layer>& layers)
        : layers_(layers), ledger_(parse_inventory(parse_note(layers.front().file.details).body)) {
        open(0);
    }

private:
    // The reader before its source, which it refers to.
    void open(std::size_t layer) {
        inner_.reset();
        packed_.reset();
        reader_.reset();
        source_ = layers_.at(layer).open(0);
        reader_.emplace(*source_);
        layer_ = layer;
    }

    void advance() override {
        if (layer_ == 0) return advance_top();
        if (inner_) {
            if (const auto* entry = inner_->next()) {
                if (const auto path = packed_path(entry->name); !path.empty())
                    take(*inner_, *entry, name_of(segment_, path));
                return;
            }
            inner_.reset();
            packed_.reset();
        }
        const auto* entry = reader_->next();
        if (!entry) return next_layer();
        segment_ = packed_segment(entry->name);
        if (segment_.empty() || !is_wanted(segment_)) return take(*reader_, *entry, entry->name);
        packed_.emplace(*reader_);
        inner_.emplace(*packed_, ErrorKind::corrupt, io::RawTarReader::Skip{}, io::RawTarReader::End::open);
    }

    void advance_top() {
        const auto* entry = reader_->next();
        if (!entry) {
            missing_ = ledger_.missing();
            return next_layer();
        }
        if (const auto segment = manifest_of(*entry); !segment.empty())
            return ledger_.read_manifest(segment, manifest_text(*reader_));
        ledger_.saw(entry->name);
        give_entry(*reader_, *entry, entry->head);
    }

    void take(io::RawTarReader& reader, const io::TarEntry& entry, const std::string& name) {
        if (missing_.erase(name) > 0)
            give_entry(reader, entry, name == entry.name ? entry.head : io::tar_head(entry, name));
    }

    bool is_wanted(const std::string& segment) const {
        const auto front = name_of(segment, "");
        const auto first = missing_.lower_bound(front);
        return first != missing_.end() && first->starts_with(front);
    }

    void next_layer() {
        if (missing_.empty()) return end();
        if (layer_ + 1 >= layers_.size())
            throw Error(
                ErrorKind::corrupt,
                fmt::format("{} is in no backup that the increment builds on", one_line(*missing_.begin(), 200)),
                "restore from another backup");
        open(layer_ + 1);
    }

    const std::vector<Layer>& layers_;
    std::size_t layer_ = 0;
    std::unique_ptr<io::Source> source_;
    std::optional<io::RawTarReader> reader_;
    std::optional<Inner> packed_;  // a segment's own tar in it
    std::optional<io::RawTarReader> inner_;
    std::string segment_;
    Ledger ledger_;
    std::set<std::string> missing_;
};

}  // namespace

Inventory inventory_in(Call& call, const OpenAt& open) {
    Hopping source(call, open);
    io::RawTarReader reader(source, ErrorKind::corrupt, [&](std::uint64_t bytes) { source.skip(bytes); });
    Inventory inventory;
    while (const auto* entry = reader.next()) {
        auto id = packed_segment(entry->name);
        Fixed fixed;
        if (!id.empty()) {
            fixed = fixed_in(reader);
        } else if (id = manifest_of(*entry); !id.empty()) {
            fixed = fixed_of_segment(manifest_text(reader));
        }
        if (!fixed.empty()) inventory[id] = std::move(fixed);
    }
    return inventory;
}

std::unique_ptr<io::Source> checked_partial(std::unique_ptr<io::Source> source, Inventory left_out,
                                            std::function<void()> at_end) {
    return std::make_unique<CheckedPartial>(std::move(source), std::move(left_out), std::move(at_end));
}

std::unique_ptr<io::Source> merged(const std::vector<Layer>& layers) {
    if (layers.empty()) throw Error(ErrorKind::failed, "there is nothing to put together");
    return std::make_unique<Merged>(layers);
}

}  // namespace vbackup::driver::qdrant
