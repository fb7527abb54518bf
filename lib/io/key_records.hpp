// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/crc64.hpp"
#include "io/stream.hpp"

// The file in which the keys of a store that has DUMP and RESTORE are kept; lib/driver/dragonfly/README.md has its layout.
// It says at its end what it holds, so that a file that is cut anywhere is noticed.
namespace vbackup::io {

struct KeyRecord {
    std::uint32_t database = 0;
    std::string key;
    std::uint64_t expiry = 0;  // ms since 1970, by the server's clock; 0: it never expires
    std::string payload;       // as DUMP gave it
};

// Something besides keys that is put back after them: a library of functions, a search index, a user.
struct Definition {
    std::string kind;
    std::string name;
    std::string payload;
};

// What one database of one file holds.
struct KeyCounts {
    // Number n counts keys that expire 2^n to 2^(n+1) seconds after the file's beginning; the first one also earlier ones.
    using Expiring = std::array<std::uint64_t, 40>;

    std::uint64_t keys = 0;           // records
    std::uint64_t with_expiry = 0;    // of these
    std::uint64_t perhaps_twice = 0;  // of these: the key may have been recorded before; 0: each key is there once
    std::uint64_t vanished = 0;       // keys that were named and gone before they could be read
    Expiring expiring{};
    // Not in the file, but known to whoever has written or read it:
    std::uint64_t largest = 0;  // payload, in bytes
    std::uint32_t version = 0;  // of the format of payloads, the highest

    void add(const KeyCounts& other);
    // Keys with an expiry that still exist at `now`: at least and at most.
    std::pair<std::uint64_t, std::uint64_t> alive(std::uint64_t begun, std::uint64_t now) const;
    bool operator==(const KeyCounts&) const = default;
};

struct KeySummary {
    std::uint64_t begun = 0;  // ms since 1970, by the server's clock
    std::map<std::uint32_t, KeyCounts> databases;
    std::uint64_t definitions = 0;
    bool operator==(const KeySummary&) const = default;
};

// Where an expiry belongs in KeyCounts::expiring.
std::size_t expiry_slot(std::uint64_t begun, std::uint64_t expiry);

// Makes the bytes of a file. Each function appends to what `take` gives out.
class KeyWriter {
public:
    // `about` is a text for people: which server, which node.
    KeyWriter(std::uint64_t begun, std::string_view about);

    void add(std::uint32_t database, std::string_view key, std::uint64_t expiry, std::string_view payload);
    // The same for a value whose payload comes in pieces and weighs `about` so many bytes. Until `end_large` nothing else may be added; with `good` false
    // the record is void, as if it had never been begun.
    void begin_large(std::uint32_t database, std::string_view key, std::uint64_t expiry, std::uint64_t about);
    void add_piece(std::string_view bytes);
    void end_large(bool good);
    void add(const Definition& definition);
    void count_vanished(std::uint32_t database) { ++summary_.databases[database].vanished; }
    void count_perhaps_twice(std::uint32_t database) { ++summary_.databases[database].perhaps_twice; }
    // The trailer. Nothing may follow.
    void finish();

    const KeySummary& summary() const { return summary_; }
    // What was made and not taken yet, in bytes.
    std::size_t size() const { return out_.size() - at_; }
    std::size_t take(std::span<std::byte> into);

private:
    void append(std::string_view bytes);
    void append_number(std::uint64_t number);
    void append_text(std::string_view text);
    void append_key(std::uint32_t database, std::string_view key, std::uint64_t expiry);
    void count(std::uint32_t database, std::uint64_t expiry);
    void weigh(std::uint32_t database, std::string_view payload, std::uint64_t size);

    std::string out_;
    std::size_t at_ = 0;
    Crc64 checksum_;
    KeySummary summary_;
    std::uint32_t large_database_ = 0;
    std::uint64_t large_expiry_ = 0;
    std::uint64_t large_size_ = 0;
    std::string large_end_;  // its last bytes
};

// Reads a file record by record. Throws Error{corrupt} for what no KeyWriter made, for a file that is cut anywhere, and when
// counts or checksum at its end differ from what was read; Error{refused} for a newer format; and what the source throws.
// Memory: one record.
class KeyReader {
public:
    // `source` outlives it.
    explicit KeyReader(Source& source);

    // False at the end, when everything was compared. One of `record` and `definition` is filled; the other's text is empty.
    enum class Item : std::uint8_t { end, record, definition };
    Item next();

    const KeyRecord& record() const { return record_; }
    KeyRecord take_record() { return std::move(record_); }
    const Definition& definition() const { return definition_; }
    const std::string& about() const { return about_; }
    // Of all that was read so far; of the whole file once the end was reached.
    const KeySummary& summary() const { return summary_; }

private:
    bool fill();
    std::string_view bytes(std::size_t count);
    std::uint8_t byte();
    std::uint64_t number();
    void text(std::string& into, std::uint64_t most);
    void more(std::string& into, std::uint64_t count);
    void read_key();
    bool read_large();
    void read_trailer();

    Source& source_;
    std::vector<std::byte> block_;
    std::size_t at_ = 0, end_ = 0;
    Crc64 checksum_;
    std::string small_;
    std::string about_;
    KeyRecord record_;
    Definition definition_;
    KeySummary summary_;
};

// The version of the format that a payload of DUMP says it has; 0 for what is too short to be one.
std::uint32_t payload_version(std::string_view payload);
// What is wrong with the payload of a DUMP, by its own checksum; "" for nothing.
std::string payload_problem(std::string_view payload);

// Reads a whole file, plain or compressed with zstd: structure, counts, checksums, and that of each payload. Throws as
// KeyReader does, and Error{corrupt} naming the first key whose payload is damaged.
KeySummary check_keys(Call& call, Source& source);

// A key that may be recorded more than once: its database and SeenKeys::hash of its name.
using Repeats = std::set<std::pair<std::uint32_t, std::uint64_t>>;
// Reads a whole file as `check_keys` does, and counts each key once, as its last record has it. `repeats` names all keys that
// have more than one; `perhaps_twice` is 0 then.
KeySummary count_keys(Call& call, Source& source, const Repeats& repeats);

// The records of a file that may be compressed: looks at its first bytes. `source` outlives it.
std::unique_ptr<Source> unpacked_keys(Source& source);

}  // namespace vbackup::io
