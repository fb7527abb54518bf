// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "io/stream.hpp"
#include "net/exchange.hpp"

namespace vbackup::net {

// The body of an answer as it comes in. libcurl hands out pieces of up to `body_buffer` bytes; they go straight into the
// reader's span while there is room, and what does not fit waits in `spare_`, at most 1 MiB of it: beyond that the
// connection is paused, so memory is bounded whatever the reader does.
class HttpSource : public io::Source {
public:
    static constexpr long body_buffer = 128L * 1024;

    HttpSource(std::shared_ptr<Server> server, const Call& call, const Request& request, Headers extra);

    // Waits for status and headers; a body may have begun to come in already.
    const Response& wait_for_head();
    // For a 2xx: takes from the head where the body begins and how long the whole is. Throws Error{not_understood} when a
    // 206 holds another range than asked, or when the body is compressed although that was not asked.
    void accept(std::uint64_t asked_offset);
    // At most `most` bytes of the body of an answer that is no 2xx. A broken line ends it like its end: the status is known.
    std::string read_refusal(std::size_t most);
    // The body is compressed with zstd, as was asked: what `read` gives is to be unpacked, and how much will come is unknown.
    bool is_zstd() const { return zstd_; }
    std::string text() const { return exchange_.text(); }

    std::size_t read(std::span<std::byte> into) override;
    std::optional<std::uint64_t> size() const override { return whole_; }
    std::uint64_t offset() const override { return offset_; }

private:
    Taken take(std::span<const std::byte> bytes);
    std::size_t drain_spare();
    void fill();
    void require_whole() const;

    Call call_;
    bool asked_zstd_;
    bool zstd_ = false;
    std::span<std::byte> room_;
    std::size_t filled_ = 0;
    std::vector<std::byte> spare_;
    std::size_t spare_begin_ = 0;
    bool paused_ = false;
    std::exception_ptr broken_;
    std::uint64_t offset_ = 0;
    std::uint64_t passed_ = 0;
    std::optional<std::uint64_t> whole_;
    Exchange exchange_;
};

}  // namespace vbackup::net
