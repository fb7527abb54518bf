// SPDX-License-Identifier: Apache-2.0
#include "support/http_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "base/text.hpp"

namespace vbackup::test {

namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::uint64_t number(std::string_view text, int base = 10) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value, base);
    return value;
}

// A script line: which requests it is for, and what they get, in order.
struct Route {
    std::string method;
    std::string path;
    std::deque<Responder> responders;
    std::deque<bool> leave_body;  // the answer does not want the request's body to be read

    bool matches(const HttpRequest& request) const {
        return method == request.method && glob_match(path, request.path);
    }
};

bool leaves_body(Fault fault) {
    return fault == Fault::never_read || fault == Fault::early;
}

// A connection's bytes, with what was read beyond a line or a body kept for the next.
class Reader {
public:
    explicit Reader(Link& link) : link_(link) {}

    // Up to and with `end`, which is left out; empty when the connection ended before.
    std::optional<std::string> until(std::string_view end) {
        std::size_t found = 0;
        while ((found = held_.find(end)) == std::string::npos) {
            if (!more()) return std::nullopt;
        }
        std::string text = held_.substr(0, found);
        held_.erase(0, found + end.size());
        return text;
    }

    // Appends up to `count` bytes; false when the connection ended before.
    bool take(std::uint64_t count, std::string& into) {
        while (count > 0) {
            if (held_.empty() && !more()) return false;
            const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(count, held_.size()));
            into.append(held_, 0, now);
            held_.erase(0, now);
            count -= now;
        }
        return true;
    }

private:
    bool more() {
        char bytes[16384];
        const std::size_t count = link_.read(bytes);
        held_.append(bytes, count);
        return count > 0;
    }

    Link& link_;
    std::string held_;
};

std::optional<HttpRequest> read_head(Reader& reader) {
    const auto head = reader.until("\r\n\r\n");
    if (!head) return std::nullopt;
    HttpRequest request;
    std::size_t line_end = std::min(head->find("\r\n"), head->size());
    const std::string first = head->substr(0, line_end);
    const auto space = first.find(' ');
    request.method = first.substr(0, space);
    request.target = first.substr(space + 1, first.rfind(' ') - space - 1);
    const auto question = request.target.find('?');
    request.path = request.target.substr(0, question);
    if (question != std::string::npos) request.query = request.target.substr(question + 1);
    while (line_end < head->size()) {
        const std::size_t begin = line_end + 2;
        line_end = std::min(head->find("\r\n", begin), head->size());
        const std::string line = head->substr(begin, line_end - begin);
        const auto colon = std::min(line.find(':'), line.size());
        const auto value = std::min(line.find_first_not_of(' ', colon + 1), line.size());
        request.headers.emplace_back(line.substr(0, colon), line.substr(value));
    }
    request.chunked = lower(request.header("transfer-encoding")) == "chunked";
    return request;
}

bool read_chunks(Reader& reader, std::string& body) {
    while (true) {
        const auto line = reader.until("\r\n");
        if (!line) return false;
        const std::uint64_t size = number(*line, 16);
        if (!reader.take(size, body)) return false;
        if (!reader.until("\r\n")) return false;
        if (size == 0) return true;
    }
}

bool read_body(Link& link, Reader& reader, HttpRequest& request) {
    if (lower(request.header("expect")) == "100-continue" && !link.write("HTTP/1.1 100 Continue\r\n\r\n")) return false;
    if (request.chunked) return read_chunks(reader, request.body);
    return reader.take(number(request.header("content-length")), request.body);
}

std::string head_text(const Answer& answer) {
    std::string head = fmt::format("HTTP/1.1 {} Scripted\r\n", answer.status);
    for (const auto& [name, value] : answer.headers) head += fmt::format("{}: {}\r\n", name, value);
    if (answer.chunked) {
        head += "Transfer-Encoding: chunked\r\n";
    } else if (answer.status != 204 && answer.status != 304) {
        head += fmt::format("Content-Length: {}\r\n", answer.announced.value_or(answer.body.size()));
    }
    return head + "\r\n";
}

// Port 0 becomes the one that the kernel chose.
int listen_on(const std::string& where, std::uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // A server that comes back listens where its old connections still linger.
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    socklen_t length = sizeof address;
    const bool good = fd >= 0 && ::inet_pton(AF_INET, where.c_str(), &address.sin_addr) == 1 &&
                      ::bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 && ::listen(fd, 64) == 0 &&
                      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    if (!good) {
        if (fd >= 0) ::close(fd);
        throw std::runtime_error("the test server cannot listen on " + where);
    }
    port = ntohs(address.sin_port);
    return fd;
}

// OpenSSL writes without MSG_NOSIGNAL; the signal stays with the thread that wrote.
void block_sigpipe() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

struct HttpServer::State {
    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    std::mutex answering;
    std::vector<std::unique_ptr<Route>> routes;
    std::vector<HttpRequest> requests;
    std::set<Link*> open;
    std::size_t connections = 0;
    Tamper tamper;  // under `answering`
    bool released = false;
    bool over = false;
    std::size_t rate = 0;
    std::chrono::steady_clock::time_point next_piece;  // when a connection may send again, with a rate

