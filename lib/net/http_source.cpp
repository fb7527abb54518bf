// SPDX-License-Identifier: Apache-2.0
#include "net/http_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/text.hpp"

namespace vbackup::net {

namespace {

constexpr std::size_t most_spare = std::size_t{1} << 20;
static_assert(most_spare >= HttpSource::body_buffer,
              "a piece must fit into an empty spare, or nothing would ever move");

struct Range {
    std::uint64_t first = 0;
    std::optional<std::uint64_t> whole;
};

std::optional<std::uint64_t> number_before(std::string_view& text, char end) {
    std::uint64_t value = 0;
    const auto [stop, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || stop == text.data() + text.size() || *stop != end) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
    return value;
}

// "bytes 100-199/200", with "*" for a whole that the server does not know (RFC 9110, 14.4).
std::optional<Range> parse_content_range(std::string_view text) {
    if (!text.starts_with("bytes ")) return std::nullopt;
    text.remove_prefix(6);
    const auto first = number_before(text, '-');
    const auto last = first ? number_before(text, '/') : std::nullopt;
    if (!last || *last < *first) return std::nullopt;
    Range range{*first, std::nullopt};
    if (text == "*") return range;
    std::uint64_t whole = 0;
    const auto [stop, fault] = std::from_chars(text.data(), text.data() + text.size(), whole);
    if (fault != std::errc{} || stop != text.data() + text.size() || whole <= *last) return std::nullopt;
    range.whole = whole;
    return range;
}

}  // namespace

HttpSource::HttpSource(std::shared_ptr<Server> server, const Call& call, const Request& request, Headers extra)
    : call_(call),
      asked_zstd_(request.zstd),
      exchange_(std::move(server), call, request, std::move(extra), body_buffer,
                [this](std::span<const std::byte> bytes) { return take(bytes); }) {
    exchange_.is_data();
}

const Response& HttpSource::wait_for_head() {
    try {
        while (true) {
            exchange_.advance();
            if (exchange_.has_head() || exchange_.ended()) break;
            exchange_.wait();
        }
    } catch (...) {
        // A short body may have broken off in the same moment as its head came in: that is for `read` to tell.
        if (!exchange_.has_head()) throw;
        broken_ = std::current_exception();
    }
    return exchange_.head();
}

void HttpSource::accept(std::uint64_t asked_offset) {
    const Response& head = exchange_.head();
    zstd_ = asked_zstd_ && head.header("content-encoding") == "zstd";
    if (!zstd_) exchange_.require_plain();
    if (zstd_ && head.status != 206) return;
    if (head.status != 206) {
        whole_ = exchange_.announced();
        return;
    }
    const auto range = parse_content_range(head.header("content-range"));
    if (zstd_ || !range || range->first != asked_offset) {
        throw Error(ErrorKind::not_understood,
                    fmt::format("{}: asked for the bytes from {} on, the answer holds \"{}\"", text(), asked_offset,
                                one_line(head.header("content-range"), 80)));
    }
    offset_ = range->first;
    whole_ = range->whole;
}

std::string HttpSource::read_refusal(std::size_t most) {
    std::string body(most, '\0');
    std::size_t length = 0;
    try {
        while (length < most) {
            const std::size_t count = read(std::as_writable_bytes(std::span(body).subspan(length)));
            if (count == 0) break;
            length += count;
        }
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unreachable && error.kind() != ErrorKind::stalled) throw;
    }
    body.resize(length);
    return exchange_.without_keys(std::move(body));
}

std::size_t HttpSource::read(std::span<std::byte> into) {
    if (into.empty()) return 0;
    room_ = into.first(call_.piece(into.size()));
    filled_ = drain_spare();
    if (!broken_) fill();
    const std::size_t count = std::exchange(filled_, 0);
    room_ = {};
    passed_ += count;
    // What came before the line broke is the reader's: a download goes on from there.
    if (count == 0 && broken_) std::rethrow_exception(broken_);
    if (count == 0) require_whole();
    call_.moved(count);
    return count;
}

void HttpSource::fill() {
    exchange_.listen();
    try {
        while (filled_ < room_.size() && !exchange_.ended()) {
            const std::size_t before = filled_;
            if (std::exchange(paused_, false)) exchange_.resume();
            exchange_.advance();
            // More may lie ready; an empty line is waited for only when there is nothing to hand out yet.
            if (filled_ != before || exchange_.ended()) continue;
            if (filled_ > 0) break;
            exchange_.wait();
        }
    } catch (...) {
        broken_ = std::current_exception();
    }
}

Taken HttpSource::take(std::span<const std::byte> bytes) {
    const std::size_t now = std::min(bytes.size(), room_.size() - filled_);
    const auto rest = bytes.subspan(now);
    if (spare_.size() + rest.size() > most_spare) {
        paused_ = true;
        return Taken::later;
    }
    if (now > 0) std::memcpy(room_.data() + filled_, bytes.data(), now);
    filled_ += now;
    spare_.insert(spare_.end(), rest.begin(), rest.end());
    return Taken::yes;
}

std::size_t HttpSource::drain_spare() {
    const std::size_t count = std::min(room_.size(), spare_.size() - spare_begin_);
    if (count == 0) return 0;
    std::memcpy(room_.data(), spare_.data() + spare_begin_, count);
    spare_begin_ += count;
    if (spare_begin_ == spare_.size()) {
        spare_.clear();
        spare_begin_ = 0;
    }
    return count;
}

// libcurl holds the body against its announced length; a 206 may have been a shorter range than asked.
void HttpSource::require_whole() const {
    if (!whole_ || offset_ + passed_ == *whole_) return;
    throw Error(ErrorKind::unreachable,
                fmt::format("{}: the answer ended after {} of {} bytes", text(), offset_ + passed_, *whole_));
}

}  // namespace vbackup::net
