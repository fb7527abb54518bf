// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/fixed.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "model/shallow.hpp"

namespace vbackup::driver::qdrant {

namespace {

constexpr std::string_view vectors_folder = "vector_storage", index_folder = "vector_index",
                           vectors_name = "matrix.dat";
constexpr std::array<std::string_view, 2> beside_vectors{vectors_name, "quantized.data"};
constexpr std::array<std::string_view, 3> in_index{"links.bin", "links_compressed.bin", "links_comp_vec.bin"};

template <typename List>
bool is_among(const List& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

// Files whose version is no number share their segment's, and change with it.
std::map<std::string, std::uint64_t> numbered(const nlohmann::json& segment,
                                              std::map<std::string, std::uint64_t>* all) {
    std::map<std::string, std::uint64_t> files;
    for (const auto& [path, version] : segment.at("file_versions").items()) {
        if (all) (*all)[path] = version.is_null() ? 0 : version.get<std::uint64_t>();
        if (!version.is_null()) files[path] = version.get<std::uint64_t>();
    }
    return files;
}

// Version 0 is that of a segment which no optimizer built.
Fixed chosen(const std::map<std::string, std::uint64_t>& files) {
    Fixed fixed;
    for (const auto& [path, version] : files) {
        if (version > 0 && is_fixed(path, files)) fixed[path] = version;
    }
    return fixed;
}

[[noreturn]] void throw_no_manifest() {
    throw Error(ErrorKind::not_understood, "what should be a manifest of segments is none");
}

}  // namespace

SegmentFile segment_file(std::string_view name) {
    constexpr std::string_view front = "segments/", middle = "/files/";
    if (!name.starts_with(front)) return {};
    name.remove_prefix(front.size());
    const auto slash = name.find('/');
    if (slash == 0 || slash == std::string_view::npos || !name.substr(slash).starts_with(middle)) return {};
    return {std::string(name.substr(0, slash)), std::string(name.substr(slash + middle.size()))};
}

// "vector_index-image/links.bin" belongs to "vector_storage-image/matrix.dat"; the name of the vector may be empty.
bool is_fixed(const std::string& path, const std::map<std::string, std::uint64_t>& files) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return false;
    const auto folder = std::string_view(path).substr(0, slash), name = std::string_view(path).substr(slash + 1);
    const bool beside = folder.starts_with(vectors_folder) && is_among(beside_vectors, name);
    const bool index = folder.starts_with(index_folder) && is_among(in_index, name);
    if (!beside && !index) return false;
    const auto vector = folder.substr(beside ? vectors_folder.size() : index_folder.size());
    const auto own = files.find(path);
    const auto vectors =
        files.find(std::string(vectors_folder) + std::string(vector) + "/" + std::string(vectors_name));
    return own != files.end() && vectors != files.end() && own->second == vectors->second;
}

Fixed fixed_of_segment(const model::JsonText& manifest, std::map<std::string, std::uint64_t>* files) {
    try {
        return chosen(numbered(nlohmann::json::parse(model::shallow(manifest)), files));
    } catch (const nlohmann::json::exception&) {
        throw_no_manifest();
    }
}

Inventory fixed_of(const model::JsonText& manifest) {
    try {
        Inventory inventory;
        const auto segments = nlohmann::json::parse(model::shallow(manifest));
        for (const auto& [id, segment] : segments.items()) {
            auto fixed = chosen(numbered(segment, nullptr));
            if (!fixed.empty()) inventory[id] = std::move(fixed);
        }
        return inventory;
    } catch (const nlohmann::json::exception&) {
        throw_no_manifest();
    }
}

Inventory common(const Inventory& a, const Inventory& b) {
    Inventory both;
    for (const auto& [id, files] : a) {
        const auto other = b.find(id);
        if (other == b.end()) continue;
        for (const auto& [path, version] : files) {
            const auto same = other->second.find(path);
            if (same != other->second.end() && same->second == version) both[id][path] = version;
        }
    }
    return both;
}

model::JsonText render_inventory(const Inventory& inventory) {
    auto segments = nlohmann::ordered_json::object();
    for (const auto& [id, files] : inventory) {
        std::uint64_t newest = 0;
        for (const auto& [path, version] : files) newest = std::max(newest, version);
        segments[id] = {{"segment_id", id}, {"segment_version", newest}, {"file_versions", files}};
    }
    return segments.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Inventory parse_inventory(const model::JsonText& text) {
    try {
        Inventory inventory;
        if (text.empty()) return inventory;
        const auto segments = nlohmann::json::parse(model::shallow(text));
        for (const auto& [id, segment] : segments.items()) segment.at("file_versions").get_to(inventory[id]);
        return inventory;
    } catch (const nlohmann::json::exception&) {
        throw Error(ErrorKind::corrupt, "the backup's notes of what an increment leaves out are damaged");
    }
}

}  // namespace vbackup::driver::qdrant