    std::unique_ptr<TlsContext> tls;
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;
    int listener = -1;
    std::vector<std::jthread> threads;
    std::jthread acceptor;

    void start();
    void accept_all();
    void serve(int fd, std::size_t connection);
    void talk(Link& link, std::size_t connection);
    bool exchange(Link& link, Reader& reader, std::size_t connection);
    void add(std::string method, std::string path, Responder responder, bool leave_body);
    // Takes the next answer out of the script.
    std::pair<Responder, bool> next(const HttpRequest& request);
    bool give(Link& link, const Answer& answer);
    bool give_body(Link& link, const Answer& answer, std::string_view body);
    void wait_for_release();
    void pause(std::chrono::milliseconds length);
    void take_turn(std::size_t bytes);
};

void HttpServer::State::start() {
    listener = listen_on(address, port);
    acceptor = std::jthread([this] { accept_all(); });
}

void HttpServer::State::accept_all() {
    while (true) {
        const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        const std::scoped_lock lock(mutex);
        // Head and body go out as two pieces: without this the second waits for the first's acknowledgement.
        const int yes = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (over) {
            ::close(fd);
            return;
        }
        threads.emplace_back([this, fd, connection = ++connections] { serve(fd, connection); });
    }
}

void HttpServer::State::serve(int fd, std::size_t connection) {
    block_sigpipe();
    const std::unique_ptr<Link> link = tls ? tls->accept(fd) : std::make_unique<Link>(fd);
    if (!link) return;
    {
        const std::scoped_lock lock(mutex);
        if (over) return;
        open.insert(link.get());
    }
    talk(*link, connection);
    const std::scoped_lock lock(mutex);
    open.erase(link.get());
}

void HttpServer::State::talk(Link& link, std::size_t connection) {
    Reader reader(link);
    while (exchange(link, reader, connection)) {
    }
}

// False when the connection is to be closed.
bool HttpServer::State::exchange(Link& link, Reader& reader, std::size_t connection) {
    auto request = read_head(reader);
    if (!request) return false;
    request->connection = connection;
    std::size_t index = 0;
    {
        const std::scoped_lock lock(mutex);
        index = requests.size();
        requests.push_back(*request);
    }
    changed.notify_all();
    const auto [responder, leave_body] = next(*request);
    const bool whole = leave_body || read_body(link, reader, *request);
    {
        const std::scoped_lock lock(mutex);
        requests[index].body = request->body;
    }
    changed.notify_all();
    if (!whole) return false;
    Answer answer;
    {
        const std::scoped_lock lock(answering);
        const auto work = [&] { return responder(*request); };
        answer = tamper ? tamper(*request, work) : work();
    }
    if (request->method == "HEAD") {
        answer.announced = answer.announced.value_or(answer.body.size());
        answer.body.clear();
    }
    const bool stays_open = give(link, answer) && !leave_body;
    if (answer.fault == Fault::early) link.linger();
    return stays_open;
}

std::pair<Responder, bool> HttpServer::State::next(const HttpRequest& request) {
    const std::scoped_lock lock(mutex);
    const auto found =
        std::find_if(routes.rbegin(), routes.rend(), [&](const auto& route) { return route->matches(request); });
    if (found == routes.rend()) return {[](const HttpRequest&) { return Answer{.status = 404}; }, false};
    Route& route = **found;
    std::pair<Responder, bool> answer{route.responders.front(), route.leave_body.front()};
    if (route.responders.size() > 1) {
        route.responders.pop_front();
        route.leave_body.pop_front();
    }
    return answer;
}

void HttpServer::State::add(std::string method, std::string path, Responder responder, bool leave_body) {
    const std::scoped_lock lock(mutex);
    auto found = std::find_if(routes.begin(), routes.end(),
                              [&](const auto& route) { return route->method == method && route->path == path; });
    if (found == routes.end()) {
        routes.push_back(std::make_unique<Route>(Route{std::move(method), std::move(path), {}, {}}));
        found = std::prev(routes.end());
    }
    (*found)->responders.push_back(std::move(responder));
    (*found)->leave_body.push_back(leave_body);
}

// False when the connection is to be closed.
bool HttpServer::State::give(Link& link, const Answer& answer) {
    const std::string_view body = answer.body;
    switch (answer.fault) {
        case Fault::reset:
            link.reset_on_close();
            return false;
        case Fault::close:
            return false;
        case Fault::stall:
        case Fault::never_read:
            wait_for_release();
            return false;
        case Fault::garbage:
            give_body(link, answer, body);
            return false;
        case Fault::stall_body:
        case Fault::cut:
        case Fault::cut_reset:
            if (!link.write(head_text(answer)) || !give_body(link, answer, body.substr(0, answer.fault_at)))
                return false;
            if (answer.fault == Fault::stall_body) wait_for_release();
            if (answer.fault == Fault::cut_reset) link.reset_on_close();
            return false;
        case Fault::early:
        case Fault::none:
            break;
    }
    if (!link.write(head_text(answer)) || !give_body(link, answer, body)) return false;
    if (answer.chunked && !link.write("0\r\n\r\n")) return false;
    return !answer.announced || *answer.announced == body.size();
}

