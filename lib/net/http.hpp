// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/call.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "io/stream.hpp"

namespace vbackup::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

// How to reach one server. The secret header's value is never traced, logged or put in an error.
struct Connection {
    std::string base = {};  // "https://host:6333", no '/' at the end
    // Headers such as {"api-key", …} or {"Authorization", "Bearer …"}.
    std::vector<std::pair<std::string, Secret>> secrets = {};
    std::string ca_file = {};  // PEM; empty: the system's
    std::string client_cert_file = {};
    std::string client_key_file = {};
    Milliseconds connect_timeout{10'000};
    // At most so many requests go out in a second on the average, repeats included, and twice as many in any one second; who
    // would send more waits on the call's clock. 0: as many as there are.
    int requests_per_second = 0;
    // PEM in memory instead of files; of `ca_pem` alone an authority is trusted, not of the system's.
    std::string ca_pem = {};
    std::string client_cert_pem = {};
    Secret client_key_pem = {};
    std::string ca_words = {};  // where these come from, for errors: "certificate-authority-data of the cluster kind"
    std::string client_words = {};
    std::string tls_name =
        {};  // the server's certificate must be of this name, which is also asked for; empty: that of `base`
    std::string proxy = {};  // its URL, used also for what is near; empty: what the environment says
    // NO_PROXY of the environment; needed with a `tls_name`, which libcurl would look for in it instead of the machine.
    std::string no_proxy = {};
    bool trust_anyone = false;  // the server's certificate is not looked at
};

struct Response;

struct Request {
    std::string method = "GET";
    std::string path = {};  // "/v1/meta?output=minimal", encoded
    Headers headers = {};
    std::string body = {};
    std::string content_type = "application/json";  // sent when there is a body
    io::Source* upload = nullptr;  // instead of `body`: sent as one multipart/form-data part named `upload_part`
    std::string upload_part = "snapshot";
    std::string upload_name = "file";
    std::optional<std::uint64_t> upload_size = {};
    // For `open`, on slow links: lets the server compress the body on the way (Accept-Encoding: zstd). The source gives the
    // bytes as they were before; its size is then unknown (head's Content-Length is that of the compressed body), the rate
    // counts what is on the wire, and no range is asked: it begins at 0 whatever the offset, so a broken line starts over.
    // A driver that would rather go on asks without it when the offset is not 0. A server that does not compress answers
    // as ever. `send` takes no notice of it.
    bool zstd = false;
    // The longest silence while waiting for or reading the answer; an upload that moves is not silent.
    Milliseconds silence{30'000};
    std::size_t most = std::size_t{64} << 20;  // the longest answer kept in memory; Error{not_understood} above
    // Instead of `body`: sent from where they lie, without a copy; they must outlive the exchange. They count against the
    // rate, and not in the tally, where whoever filled them counted them.
    std::span<const std::byte> bytes = {};
    // Sending it twice does what sending it once does, whatever the method: it is repeated like a GET.
    bool repeatable = false;
    // Further headers, made anew for each attempt: signatures hold the time. What it throws ends the request.
    std::function<Headers()> sign = {};
    // Answers besides the usual statuses that may be gone a moment later, for services that say so in the body.
    std::function<bool(const Response&)> passing = {};
};

struct Response {
    int status = 0;
    Headers headers;
    std::string body;
    // The first header of that name, whatever its case; "" for none.
    std::string_view header(std::string_view name) const;
    bool ok() const { return status >= 200 && status < 300; }
};

// Notes each exchange without secrets: "GET http://host/v1/meta -> 200 (103 B, 12ms)". Thread-safe.
using Trace = std::function<void(std::string_view line)>;

// A number in [0, 1), for jitter. Thread-safe.
using Random = std::function<double()>;

// One server over HTTP. Thread-safe: each call takes a handle of its own from a pool.
class Http {
public:
    // Throws Error{usage} for a base that is no http or https address, Error{configuration} for a secret that cannot be
    // sent (a line break in it). `random` is replaced by tests.
    Http(Connection connection, Trace trace = {}, Random random = {});
    ~Http();
    Http(const Http&) = delete;
    Http& operator=(const Http&) = delete;

    // One exchange. Throws Error{unreachable} (no connection, reset, cut body), Error{stalled} (silence), Error{denied} for a refused
    // certificate, Error{deadline} / Error{interrupted} by the call. Any status is an answer, not an error.
    // GET and HEAD without a body, and what is `repeatable`, are repeated on unreachable, 408, 429 (Retry-After is the floor)
    // and 500, 502, 503, 504, up to 4 times within the call's deadline, with full jitter; nothing else ever is. `repeat` false: polls,
    // whose loop is the retry. Redirects are not followed. Bodies are asked for without compression.
    Response send(Call& call, const Request& request, bool repeat = true) const;

    // The body as a stream. The answer's head has been read when it returns: `head` holds status and headers. For a
    // status outside 2xx the body is read (at most 64 KiB) into head.body and the pointer is empty. With offset > 0 a Range is asked, with
    // `etag` also If-Match; a 200 then begins at offset 0 (see Source::offset). A body that ends early is unreachable.
    // Getting the head is repeated like `send`; once the head is there nothing is: the reader opens again by offset.
    // The source keeps what it needs of Http and Call, but the call's clock, tally and rate must outlive it.
    // Its bytes, and those of an upload, are counted against the call's rate, which holds up whoever reads or sends.
    std::unique_ptr<io::Source> open(Call& call, const Request& request, Response& head, std::uint64_t offset = 0,
                                     std::string_view etag = {}) const;

    const std::string& base() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

// How long to wait before attempt `attempt` (0 is the first repeat): random(0, min(cap, first * 2^attempt)), at least
// `floor` (Retry-After). `random` is a number in [0, 1). The first is 250 ms, the cap 20 s.
Milliseconds backoff(int attempt, Milliseconds floor, double random);

// Seconds or an HTTP date in a Retry-After header; 0 when there is none. At most one hour.
Milliseconds retry_after(std::string_view value, Moment now);

// An HTTP date as RFC 9110 tells senders to write it; empty for anything else.
std::optional<Moment> http_date(std::string_view text);

}  // namespace vbackup::net
