// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/link.hpp"

namespace vbackup::test {

// A request as it came in. `target` is what stood in the request line, `path` and `query` are its halves, not decoded.
struct HttpRequest {
    std::string method;
    std::string target;
    std::string path;
    std::string query;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;            // without the framing of chunks
    bool chunked = false;        // how the body came
    std::size_t connection = 0;  // which connection it came on, counted from 1

    // The first header of that name, whatever its case; "" for none.
    std::string_view header(std::string_view name) const;
};

enum class Fault {
    none,
    close,       // the connection is closed instead of an answer
    reset,       // the same, hard (RST)
    cut,         // after `fault_at` bytes of the body the connection is closed
    cut_reset,   // the same, hard
    stall,       // no answer, until release() or the server's end
    stall_body,  // head and `fault_at` bytes of the body, then nothing
    garbage,     // `body` is sent as it is, without a head or chunks
    never_read,  // the request's body is left unread, and there is no answer
    early,       // the answer is sent before the request's body was read; what comes of it is then thrown away
};

struct Answer {
    int status = 200;
    std::string body = {};
    std::vector<std::pair<std::string, std::string>> headers =
        {};  // Content-Length and Transfer-Encoding come by themselves
    bool chunked = false;
    Fault fault = Fault::none;
    std::size_t fault_at = 0;
    std::optional<std::uint64_t> announced = {};  // a Content-Length that is a lie
    std::chrono::milliseconds drip{0};            // a pause before each piece of the body
    std::size_t piece = std::size_t{64} << 10;    // the size of a chunk, or of what is written at once
};

using Responder = std::function<Answer(const HttpRequest&)>;

// Stands between each request and its answer: `work` does and says what the script has, and a request for which it is not
// called never took effect.
using Tamper = std::function<Answer(const HttpRequest&, const std::function<Answer()>& work)>;

// A scripted HTTP/1.1 server on 127.0.0.1, on a port that the kernel chooses, with real sockets and real faults. Each
// connection has a thread; what was stalled ends with the server. Thread-safe; responders are called one at a time.
class HttpServer {
public:
    HttpServer();
    // On another loopback address, or on a port that must be free; throws std::runtime_error when it is not.
    explicit HttpServer(const std::string& address, std::uint16_t port = 0);
    explicit HttpServer(const TlsFiles& tls);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // "http://127.0.0.1:40123", or https.
    std::string base() const;
    std::uint16_t port() const;

    // What a request of that method and path gets; `*` in the path is any run of characters, the query does not count.
    // Answers are given in the order of these calls, one each; the last one stays. The newest matching path pattern wins.
    // What no pattern matches gets a 404 without a body, as unknown routes of Qdrant do.
    void on(std::string method, std::string path, Answer answer = {});
    void on(std::string method, std::string path, Responder responder);

    // All requests whose head came in, oldest first; a body that was not read to its end is what had come by then.
    std::vector<HttpRequest> requests() const;
    std::size_t count(std::string_view method, std::string_view path) const;
    // Blocks until `count` requests have come in; throws std::runtime_error after 10 s.
    void wait_for_requests(std::size_t count) const;
    std::size_t connections() const;

    // From now on every request whose body was read goes through this; empty: none does. One at a time, as responders.
    void tamper(Tamper tamper);

    // From now on all connections together are sent at most so many bytes of bodies in a second; 0: as many as they take.
    void limit(std::size_t bytes_in_second);

    // Closes all connections there are, idle or not.
    void disconnect();

    // Ends all stalls and drips there are and will be: the connection is closed, or the rest goes out at once.
    void release();

private:
    struct State;
    std::shared_ptr<State> state_;
};

// The answer of a server that knows ranges, as Qdrant with local storage gives it (contracts.md Q.7): 206 for
// "bytes=N-" and "bytes=N-M", 416 at or beyond the end, 412 when If-Match names another etag, else 200.
Answer file_answer(const HttpRequest& request, const std::string& bytes, const std::string& etag);

}  // namespace vbackup::test
