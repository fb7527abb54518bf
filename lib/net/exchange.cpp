// SPDX-License-Identifier: Apache-2.0
#include "net/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.hpp"
#include "net/curl_error.hpp"
#include "net/trace.hpp"

namespace vbackup::net {

namespace {

constexpr Milliseconds slice{200};
constexpr std::size_t longest_head = std::size_t{1} << 20;

Instant real_now() {
    return std::chrono::steady_clock::now();
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::uint64_t> length_to_send(const Request& request) {
    if (request.upload == nullptr || request.upload_size) return request.upload_size;
    const auto whole = request.upload->size();
    if (!whole) return std::nullopt;
    return *whole - std::min(*whole, request.upload->offset());
}

}  // namespace

Exchange::Exchange(std::shared_ptr<Server> server, const Call& call, const Request& request, Headers extra, long buffer,
                   Taker taker)
    : server_(std::move(server)),
      call_(call),
      request_(request),
      taker_(std::move(taker)),
      url_(server_->url_base + (request.path.empty() ? "/" : request.path)),
      shown_url_(server_->connection.base + (request.path.empty() ? "/" : request.path)),
      wire_(server_->wires.take()),
      upload_size_(length_to_send(request)),
      begun_(real_now()),
      moved_(begun_) {
    set_connection();
    set_tls();
    set_method();
    set_headers(extra);
    if (request_.upload != nullptr) set_upload();
    set_callbacks(buffer);
    if (curl_multi_add_handle(wire_->multi.get(), wire_->easy.get()) != CURLM_OK) {
        throw Error(ErrorKind::failed, fmt::format("{}: libcurl does not take the request", text()));
    }
    added_ = true;
    watch_.emplace(call_.stop, Watch{wire_->multi.get()});
}

Exchange::~Exchange() {
    // The watch goes before what it wakes.
    watch_.reset();
    if (!traced_ && !thrown_) trace_left();
    if (added_ && wire_) curl_multi_remove_handle(wire_->multi.get(), wire_->easy.get());
}

std::size_t Exchange::header_callback(char* data, std::size_t one, std::size_t count, void* self) {
    return static_cast<Exchange*>(self)->on_header({data, one * count});
}

std::size_t Exchange::body_callback(char* data, std::size_t one, std::size_t count, void* self) {
    return static_cast<Exchange*>(self)->on_body(std::as_bytes(std::span(data, one * count)));
}

std::size_t Exchange::send_callback(char* data, std::size_t one, std::size_t count, void* self) {
    return static_cast<Exchange*>(self)->on_send(std::as_writable_bytes(std::span(data, one * count)));
}

// A status line begins a head anew, since a 100 or another interim answer may have come before; a blank line ends it.
std::size_t Exchange::on_header(std::string_view line) {
    listen();
    const std::size_t length = line.size();
    head_bytes_ += length;
    if (head_bytes_ > longest_head) {
        thrown_ = std::make_exception_ptr(
            Error(ErrorKind::not_understood, fmt::format("{}: the answer's head is too long", text())));
        return 0;
    }
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {
        head_ = {};
        has_head_ = false;
        long status = 0;
        curl_easy_getinfo(wire_->easy.get(), CURLINFO_RESPONSE_CODE, &status);
        head_.status = static_cast<int>(status);
    } else if (line.empty()) {
        has_head_ = head_.status >= 200;
    } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
        const auto begin = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
        const auto end = line.find_last_not_of(" \t") + 1;
        head_.headers.emplace_back(line.substr(0, colon), line.substr(begin, end - std::min(begin, end)));
    }
    return length;
}

std::size_t Exchange::on_body(std::span<const std::byte> bytes) {
    listen();
    try {
        switch (taker_(bytes)) {
            case Taken::later:
                return CURL_WRITEFUNC_PAUSE;
            case Taken::yes:
                break;
        }
        received_ += bytes.size();
        note_body(bytes);
        return bytes.size();
    } catch (...) {
        thrown_ = std::current_exception();
    }
    return CURL_WRITEFUNC_ERROR;
}

std::size_t Exchange::on_send(std::span<std::byte> into) {
    listen();
    try {
        if (!request_.bytes.empty()) return on_send_bytes(into.first(call_.piece(into.size())));
        const std::size_t count = read_upload(into.first(call_.piece(into.size())));
        sent_ += count;
        call_.tally.bytes_done += count;
        call_.moved(count);
        listen();
        return count;
    } catch (...) {
        thrown_ = std::current_exception();
        return CURL_READFUNC_ABORT;
    }
}

std::size_t Exchange::on_send_bytes(std::span<std::byte> into) {
    const auto rest = request_.bytes.subspan(static_cast<std::size_t>(sent_));
    const auto piece = rest.first(std::min(rest.size(), into.size()));
    std::copy(piece.begin(), piece.end(), into.begin());
    sent_ += piece.size();
    call_.moved(piece.size());
    listen();
    return piece.size();
}

int Exchange::seek_callback(void* self, curl_off_t offset, int origin) {
    return static_cast<Exchange*>(self)->on_seek(offset, origin);
}

int Exchange::on_seek(curl_off_t offset, int origin) {
    if (origin != SEEK_SET || offset < 0 || static_cast<std::uint64_t>(offset) > request_.bytes.size())
        return CURL_SEEKFUNC_FAIL;
    sent_ = static_cast<std::uint64_t>(offset);
    return CURL_SEEKFUNC_OK;
}

// Neither a file that shrank nor one that grew may go out as if it were whole.
std::size_t Exchange::read_upload(std::span<std::byte> into) {
    if (upload_size_)
        into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), *upload_size_ - sent_)));
    const std::size_t count = into.empty() ? 0 : request_.upload->read(into);
    if (!upload_size_) return count;
    std::byte more{};
    const bool complete = sent_ + count == *upload_size_;
    if ((count == 0 && !complete) || (complete && request_.upload->read(std::span(&more, 1)) != 0)) {
        throw Error(
            ErrorKind::corrupt,
            fmt::format("{}: the file to send has another length than the {} bytes expected", text(), *upload_size_));
    }
    return count;
}

