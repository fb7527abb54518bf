// SPDX-License-Identifier: Apache-2.0
// What an exchange tells to a trace. The rest of Exchange is in exchange.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/text.hpp"
#include "net/exchange.hpp"
#include "net/mask.hpp"
#include "net/trace.hpp"

namespace vbackup::net {

namespace {

constexpr std::size_t most_kept = std::size_t{16} << 10;

std::vector<std::string_view> known_secrets(const Connection& connection, const Request& request,
                                            const Noting* noting) {
    std::vector<std::string_view> all;
    const auto add = [&](std::string_view value) {
        for (const auto part : parts_of_secret(value)) all.push_back(part);
    };
    for (const auto& [name, secret] : connection.secrets) add(secret.reveal());
    for (const auto& [name, value] : request.headers)
        if (looks_secret(name)) add(value);
    if (noting != nullptr && noting->hidden) all.push_back(noting->hidden->reveal());
    // The longest first: what is part of another must not break it up.
    std::sort(all.begin(), all.end(), [](auto a, auto b) { return a.size() > b.size(); });
    return all;
}

bool is_text(std::string_view type, std::string_view bytes) {
    std::string plain(type);
    std::transform(plain.begin(), plain.end(), plain.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    for (const auto* word : {"octet-stream", "tar", "zstd", "gzip", "image/", "multipart/"})
        if (plain.find(word) != std::string::npos) return false;
    return bytes.find('\0') == std::string_view::npos;
}

Exchanged::Body body_of(std::string type, std::string_view bytes, std::uint64_t whole,
                        std::span<const std::string_view> known) {
    Exchanged::Body body{.type = std::move(type)};
    if (whole == 0) return body;
    if (!is_text(body.type, bytes)) {
        body.note = "not text";
        return body;
    }
    body.text = mask_text(bytes.substr(0, most_kept), known);
    if (whole > bytes.size() || bytes.size() > most_kept)
        body.note = fmt::format("the first {} of {}", format_bytes(most_kept), format_bytes(whole));
    return body;
}

Headers shown(const Headers& headers, std::span<const std::string_view> known) {
    Headers out;
    for (const auto& [name, value] : headers)
        out.emplace_back(name, looks_secret(name) ? std::string(masked) : mask_text(value, known));
    return out;
}

}  // namespace

void Exchange::note_header(std::string_view name, std::string_view value) {
    if (noting_of(server_->trace)) sent_headers_.emplace_back(name, value);
}

// One byte more than is shown, to know that there was more.
void Exchange::note_body(std::span<const std::byte> bytes) {
    const auto* noting = noting_of(server_->trace);
    if (!noting || !noting->bodies || is_stream()) return;
    const auto room = most_kept + 1 - std::min(noted_.size(), most_kept + 1);
    noted_.append(reinterpret_cast<const char*>(bytes.data()), std::min(room, bytes.size()));
}

// What a refused stream brings is words.
bool Exchange::is_stream() const {
    return data_ && head_.status >= 200 && head_.status < 300;
}

void Exchange::trace_answer() {
    traced_ = true;
    if (!server_->trace) return;
    const auto took = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begun_);
    server_->trace(
        net::trace_answer(request_.method, shown_url_, head_.status, sent_ + request_.body.size(), received_, took));
    if (const auto* noting = noting_of(server_->trace)) noting->whole(exchanged(*noting, "", took));
}

void Exchange::trace_failure(std::string_view why) {
    traced_ = true;
    if (!server_->trace) return;
    const auto took = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begun_);
    server_->trace(net::trace_failure(request_.method, shown_url_, why, took));
    if (const auto* noting = noting_of(server_->trace)) noting->whole(exchanged(*noting, why, took));
}

void Exchange::trace_left() noexcept {
    try {
        trace_failure(has_head_ ? "left before its end" : "given up");
    } catch (const std::exception&) {
        // A log without this line is better than no program.
    }
}

std::string Exchange::without_keys(std::string text) const {
    return mask_known(std::move(text), known_secrets(server_->connection, request_, nullptr));
}

Exchanged Exchange::exchanged(const Noting& noting, std::string_view failure, Milliseconds took) const {
    const auto known = known_secrets(server_->connection, request_, &noting);
    Exchanged out{.method = request_.method,
                  .url = mask_text(safe_url(shown_url_), known),
                  .sent_headers = shown(sent_headers_, known),
                  .headers = shown(head_.headers, known),
                  .sent = sent_ + request_.body.size(),
                  .received = received_,
                  .status = head_.status,
                  .failure = mask_text(failure, known),
                  .took = took};
    const std::string type(head_.header("content-type"));
    if (!noting.bodies) {
        out.sent_body = {.type = request_.content_type, .note = "a secret"};
        out.body = {.type = type, .note = "a secret"};
        return out;
    }
    if (!request_.body.empty())
        out.sent_body = body_of(request_.content_type, request_.body, request_.body.size(), known);
    else if (sends_body())
        out.sent_body = {.type = request_.content_type, .note = "the bytes of a file"};
    if (is_stream())
        out.body = {.type = type, .note = "a stream of data"};
    else
        out.body = body_of(type, noted_, received_, known);
    return out;
}

}  // namespace vbackup::net
