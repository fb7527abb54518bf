// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/drill.hpp"

#include <fmt/format.h>

#include "driver/qdrant/note.hpp"
#include "io/digest.hpp"

namespace vbackup::driver::qdrant {

namespace {

constexpr std::string_view ending = "--vbackup-drill";
constexpr std::size_t longest_name = 255;  // the server refuses longer ones

model::JsonText note(std::string_view action, const std::string& collection) {
    return render(Note{.action = std::string(action), .place = {Unit::collection, collection, ""}});
}

bool is_inside_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

std::string scratch(const std::string& collection) {
    if (collection.size() + ending.size() <= longest_name) return fmt::format("{}{}", collection, ending);
    std::size_t kept = 200;
    while (kept > 0 && is_inside_character(collection[kept])) --kept;
    return fmt::format("{}-{}{}", collection.substr(0, kept), io::sha256(collection).substr(0, 16), ending);
}

model::Plan clear(const std::string& scratch) {
    model::Step drop{.id = "drop:" + scratch, .what = fmt::format("delete collection {}", scratch), .destroys = true};
    drop.part.collection = scratch;
    drop.details = note(action::drop, scratch);
    model::Step gone{.id = "gone:" + scratch,
                     .kind = model::StepKind::settle,
                     .what = fmt::format("wait until collection {} is gone from every node", scratch)};
    gone.part.collection = scratch;
    gone.after = {drop.id};
    gone.details = note(action::gone, scratch);
    return {.steps = {drop, gone}};
}

}  // namespace vbackup::driver::qdrant
