// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "driver/qdrant/snapshots.hpp"

namespace vbackup::driver::qdrant {

namespace {

constexpr std::string_view elsewhere =
    "it was deleted, or it lies on another node: snapshots belong to the node that made them, so name that node and no "
    "load balancer";

[[noreturn]] void throw_gone(const Place& place, const std::string& name) {
    throw Error(ErrorKind::not_found, fmt::format("the server has no snapshot {} of {}", name, place.text()),
                std::string(elsewhere));
}

model::File file_of(const Place& place, const Snapshot& snapshot) {
    Note note{.action = std::string(action::snapshot), .place = place, .name = snapshot.name};
    return {.name = file_name(place),
            .part = place.part(),
            .server_name = snapshot.name,
            .size = snapshot.size,
            .sha256 = {},
            .server_sha256 = snapshot.checksum,
            .format = model::Format::tar,
            .base = {},
            .kept = false,
            .details = render(note)};
}

// The end of a file that is complete already: nothing more to read.
class Complete : public io::Source {
public:
    explicit Complete(std::uint64_t size) : size_(size) {}
    std::size_t read(std::span<std::byte>) override { return 0; }
    std::optional<std::uint64_t> size() const override { return size_; }
    std::uint64_t offset() const override { return size_; }

private:
    std::uint64_t size_;
};

// "bytes */130048"
std::optional<std::uint64_t> size_in(std::string_view content_range) {
    constexpr std::string_view front = "bytes */";
    if (!content_range.starts_with(front) || content_range.size() > front.size() + 19) return std::nullopt;
    std::uint64_t size = 0;
    for (const char c : content_range.substr(front.size())) {
        if (c < '0' || c > '9') return std::nullopt;
        size = size * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return size;
}

}  // namespace

Driver::Files files(Call& call, Nodes& nodes, Memory& memory, const Note& note) {
    const auto listed = list_of(call, nodes.at(call, note.place.node), note.place, Repeat::yes);
    if (!listed) throw_gone(note.place, note.name);
    auto ours = *listed;
    if (note.name.empty())
        ours = new_ones(note, ours);
    else
        std::erase_if(ours, [&](const auto& one) { return one.name != note.name; });
    if (ours.empty()) throw_gone(note.place, note.name.empty() ? "of that time" : note.name);
    auto named = note;
    named.name = ours.front().name;
    named.several = note.several || ours.size() > 1;
    memory.made(note.place, named);
    return {.files = {file_of(note.place, ours.front())}, .location = {}};
}

std::unique_ptr<io::Source> open(Call& call, Nodes& nodes, Memory& memory, const model::File& file,
                                 std::uint64_t offset, bool zstd) {
    const auto place = parse_note(file.details).place;
    const auto& client = nodes.at(call, place.node);
    net::Request request{.path = path_of(place, file.server_name)};
    // What is compressed anew for each answer has no ranges: the rest of a file comes as it is.
    request.zstd = zstd && offset == 0;
    const auto known_as = place.node + request.path;
    net::Response head;
    auto source = client.http().open(call, request, head, offset, offset > 0 ? memory.etag(known_as) : std::string{});
    // 412: the file was made anew under the same name. 416: the end was reached, or it became shorter.
    const auto whole = head.status == 416 ? size_in(head.header("content-range")) : std::nullopt;
    if (whole && *whole == offset) return std::make_unique<Complete>(*whole);
    if (offset > 0 && (head.status == 412 || head.status == 416)) source = client.http().open(call, request, head, 0);
    if (source) {
        memory.etag(known_as, std::string(head.header("etag")));
        return source;
    }
    if (head.status == 404) throw_gone(place, file.server_name);
    require_good(head, fmt::format("download snapshot {}", file.server_name));
    throw Error(ErrorKind::not_understood, fmt::format("the server sent no bytes of snapshot {}", file.server_name));
}

}  // namespace vbackup::driver::qdrant
