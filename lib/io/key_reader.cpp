// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "io/key_format.hpp"
#include "io/key_records.hpp"
#include "io/seen_keys.hpp"
#include "io/zstd.hpp"

namespace vbackup::io {

namespace {

constexpr std::size_t block_size = std::size_t{256} << 10;
// The servers allow 512 MB for a key and for a text; what DUMP makes of a set of them may be larger.
constexpr std::uint64_t longest_key = std::uint64_t{1} << 30;
constexpr std::uint64_t longest_payload = std::uint64_t{1} << 36;
constexpr std::uint64_t most_databases = 1 << 20;

[[noreturn]] void corrupt(std::string message) {
    throw Error(ErrorKind::corrupt, std::move(message),
                "the file is not what was written: restore from another backup, or make a new one");
}

// A large value is given its place at once, since growing costs as much again. A length that damage made large takes no
// memory before its bytes are there: what is not written to is only an address.
std::size_t reserved(std::uint64_t size) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(size, std::uint64_t{1} << 30));
}

// Hands out what was read already, then the rest.
class Rejoined final : public Source {
public:
    Rejoined(std::string begin, Source& rest) : begin_(std::move(begin)), rest_(rest) {}

    std::size_t read(std::span<std::byte> into) override {
        if (at_ == begin_.size()) return rest_.read(into);
        const auto count = std::min(into.size(), begin_.size() - at_);
        std::memcpy(into.data(), begin_.data() + at_, count);
        at_ += count;
        return count;
    }
    std::optional<std::uint64_t> size() const override { return rest_.size(); }

private:
    std::string begin_;
    std::size_t at_ = 0;
    Source& rest_;
};

// Owns what it unpacks.
class Unpacked final : public Source {
public:
    explicit Unpacked(std::unique_ptr<Source> packed) : packed_(std::move(packed)), plain_(unzstd_file(*packed_)) {}
    std::size_t read(std::span<std::byte> into) override { return plain_->read(into); }
    std::optional<std::uint64_t> size() const override { return std::nullopt; }

private:
    std::unique_ptr<Source> packed_;
    std::unique_ptr<Source> plain_;
};

}  // namespace

std::unique_ptr<Source> unpacked_keys(Source& source) {
    std::string begin(4, '\0');
    std::size_t have = 0;
    while (have < begin.size()) {
        const auto count = source.read(std::as_writable_bytes(std::span(begin)).subspan(have));
        if (count == 0) break;
        have += count;
    }
    begin.resize(have);
    const bool packed = begin == std::string_view("\x28\xB5\x2F\xFD", 4);
    auto whole = std::make_unique<Rejoined>(std::move(begin), source);
    if (!packed) return whole;
    return std::make_unique<Unpacked>(std::move(whole));
}

KeyReader::KeyReader(Source& source) : source_(source), block_(block_size) {
    if (bytes(key_format::magic.size()) != key_format::magic) corrupt("it does not begin as a file of keys does");
    if (const auto version = number(); version > key_format::version)
        throw Error(ErrorKind::refused, fmt::format("its format {} is newer than this vbackup reads", version),
                    "use the version of vbackup that wrote it, or a newer one");
    summary_.begun = number();
    text(about_, 1 << 20);
}

// False at the end of the source. What was used goes first.
bool KeyReader::fill() {
    if (at_ > 0) {
        std::copy(block_.begin() + static_cast<std::ptrdiff_t>(at_), block_.begin() + static_cast<std::ptrdiff_t>(end_),
                  block_.begin());
        end_ -= at_;
        at_ = 0;
    }
    const auto count = source_.read(std::span(block_).subspan(end_));
    end_ += count;
    return count > 0;
}

// At most a block. Valid until the next read.
std::string_view KeyReader::bytes(std::size_t count) {
    while (end_ - at_ < count) {
        if (!fill()) corrupt("it ends early");
    }
    const std::string_view found(reinterpret_cast<const char*>(block_.data()) + at_, count);
    checksum_.update(std::as_bytes(std::span(found)));
    at_ += count;
    return found;
}

std::uint8_t KeyReader::byte() {
    return static_cast<std::uint8_t>(bytes(1).front());
}

std::uint64_t KeyReader::number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const auto part = byte();
        value |= static_cast<std::uint64_t>(part & 0x7F) << shift;
        if ((part & 0x80) == 0) return value;
    }
    corrupt("a number in it does not end");
}

void KeyReader::text(std::string& into, std::uint64_t most) {
    const auto size = number();
    if (size > most) corrupt(fmt::format("a text in it would be {} long", format_bytes(size)));
    into.clear();
    into.reserve(reserved(size));
    more(into, size);
}

void KeyReader::more(std::string& into, std::uint64_t count) {
    while (count > 0) {
        if (at_ == end_ && !fill()) corrupt("it ends early");
        const auto piece = bytes(static_cast<std::size_t>(std::min<std::uint64_t>(count, end_ - at_)));
        into.append(piece);
        count -= piece.size();
    }
}

void KeyReader::read_key() {
    const auto database = number();
    if (database > most_databases) corrupt("a number of a database in it is too large");
    record_.database = static_cast<std::uint32_t>(database);
    text(record_.key, longest_key);
    record_.expiry = number();
}

// False for a void one.
bool KeyReader::read_large() {
    read_key();
    const auto about = number();
    record_.payload.clear();
    // The estimate is the server's, from a few samples of the value.
    record_.payload.reserve(reserved(2 * std::min(about, longest_payload)));
    for (auto size = number(); size > 0; size = number()) {
        if (record_.payload.size() + size > longest_payload) corrupt("a value in it is too long");
        more(record_.payload, size);
    }
    const auto mark = static_cast<char>(byte());
    if (mark == key_format::void_record) return false;
    if (mark != key_format::good) corrupt("a large record in it does not end as one");
    return true;
}