void Exchange::advance() {
    if (ended_) return;
    int running = 0;
    const CURLMcode code = curl_multi_perform(wire_->multi.get(), &running);
    if (code != CURLM_OK)
        fail(std::make_exception_ptr(
            Error(ErrorKind::failed, fmt::format("{}: {}", text(), curl_multi_strerror(code)))));
    if (running == 0) look_for_end();
}

void Exchange::look_for_end() {
    int waiting = 0;
    while (const CURLMsg* message = curl_multi_info_read(wire_->multi.get(), &waiting)) {
        if (message->msg == CURLMSG_DONE) return end(message->data.result);
    }
}

void Exchange::end(CURLcode code) {
    if (thrown_) fail(thrown_);
    if (code != CURLE_OK && !answered_early(code)) fail(std::make_exception_ptr(broken(code)));
    ended_ = true;
    trace_answer();
    watch_.reset();
    curl_multi_remove_handle(wire_->multi.get(), wire_->easy.get());
    added_ = false;
    if (code == CURLE_OK) server_->wires.give_back(std::move(wire_));
}

bool Exchange::sends_body() const {
    return !request_.body.empty() || !request_.bytes.empty() || request_.upload != nullptr;
}

// A server that refuses an upload may answer and close while bytes are still on their way: that is its answer.
bool Exchange::answered_early(CURLcode code) const {
    return (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR) && sends_body() && has_head_ && head_.status >= 400;
}

bool Exchange::connecting() const {
    curl_off_t microseconds = 0;
    curl_easy_getinfo(wire_->easy.get(), CURLINFO_PRETRANSFER_TIME_T, &microseconds);
    return microseconds == 0;
}

void Exchange::wait() {
    call_.require_time();
    if (ended_) return;
    if (connecting()) listen();
    const auto quiet = std::chrono::duration_cast<Milliseconds>(real_now() - moved_);
    if (quiet >= request_.silence) {
        fail(std::make_exception_ptr(
            Error(ErrorKind::stalled, fmt::format("{}: not a byte for {}", text(), format_duration(request_.silence)),
                  "check the server's load and log")));
    }
    const Milliseconds pause = std::min(call_.left(slice), request_.silence - quiet);
    const int most = static_cast<int>(std::clamp<Milliseconds::rep>(pause.count(), 0, slice.count()));
    curl_multi_poll(wire_->multi.get(), nullptr, 0, most, nullptr);
}

void Exchange::resume() {
    if (!ended_) curl_easy_pause(wire_->easy.get(), CURLPAUSE_CONT);
}

void Exchange::listen() {
    moved_ = real_now();
}

std::optional<std::uint64_t> Exchange::announced() const {
    if (!head_.header("transfer-encoding").empty()) return std::nullopt;
    return whole_number(head_.header("content-length"));
}

void Exchange::require_plain() const {
    const std::string_view encoding = head_.header("content-encoding");
    if (encoding.empty() || encoding == "identity") return;
    throw Error(
        ErrorKind::not_understood,
        fmt::format("{}: the body is compressed ({}) though that was not asked", text(), one_line(encoding, 40)),
        "a proxy in between may do this: switch compression off there");
}

std::string Exchange::text() const {
    return fmt::format("{} {}", request_.method, safe_url(shown_url_));
}

Error Exchange::broken(CURLcode code) const {
    const Connection& connection = server_->connection;
    const std::string base = safe_url(connection.base);
    const std::string exchange = text();
    long system_error = 0;
    curl_easy_getinfo(wire_->easy.get(), CURLINFO_OS_ERRNO, &system_error);
    return to_error({.code = code,
                     .words = wire_->words.data(),
                     .system_error = static_cast<int>(system_error),
                     .connected = !connecting(),
                     .base = base,
                     .exchange = exchange,
                     .ca_file = connection.ca_file,
                     .client_cert_file = connection.client_cert_file,
                     .connect_timeout = connection.connect_timeout,
                     .ca_words = connection.ca_words,
                     .client_words = connection.client_words});
}

void Exchange::fail(std::exception_ptr why) {
    try {
        std::rethrow_exception(why);
    } catch (const std::exception& error) {
        trace_failure(error.what());
        throw;
    }
}

}  // namespace vbackup::net
