// SPDX-License-Identifier: Apache-2.0
#include "store/encrypted/content.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace vbackup::store::encrypted {

namespace {

// A key is used for one file alone, so its blocks may be counted.
std::string nonce_of(std::uint64_t block, bool last) {
    std::string nonce(nonce_size, '\0');
    for (std::size_t i = 0; i < sizeof block; ++i) nonce[i] = static_cast<char>((block >> (8 * i)) & 0xFF);
    nonce[sizeof block] = last ? 1 : 0;
    return nonce;
}

Key file_key(const Key& content_key, std::string_view head, std::string_view name) {
    return derive(content_key.view(), std::string(head).append(name));
}

std::size_t read_fully(io::Source& source, std::span<std::byte> into) {
    std::size_t size = 0;
    while (size < into.size()) {
        const auto count = source.read(into.subspan(size));
        if (count == 0) break;
        size += count;
    }
    return size;
}

std::uint64_t blocks_of(std::uint64_t stored) {
    return (stored - head_size + stored_block - 1) / stored_block;
}

// Every finished file has a last block, and only the first one may be empty.
bool is_whole(std::uint64_t stored) {
    if (stored < head_size + tag_size) return false;
    const auto last = (stored - head_size) % stored_block;
    return last == 0 || last > tag_size || stored == head_size + tag_size;
}

class EncryptingSink final : public io::Sink {
public:
    EncryptingSink(std::unique_ptr<io::Sink> sink, const Key& content_key, std::string name)
        : sink_(std::move(sink)), content_key_(content_key), name_(std::move(name)) {
        plain_.reserve(block_size);
        begin();
    }
    EncryptingSink(std::unique_ptr<io::Sink> sink, const Key& content_key, std::string name, std::string_view head,
                   std::uint64_t block)
        : sink_(std::move(sink)),
          content_key_(content_key),
          name_(std::move(name)),
          key_(file_key(content_key_, head, name_)),
          block_(block) {
        plain_.reserve(block_size);
    }

    void write(std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            // A full block waits until it is known whether it is the last.
            if (plain_.size() == block_size) put(false);
            const auto some = bytes.first(std::min(bytes.size(), block_size - plain_.size()));
            plain_.insert(plain_.end(), some.begin(), some.end());
            bytes = bytes.subspan(some.size());
        }
    }
    void finish() override {
        put(true);
        sink_->finish();
    }
    // Other bytes under the same numbers would give both away, so it begins with another salt.
    void rewind() override {
        sink_->rewind();
        plain_.clear();
        begin();
    }

private:
    void begin() {
        head_ = std::string(magic) + random_bytes(file_salt_size);
        key_ = file_key(content_key_, head_, name_);
        block_ = 0;
    }
    void put(bool last) {
        if (!head_.empty()) sink_->write(std::as_bytes(std::span(head_)));
        head_.clear();
        stored_.resize(plain_.size() + tag_size);
        wrap(key_, nonce_of(block_, last), plain_, stored_);
        sink_->write(stored_);
        plain_.clear();
        ++block_;
    }

    std::unique_ptr<io::Sink> sink_;
    const Key content_key_;
    const std::string name_;
    std::string head_;  // empty once it is written
    Key key_;
    std::uint64_t block_ = 0;
    std::vector<std::byte> plain_;
    std::vector<std::byte> stored_;
};

class DecryptingSource final : public io::Source {
public:
    // `stored` is the length of all; `ended`: the last block of it is marked as such.
    DecryptingSource(const Place& place, std::unique_ptr<io::Source> source, std::uint64_t stored, bool ended,
                     std::uint64_t offset)
        : name_(place.name),
          where_(place.bytes.where()),
          source_(std::move(source)),
          stored_(stored),
          blocks_(blocks_of(stored)),
          ended_(ended),
          size_(stored - head_size - blocks_ * tag_size),
          offset_(offset) {
        std::string head(head_size, '\0');
        if (read_fully(*source_, std::as_writable_bytes(std::span(head))) != head.size()) damaged("it is cut short");
        if (!head.starts_with(magic)) damaged("it does not begin as an encrypted file does");
        key_ = file_key(place.content_key, head, name_);
        // Beyond the end too, the last block is looked at.
        block_ = std::min(offset / block_size, blocks_ - 1);
        skipped_ = std::min(offset, size_) - block_ * block_size;
        if (block_ > 0) go_to(place, head_size + block_ * stored_block);
    }

