// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstring>

#include "io/key_format.hpp"
#include "io/key_records.hpp"

namespace vbackup::io {

std::size_t expiry_slot(std::uint64_t begun, std::uint64_t expiry) {
    const auto seconds = expiry > begun ? (expiry - begun) / 1000 : 0;
    const auto slot = seconds < 2 ? 0 : static_cast<std::size_t>(std::bit_width(seconds)) - 1;
    return std::min(slot, KeyCounts::Expiring{}.size() - 1);
}

void KeyCounts::add(const KeyCounts& other) {
    keys += other.keys;
    with_expiry += other.with_expiry;
    perhaps_twice += other.perhaps_twice;
    vanished += other.vanished;
    for (std::size_t n = 0; n < expiring.size(); ++n) expiring[n] += other.expiring[n];
    largest = std::max(largest, other.largest);
    version = std::max(version, other.version);
}

std::uint32_t payload_version(std::string_view payload) {
    if (payload.size() < key_format::payload_end) return 0;
    const auto end = payload.substr(payload.size() - key_format::payload_end);
    return static_cast<std::uint32_t>(static_cast<std::uint8_t>(end[0]) | static_cast<std::uint8_t>(end[1]) << 8);
}

std::pair<std::uint64_t, std::uint64_t> KeyCounts::alive(std::uint64_t begun, std::uint64_t now) const {
    const auto today = expiry_slot(begun, now);
    std::uint64_t least = 0, most = 0;
    for (std::size_t n = 0; n < expiring.size(); ++n) {
        if (n > today) least += expiring[n];
        if (n >= today) most += expiring[n];
    }
    // The first slot holds what had expired before the beginning too, and nothing has when time runs backwards.
    return {least, most};
}

KeyWriter::KeyWriter(std::uint64_t begun, std::string_view about) {
    summary_.begun = begun;
    append(key_format::magic);
    append_number(key_format::version);
    append_number(begun);
    append_text(about);
}

void KeyWriter::append(std::string_view bytes) {
    if (at_ == out_.size()) {
        out_.clear();
        at_ = 0;
    }
    out_.append(bytes);
    checksum_.update(std::as_bytes(std::span(bytes)));
}

void KeyWriter::append_number(std::uint64_t number) {
    std::array<char, 10> bytes{};
    std::size_t count = 0;
    for (; number >= 0x80; number >>= 7) bytes[count++] = static_cast<char>(0x80 | (number & 0x7F));
    bytes[count++] = static_cast<char>(number);
    append({bytes.data(), count});
}

void KeyWriter::append_text(std::string_view text) {
    append_number(text.size());
    append(text);
}

void KeyWriter::append_key(std::uint32_t database, std::string_view key, std::uint64_t expiry) {
    append_number(database);
    append_text(key);
    append_number(expiry);
}

void KeyWriter::count(std::uint32_t database, std::uint64_t expiry) {
    auto& counts = summary_.databases[database];
    ++counts.keys;
    if (expiry == 0) return;
    ++counts.with_expiry;
    ++counts.expiring[expiry_slot(summary_.begun, expiry)];
}

void KeyWriter::weigh(std::uint32_t database, std::string_view payload, std::uint64_t size) {
    auto& counts = summary_.databases[database];
    counts.largest = std::max(counts.largest, size);
    counts.version = std::max(counts.version, payload_version(payload));
}

void KeyWriter::add(std::uint32_t database, std::string_view key, std::uint64_t expiry, std::string_view payload) {
    append({&key_format::record, 1});
    append_key(database, key, expiry);
    append_text(payload);
    count(database, expiry);
    weigh(database, payload, payload.size());
}

void KeyWriter::begin_large(std::uint32_t database, std::string_view key, std::uint64_t expiry, std::uint64_t about) {
    append({&key_format::large_record, 1});
    append_key(database, key, expiry);
    append_number(about);
    large_database_ = database;
    large_expiry_ = expiry;
    large_size_ = 0;
    large_end_.clear();
}

void KeyWriter::add_piece(std::string_view bytes) {
    if (bytes.empty()) return;
    append_text(bytes);
    large_size_ += bytes.size();
    large_end_ += bytes.substr(bytes.size() - std::min(bytes.size(), key_format::payload_end));
    if (large_end_.size() > key_format::payload_end) large_end_.erase(0, large_end_.size() - key_format::payload_end);
}

void KeyWriter::end_large(bool good) {
    append_number(0);
    append({good ? &key_format::good : &key_format::void_record, 1});
    if (!good) return;
    count(large_database_, large_expiry_);
    weigh(large_database_, large_end_, large_size_);
}

void KeyWriter::add(const Definition& definition) {
    append({&key_format::definition, 1});
    append_text(definition.kind);
    append_text(definition.name);
    append_text(definition.payload);
    ++summary_.definitions;
}

void KeyWriter::finish() {
    append({&key_format::trailer, 1});
    append_number(summary_.definitions);
    append_number(summary_.databases.size());
    for (const auto& [database, counts] : summary_.databases) {
        append_number(database);
        for (const auto number : {counts.keys, counts.with_expiry, counts.perhaps_twice, counts.vanished})
            append_number(number);
        for (const auto number : counts.expiring) append_number(number);
    }
    const auto checksum = checksum_.value();
    std::array<char, 8> bytes{};
    for (std::size_t n = 0; n < bytes.size(); ++n) bytes[n] = static_cast<char>(checksum >> (8 * n) & 0xFF);
    append({bytes.data(), bytes.size()});
}

std::size_t KeyWriter::take(std::span<std::byte> into) {
    const auto count = std::min(into.size(), size());
    if (count > 0) std::memcpy(into.data(), out_.data() + at_, count);
    at_ += count;
    return count;
}

}  // namespace vbackup::io
