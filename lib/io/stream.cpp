// SPDX-License-Identifier: Apache-2.0
#include "io/stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.hpp"

namespace vbackup::io {

namespace {

class MemorySource final : public Source {
public:
    MemorySource(std::string bytes, std::uint64_t offset)
        : bytes_(std::move(bytes)),
          offset_(offset),
          position_(static_cast<std::size_t>(std::min<std::uint64_t>(offset, bytes_.size()))) {}

    std::size_t read(std::span<std::byte> into) override {
        const std::size_t count = std::min(into.size(), bytes_.size() - position_);
        if (count > 0) std::memcpy(into.data(), bytes_.data() + position_, count);
        position_ += count;
        return count;
    }
    std::optional<std::uint64_t> size() const override { return bytes_.size(); }
    std::uint64_t offset() const override { return offset_; }

private:
    std::string bytes_;
    std::uint64_t offset_;
    std::size_t position_;
};

}  // namespace

std::unique_ptr<Source> memory_source(std::string bytes, std::uint64_t offset) {
    return std::make_unique<MemorySource>(std::move(bytes), offset);
}

std::string read_all(Source& source, std::size_t most) {
    constexpr std::size_t step = std::size_t{64} << 10;
    std::string text;
    for (;;) {
        const std::size_t before = text.size();
        text.resize(before + step);
        const std::size_t count = source.read(std::as_writable_bytes(std::span(text).subspan(before)));
        text.resize(before + count);
        if (count == 0) return text;
        if (text.size() > most) {
            throw Error(ErrorKind::not_understood, fmt::format("more than the {} bytes that were expected", most));
        }
    }
}

}  // namespace vbackup::io
