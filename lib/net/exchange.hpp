// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "base/call.hpp"
#include "net/curl_handle.hpp"
#include "net/http.hpp"
#include "net/trace.hpp"

namespace vbackup::net {

// What became of a piece of the body: it was kept, or it is to be offered again after `resume`.
enum class Taken { yes, later };
// What it throws ends the exchange and comes out of `advance`.
using Taker = std::function<Taken(std::span<const std::byte>)>;

// One server, as every exchange with it needs it.
struct Server {
    Connection connection;
    std::string url_base;    // `base`, with the TLS name instead of the machine's where the two differ
    std::string detour;      // libcurl's word for which machine that name is to be found at; empty: just there
    std::string host_value;  // what the header Host says then
    bool direct = false;     // reached without the proxy of the environment
    Trace trace;
    WirePool wires;
};

// One request on its way and its answer coming in. Everything happens in the thread that calls: `advance` moves what can
// be moved without waiting, `wait` waits until there is more. One thread at a time. The request's body and upload must
// outlive it. Destroying it in the middle closes the connection.
class Exchange {
public:
    // `extra` names what compression is taken (Accept-Encoding), or libcurl leaves it to the server. `buffer` is how many
    // bytes are read at once.
    Exchange(std::shared_ptr<Server> server, const Call& call, const Request& request, Headers extra, long buffer,
             Taker taker);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    // Throws what ended the exchange: an Error, or what the upload's source threw.
    void advance();
    // Until something happened, at most 200 ms. Throws Error{deadline}, Error{interrupted}, and Error{unreachable} after
    // a silence. While the connection is being made its own time-out holds instead of the silence.
    void wait();
    // Offers again what was to be taken later.
    void resume();
    // The silence is counted anew: for readers that come back after a while of their own.
    void listen();

    bool has_head() const { return has_head_; }
    bool ended() const { return ended_; }
    const Response& head() const { return head_; }
    // The announced length of the body; empty for chunked and for none.
    std::optional<std::uint64_t> announced() const;

    // Throws Error{not_understood} when the body is compressed: that was not asked, and nothing here would unpack it.
    void require_plain() const;

    // Its body is a stream of data, which no log keeps unless the answer is a refusal.
    void is_data() { data_ = true; }

    // A text of the server without the keys that it was sent: some repeat them when they refuse.
    std::string without_keys(std::string text) const;

    // "GET https://host/path", safe to show.
    std::string text() const;

private:
    struct Watch {
        CURLM* multi;
        void operator()() const { curl_multi_wakeup(multi); }
    };

    void set_connection();
    void set_tls();
    void set_blobs();
    void set_method();
    void set_bytes();
    void set_headers(const Headers& extra);
    void set_upload();
    void set_callbacks(long buffer);

    std::size_t on_header(std::string_view line);
    std::size_t on_body(std::span<const std::byte> bytes);
    std::size_t on_send(std::span<std::byte> into);
    std::size_t read_upload(std::span<std::byte> into);
    static std::size_t header_callback(char* data, std::size_t one, std::size_t count, void* self);
    static std::size_t body_callback(char* data, std::size_t one, std::size_t count, void* self);
    std::size_t on_send_bytes(std::span<std::byte> into);
    int on_seek(curl_off_t offset, int origin);
    static int seek_callback(void* self, curl_off_t offset, int origin);
    static std::size_t send_callback(char* data, std::size_t one, std::size_t count, void* self);

    void look_for_end();
    void end(CURLcode code);
    bool sends_body() const;
    bool answered_early(CURLcode code) const;
    bool connecting() const;
    Error broken(CURLcode code) const;
    [[noreturn]] void fail(std::exception_ptr why);
    void note_header(std::string_view name, std::string_view value);
    void note_body(std::span<const std::byte> bytes);
    bool is_stream() const;
    void trace_answer();
    void trace_failure(std::string_view why);
    void trace_left() noexcept;
    Exchanged exchanged(const Noting& noting, std::string_view failure, Milliseconds took) const;

    std::shared_ptr<Server> server_;
    Call call_;
    Request request_;
    Taker taker_;
    std::string url_;        // as libcurl gets it
    std::string shown_url_;  // as people know it
    HeaderList headers_;
    HeaderList detour_;
    std::unique_ptr<Wire> wire_;
    MimeHandle mime_;
    std::optional<std::uint64_t> upload_size_;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    std::size_t head_bytes_ = 0;
    Response head_;
    Headers sent_headers_;       // for a log that keeps them
    std::string noted_;          // the beginning of the answer's body, for the same
    std::exception_ptr thrown_;  // by a callback; curl's frames lie in between
    bool traced_ = false;
    bool data_ = false;
    bool has_head_ = false;
    bool ended_ = false;
    bool added_ = false;
    Instant begun_;
    Instant moved_;
    std::optional<std::stop_callback<Watch>> watch_;
};

}  // namespace vbackup::net
