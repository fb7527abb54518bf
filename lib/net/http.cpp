// SPDX-License-Identifier: Apache-2.0
#include "net/http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <optional>
#include <utility>

#include "base/rate.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "io/unzstd.hpp"
#include "net/exchange.hpp"
#include "net/http_source.hpp"
#include "net/no_proxy.hpp"
#include "net/retry.hpp"
#include "net/trace.hpp"

namespace vbackup::net {

namespace {

constexpr long answer_buffer = 64L * 1024;
constexpr std::size_t longest_refusal = std::size_t{64} << 10;

bool same_name(std::string_view one, std::string_view other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

// This machine, and the services that clouds put beside it: no proxy stands in between.
bool is_near(std::string_view name) {
    return name.starts_with("169.254.") || name == "localhost" || name.ends_with(".localhost") ||
           name.starts_with("127.") || name == "::1";
}

void require_sendable(const Connection& connection) {
    for (const auto& [name, secret] : connection.secrets) {
        if (secret.reveal().find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos) continue;
        throw Error(ErrorKind::configuration, fmt::format("the key for the header {} holds a line break", name),
                    "store the key as one line");
    }
}

std::string bracketed(const std::string& name) {
    return name.find(':') == std::string::npos ? name : "[" + name + "]";
}

// libcurl takes the name for TLS from the address: so the address gets that name, and the machine is said besides.
void set_tls_name(const Url& url, Server& server) {
    const auto& name = server.connection.tls_name;
    server.url_base = server.connection.base;
    if (name.empty() || url.scheme != "https") return;
    const int port = url.port == 0 ? 443 : url.port;
    server.url_base = fmt::format("https://{}:{}{}", bracketed(name), port, url.path);
    server.detour = fmt::format("{}:{}:{}:{}", bracketed(name), port, bracketed(url.host), port);
    server.host_value = url.port == 0 ? bracketed(url.host) : fmt::format("{}:{}", bracketed(url.host), port);
}

std::shared_ptr<Server> make_server(Connection connection, Trace trace) {
    const Url url = parse_url(connection.base);
    if (url.scheme != "http" && url.scheme != "https") {
        throw Error(ErrorKind::usage, fmt::format("{} is neither an http nor an https address", url.text()));
    }
    require_sendable(connection);
    while (connection.base.ends_with('/')) connection.base.pop_back();
    auto server = std::make_shared<Server>();
    server->connection = std::move(connection);
    set_tls_name(url, *server);
    server->direct =
        is_near(url.host) || (!server->detour.empty() && is_without_proxy(server->connection.no_proxy, url.host));
    server->trace = std::move(trace);
    return server;
}

Error too_long(const Request& request) {
    return {ErrorKind::not_understood, fmt::format("{} {}: the answer is longer than {}", request.method,
                                                   safe_url(request.path), format_bytes(request.most))};
}

Response exchange_once(const std::shared_ptr<Server>& server, const Call& call, const Request& request) {
    std::string body;
    const auto keep = [&](std::span<const std::byte> bytes) {
        if (bytes.size() > request.most - body.size()) throw too_long(request);
        body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return Taken::yes;
    };
    Exchange exchange(server, call, request, {{"Accept-Encoding", "identity"}}, answer_buffer, keep);
    for (exchange.advance(); !exchange.ended(); exchange.advance()) exchange.wait();
    Response response = exchange.head();
    response.body = response.ok() ? std::move(body) : exchange.without_keys(std::move(body));
    if (response.ok() && !response.body.empty()) exchange.require_plain();
    return response;
}

Headers stream_headers(const Request& request, std::uint64_t offset, std::string_view etag) {
    Headers headers{{"Accept-Encoding", request.zstd ? "zstd" : "identity"}};
    if (offset > 0) headers.emplace_back("Range", fmt::format("bytes={}-", offset));
    if (!etag.empty()) headers.emplace_back("If-Match", std::string(etag));
    return headers;
}

}  // namespace

struct Http::State {
    State(std::shared_ptr<Server> its_server, Random its_random)
        : server(std::move(its_server)), random(std::move(its_random)) {}

    std::shared_ptr<Server> server;
    Random random;
    std::mutex mutex;  // guards pace
    std::optional<Rate> pace;

    // Holds up whoever asks more often than the connection allows.
    void keep_pace(const Call& call) {
        const auto most = server->connection.requests_per_second;
        if (most <= 0) return;
        const auto wait = [&] {
            const std::scoped_lock lock(mutex);
            if (!pace) pace.emplace(static_cast<std::uint64_t>(most), call.clock.now());
            return std::chrono::ceil<Milliseconds>(pace->take(1, call.clock.now()));
        }();
        if (wait.count() == 0) return;
        if (!call.clock.sleep(call.left(wait), call.stop) || call.clock.now() >= call.deadline) call.require_time();
    }
};

Http::Http(Connection connection, Trace trace, Random random)
    : state_(std::make_shared<State>(make_server(std::move(connection), std::move(trace)),
                                     random ? std::move(random) : Random(system_random))) {}

Http::~Http() = default;

const std::string& Http::base() const {
    return state_->server->connection.base;
}

std::string_view Response::header(std::string_view name) const {
    const auto found =
        std::find_if(headers.begin(), headers.end(), [&](const auto& one) { return same_name(one.first, name); });
    return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

Response Http::send(Call& call, const Request& request, bool repeat) const {
    call.require_time();
    const auto once = [&] {
        state_->keep_pace(call);
        return exchange_once(state_->server, call, request);
    };
    if (!repeat || !is_repeatable(request)) return once();
    return repeat_while_passing(call, state_->random, state_->server->trace, once, request.passing);
}

std::unique_ptr<io::Source> Http::open(Call& call, const Request& request, Response& head, std::uint64_t offset,
                                       std::string_view etag) const {
    call.require_time();
    // Ranges of what is compressed anew for each answer mean nothing.
    if (request.zstd) offset = 0;
    std::unique_ptr<HttpSource> source;
    const auto once = [&] {
        state_->keep_pace(call);
        source = std::make_unique<HttpSource>(state_->server, call, request, stream_headers(request, offset, etag));
        Response answer = source->wait_for_head();
        if (!answer.ok()) answer.body = source->read_refusal(longest_refusal);
        return answer;
    };
    head = is_repeatable(request)
               ? repeat_while_passing(call, state_->random, state_->server->trace, once, request.passing)
               : once();
    if (!head.ok()) return nullptr;
    source->accept(offset);
    if (source->is_zstd()) return io::unzstd(std::move(source));
    return source;
}

}  // namespace vbackup::net