    std::size_t read(std::span<std::byte> into) override {
        while (at_ == plain_.size())
            if (!next()) return 0;
        const auto count = std::min(into.size(), plain_.size() - at_);
        std::memcpy(into.data(), plain_.data() + at_, count);
        at_ += count;
        return count;
    }
    std::optional<std::uint64_t> size() const override { return size_; }
    std::uint64_t offset() const override { return offset_; }

private:
    [[noreturn]] void damaged(std::string_view why) const {
        throw Error(ErrorKind::corrupt, fmt::format("{} in {} was changed, cut or moved: {}", name_, where_, why),
                    "take another backup; `vbackup verify` lists every damaged file");
    }

    void go_to(const Place& place, std::uint64_t position) {
        source_ = place.bytes.open(place.path, position);
        if (source_->offset() != position)
            throw Error(ErrorKind::not_understood, fmt::format("{} cannot be read from its middle", place.path));
    }

    bool next() {
        if (block_ == blocks_) return false;
        const bool last = block_ + 1 == blocks_;
        const auto rest = stored_ - head_size - block_ * stored_block;
        block_bytes_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(rest, stored_block)));
        if (read_fully(*source_, block_bytes_) != block_bytes_.size()) damaged("it is cut short");
        plain_.resize(block_bytes_.size() - tag_size);
        if (!unwrap(key_, nonce_of(block_, last && ended_), block_bytes_, plain_))
            damaged(fmt::format("the block at {} does not decrypt", block_ * block_size));
        at_ = static_cast<std::size_t>(std::exchange(skipped_, 0));
        ++block_;
        return true;
    }

    const std::string name_;
    const std::string where_;
    std::unique_ptr<io::Source> source_;
    const std::uint64_t stored_;
    const std::uint64_t blocks_;
    const bool ended_;
    const std::uint64_t size_;
    const std::uint64_t offset_;
    Key key_;
    std::uint64_t block_ = 0;
    std::uint64_t skipped_ = 0;
    std::vector<std::byte> block_bytes_;
    std::vector<std::byte> plain_;
    std::size_t at_ = 0;
};

class TextSink final : public io::Sink {
public:
    explicit TextSink(std::string& text) : text_(text) {}
    void write(std::span<const std::byte> bytes) override {
        text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    void finish() override {}
    void rewind() override { text_.clear(); }

private:
    std::string& text_;
};

}  // namespace

std::uint64_t plain_size(std::uint64_t stored) {
    if (stored < head_size + tag_size) return 0;
    const auto tags = blocks_of(stored) * tag_size;
    return stored - head_size - std::min(tags, stored - head_size);
}

std::uint64_t plain_partial_size(std::uint64_t stored) {
    if (stored < head_size || (stored - head_size) % stored_block != 0) return 0;
    return (stored - head_size) / stored_block * block_size;
}

std::unique_ptr<io::Sink> encrypt_to(std::unique_ptr<io::Sink> sink, const Key& content_key, std::string name) {
    return std::make_unique<EncryptingSink>(std::move(sink), content_key, std::move(name));
}

std::unique_ptr<io::Sink> carry_on(const Place& place) {
    std::string head(head_size, '\0');
    read_fully(*place.bytes.open_partial(place.path), std::as_writable_bytes(std::span(head)));
    if (!head.starts_with(magic))
        throw Error(ErrorKind::corrupt, fmt::format("what was left unfinished of {} is not encrypted", place.name));
    const auto block = plain_partial_size(place.bytes.partial_size(place.path)) / block_size;
    return std::make_unique<EncryptingSink>(place.bytes.create(place.path, true), place.content_key, place.name, head,
                                            block);
}

std::string encrypted(const Key& content_key, const std::string& name, std::string_view text) {
    std::string out;
    EncryptingSink sink(std::make_unique<TextSink>(out), content_key, name);
    sink.write(std::as_bytes(std::span(text)));
    sink.finish();
    return out;
}

std::unique_ptr<io::Source> decrypt(const Place& place, std::uint64_t offset) {
    auto source = place.bytes.open(place.path);
    auto stored = source->size();
    if (!stored) stored = place.bytes.size(place.path);
    if (!stored || !is_whole(*stored))
        throw Error(ErrorKind::corrupt, fmt::format("{} in {} is cut short", place.name, place.bytes.where()),
                    "take another backup; `vbackup verify` lists every damaged file");
    return std::make_unique<DecryptingSource>(place, std::move(source), *stored, true, offset);
}

std::unique_ptr<io::Source> decrypt_partial(const Place& place) {
    const auto stored = place.bytes.partial_size(place.path);
    if (plain_partial_size(stored) == 0) return io::memory_source({});
    return std::make_unique<DecryptingSource>(place, place.bytes.open_partial(place.path), stored, false, 0);
}

}  // namespace vbackup::store::encrypted