KeyReader::Item KeyReader::next() {
    for (;;) {
        const auto mark = static_cast<char>(byte());
        if (mark == key_format::trailer) {
            read_trailer();
            return Item::end;
        }
        if (mark == key_format::definition) {
            text(definition_.kind, 1 << 20);
            text(definition_.name, longest_key);
            text(definition_.payload, longest_payload);
            ++summary_.definitions;
            return Item::definition;
        }
        if (mark == key_format::record) {
            read_key();
            text(record_.payload, longest_payload);
        } else if (mark != key_format::large_record) {
            corrupt(fmt::format("a record of an unknown kind ({}) is in it", static_cast<int>(mark)));
        } else if (!read_large()) {
            continue;
        }
        auto& counts = summary_.databases[record_.database];
        ++counts.keys;
        if (record_.expiry != 0) {
            ++counts.with_expiry;
            ++counts.expiring[expiry_slot(summary_.begun, record_.expiry)];
        }
        counts.largest = std::max<std::uint64_t>(counts.largest, record_.payload.size());
        counts.version = std::max(counts.version, payload_version(record_.payload));
        return Item::record;
    }
}

void KeyReader::read_trailer() {
    KeySummary said{.begun = summary_.begun};
    said.definitions = number();
    const auto databases = number();
    if (databases > most_databases) corrupt("its end makes no sense");
    for (std::uint64_t n = 0; n < databases; ++n) {
        auto& counts = said.databases[static_cast<std::uint32_t>(number())];
        for (auto* one : {&counts.keys, &counts.with_expiry, &counts.perhaps_twice, &counts.vanished}) *one = number();
        for (auto& one : counts.expiring) one = number();
    }
    const auto computed = checksum_.value();
    std::uint64_t written = 0;
    const auto last = bytes(8);
    for (std::size_t n = 8; n-- > 0;) written = written << 8 | static_cast<std::uint8_t>(last[n]);
    if (written != computed) corrupt("its checksum differs");
    if (at_ < end_ || fill()) corrupt("something follows its end");
    // What only the writer could know is taken from it; what was read must be the same.
    auto read = said;
    for (auto& [database, counts] : read.databases) {
        const auto& seen = summary_.databases[database];
        counts.keys = seen.keys;
        counts.with_expiry = seen.with_expiry;
        counts.expiring = seen.expiring;
        said.databases[database].largest = counts.largest = seen.largest;
        said.databases[database].version = counts.version = seen.version;
    }
    read.definitions = summary_.definitions;
    if (read != said || summary_.databases.size() != said.databases.size())
        corrupt("it holds another number of keys than it says at its end");
    summary_ = std::move(said);
}

// A payload ends with two bytes of a version and eight of a checksum over everything before them; a checksum of 0 is that
// of a server that computes none (rdbchecksum no).
std::string payload_problem(std::string_view payload) {
    if (payload.size() < 11) return "it is too short";
    std::uint64_t written = 0;
    for (std::size_t n = 0; n < 8; ++n)
        written = written << 8 | static_cast<std::uint8_t>(payload[payload.size() - 1 - n]);
    if (written == 0) return {};
    Crc64 checksum;
    checksum.update(std::as_bytes(std::span(payload.substr(0, payload.size() - 8))));
    return checksum.value() == written ? std::string() : "its checksum differs";
}

namespace {

// Reads everything, and hands out each record.
template <typename Each>
KeySummary read_keys(Call& call, KeyReader& reader, const Each& each) {
    for (std::uint64_t n = 0;; ++n) {
        if (n % 1024 == 0) call.require_time();
        const auto item = reader.next();
        if (item == KeyReader::Item::end) return reader.summary();
        if (item != KeyReader::Item::record) continue;
        const auto& record = reader.record();
        if (const auto problem = payload_problem(record.payload); !problem.empty())
            corrupt(fmt::format("the value of the key \"{}\" in database {} is damaged: {}", one_line(record.key, 80),
                                record.database, problem));
        each(record);
    }
}

}  // namespace

KeySummary check_keys(Call& call, Source& source) {
    const auto plain = unpacked_keys(source);
    KeyReader reader(*plain);
    return read_keys(call, reader, [](const KeyRecord&) {});
}

KeySummary count_keys(Call& call, Source& source, const Repeats& repeats) {
    std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> last;  // expiry
    std::map<std::uint32_t, KeyCounts> once_too_often;
    std::uint64_t begun = 0;
    const auto each = [&](const KeyRecord& record) {
        const std::pair key{record.database, SeenKeys::hash(record.key)};
        if (!repeats.contains(key)) return;
        const auto [known, is_first] = last.emplace(key, record.expiry);
        if (is_first) return;
        auto& counts = once_too_often[record.database];
        ++counts.keys;
        if (known->second != 0) {
            ++counts.with_expiry;
            ++counts.expiring[expiry_slot(begun, known->second)];
        }
        known->second = record.expiry;
    };
    const auto plain = unpacked_keys(source);
    KeyReader reader(*plain);
    begun = reader.summary().begun;
    auto summary = read_keys(call, reader, each);
    for (auto& [database, counts] : summary.databases) {
        const auto& less = once_too_often[database];
        counts.keys -= less.keys;
        counts.with_expiry -= less.with_expiry;
        for (std::size_t n = 0; n < counts.expiring.size(); ++n) counts.expiring[n] -= less.expiring[n];
        counts.perhaps_twice = 0;
    }
    return summary;
}

}  // namespace vbackup::io
