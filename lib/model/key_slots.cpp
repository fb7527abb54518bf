// SPDX-License-Identifier: Apache-2.0
#include "model/key_slots.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/shallow.hpp"

namespace vbackup::model {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t newest_format = 1;
constexpr std::string_view format_word = "vbackup-encryption";
constexpr std::size_t longest_name = 60;

[[noreturn]] void no_slots(std::string_view why) {
    throw Error(ErrorKind::corrupt, fmt::format("these are no key slots: {}", why));
}

Json json_of(const KeySlot& slot) {
    Json out{{"name", slot.name}, {"made", format_time(slot.made)}, {"kind", word(slot.kind)}};
    if (slot.kind == SlotKind::passphrase) {
        out["operations"] = slot.operations;
        out["memory"] = slot.memory;
    }
    out["salt"] = slot.salt;
    out["nonce"] = slot.nonce;
    out["key"] = slot.wrapped;
    return out;
}

SlotKind kind_of(const std::string& text) {
    for (const auto kind : {SlotKind::passphrase, SlotKind::key_file})
        if (text == word(kind)) return kind;
    no_slots("a slot's kind is neither passphrase nor key-file");
}

KeySlot slot_of(const Json& json) {
    KeySlot slot;
    slot.name = json.at("name").get<std::string>();
    if (!is_slot_name(slot.name)) no_slots("a slot's name is none");
    const auto made = parse_time(json.at("made").get<std::string>());
    if (!made) no_slots("a slot's time is none");
    slot.made = *made;
    slot.kind = kind_of(json.at("kind").get<std::string>());
    if (slot.kind == SlotKind::passphrase) {
        slot.operations = json.at("operations").get<std::uint64_t>();
        slot.memory = json.at("memory").get<std::uint64_t>();
    }
    slot.salt = json.at("salt").get<std::string>();
    slot.nonce = json.at("nonce").get<std::string>();
    slot.wrapped = json.at("key").get<std::string>();
    return slot;
}

}  // namespace

std::string_view word(SlotKind kind) {
    return kind == SlotKind::passphrase ? "passphrase" : "key-file";
}

bool is_slot_name(std::string_view name) {
    return !name.empty() && name.size() <= longest_name &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

std::string render(const KeySlots& slots) {
    Json all = Json::array();
    for (const auto& slot : slots.slots) all.push_back(json_of(slot));
    return Json{{"format", format_word}, {"version", newest_format}, {"slots", std::move(all)}}.dump(2);
}

KeySlots parse_key_slots(std::string_view text) {
    try {
        const auto json = Json::parse(shallow(text));
        if (json.at("format").get<std::string>() != format_word) no_slots("the format has another name");
        if (const auto version = json.at("version").get<std::uint64_t>(); version > newest_format)
            throw Error(ErrorKind::refused, fmt::format("the store's encryption has the newer format {}", version),
                        "use a newer vbackup");
        KeySlots slots;
        std::set<std::string> names;
        for (const auto& one : json.at("slots")) {
            slots.slots.push_back(slot_of(one));
            if (!names.insert(slots.slots.back().name).second) no_slots("two slots have one name");
        }
        if (slots.slots.empty()) no_slots("there is none");
        return slots;
    } catch (const Json::exception&) {
        no_slots("the JSON is not what it should be");
    }
}

}  // namespace vbackup::model