bool HttpServer::State::give_body(Link& link, const Answer& answer, std::string_view body) {
    while (!body.empty()) {
        if (answer.drip.count() > 0) pause(answer.drip);
        const std::string_view piece = body.substr(0, answer.piece);
        take_turn(piece.size());
        const bool good =
            answer.chunked ? link.write(fmt::format("{:x}\r\n{}\r\n", piece.size(), piece)) : link.write(piece);
        if (!good) return false;
        body.remove_prefix(piece.size());
    }
    return true;
}

void HttpServer::State::wait_for_release() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return released || over; });
}

void HttpServer::State::pause(std::chrono::milliseconds length) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, length, [this] { return released || over; });
}

void HttpServer::State::take_turn(std::size_t bytes) {
    std::unique_lock lock(mutex);
    if (rate == 0) return;
    const auto turn = std::max(next_piece, std::chrono::steady_clock::now());
    next_piece = turn + std::chrono::microseconds(bytes * 1'000'000 / rate);
    changed.wait_until(lock, turn, [this] { return released || over; });
}

HttpServer::HttpServer() : state_(std::make_shared<State>()) {
    state_->start();
}

HttpServer::HttpServer(const std::string& address, std::uint16_t port) : state_(std::make_shared<State>()) {
    state_->address = address;
    state_->port = port;
    state_->start();
}

HttpServer::HttpServer(const TlsFiles& tls) : state_(std::make_shared<State>()) {
    state_->tls = std::make_unique<TlsContext>(tls);
    state_->start();
}

HttpServer::~HttpServer() {
    {
        const std::scoped_lock lock(state_->mutex);
        state_->over = true;
        for (Link* link : state_->open) link->shut();
    }
    state_->changed.notify_all();
    ::shutdown(state_->listener, SHUT_RDWR);
    state_->acceptor = {};
    state_->threads.clear();
    ::close(state_->listener);
}

std::string HttpServer::base() const {
    return fmt::format("{}://{}:{}", state_->tls ? "https" : "http", state_->address, state_->port);
}

std::uint16_t HttpServer::port() const {
    return state_->port;
}

void HttpServer::on(std::string method, std::string path, Answer answer) {
    const bool leave_body = leaves_body(answer.fault);
    state_->add(
        std::move(method), std::move(path), [answer](const HttpRequest&) { return answer; }, leave_body);
}

void HttpServer::on(std::string method, std::string path, Responder responder) {
    state_->add(std::move(method), std::move(path), std::move(responder), false);
}

std::vector<HttpRequest> HttpServer::requests() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->requests;
}

std::size_t HttpServer::count(std::string_view method, std::string_view path) const {
    const std::scoped_lock lock(state_->mutex);
    return static_cast<std::size_t>(
        std::count_if(state_->requests.begin(), state_->requests.end(),
                      [&](const HttpRequest& one) { return one.method == method && glob_match(path, one.path); }));
}

void HttpServer::wait_for_requests(std::size_t count) const {
    std::unique_lock lock(state_->mutex);
    const bool came =
        state_->changed.wait_for(lock, std::chrono::seconds(10), [&] { return state_->requests.size() >= count; });
    if (!came) throw std::runtime_error("the test server waited for a request in vain");
}

std::size_t HttpServer::connections() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->connections;
}

void HttpServer::tamper(Tamper tamper) {
    const std::scoped_lock lock(state_->answering);
    state_->tamper = std::move(tamper);
}

void HttpServer::limit(std::size_t bytes_in_second) {
    const std::scoped_lock lock(state_->mutex);
    state_->rate = bytes_in_second;
}

void HttpServer::disconnect() {
    const std::scoped_lock lock(state_->mutex);
    for (Link* link : state_->open) link->shut();
}

void HttpServer::release() {
    {
        const std::scoped_lock lock(state_->mutex);
        state_->released = true;
    }
    state_->changed.notify_all();
}

std::string_view HttpRequest::header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (lower(key) == lower(name)) return value;
    }
    return {};
}

Answer file_answer(const HttpRequest& request, const std::string& bytes, const std::string& etag) {
    const std::string_view match = request.header("if-match");
    if (!match.empty() && match != etag) return {.status = 412};
    Answer answer{.headers = {{"ETag", etag}, {"Accept-Ranges", "bytes"}}};
    const std::string_view range = request.header("range");
    if (!range.starts_with("bytes=")) {
        answer.body = bytes;
        return answer;
    }
    const std::uint64_t first = number(range.substr(6));
    if (first >= bytes.size()) {
        answer.status = 416;
        answer.headers.emplace_back("Content-Range", fmt::format("bytes */{}", bytes.size()));
        return answer;
    }
    const std::string_view end = range.substr(range.find('-') + 1);
    const std::uint64_t last = end.empty() ? bytes.size() - 1 : std::min<std::uint64_t>(number(end), bytes.size() - 1);
    answer.status = 206;
    answer.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", first, last, bytes.size()));
    answer.body = bytes.substr(first, last - first + 1);
    return answer;
}

}  // namespace vbackup::test
