// SPDX-License-Identifier: Apache-2.0
#include "support/resp_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>

namespace vbackup::test {

namespace resp {

std::string ok() {
    return "+OK\r\n";
}
std::string status(std::string_view text) {
    return fmt::format("+{}\r\n", text);
}
std::string error(std::string_view text) {
    return fmt::format("-{}\r\n", text);
}
std::string integer(std::int64_t number) {
    return fmt::format(":{}\r\n", number);
}
std::string text(std::string_view text) {
    return fmt::format("${}\r\n{}\r\n", text.size(), text);
}
std::string nil() {
    return "$-1\r\n";
}
std::string array(const std::vector<std::string>& items) {
    auto all = fmt::format("*{}\r\n", items.size());
    for (const auto& item : items) all += item;
    return all;
}
std::string texts(const std::vector<std::string>& items) {
    std::vector<std::string> all;
    for (const auto& item : items) all.push_back(text(item));
    return array(all);
}

}  // namespace resp

namespace {

bool same_word(std::string_view one, std::string_view other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](unsigned char a, unsigned char b) { return std::toupper(a) == std::toupper(b); });
}

// Commands out of what comes in.
class Reader {
public:
    explicit Reader(Link& link) : link_(link) {}

    // Empty at the end of the connection.
    std::optional<RespCommand> next() {
        const auto head = line();
        if (!head || head->empty() || head->front() != '*') return std::nullopt;
        RespCommand command(std::stoul(head->substr(1)));
        for (auto& word : command) {
            const auto size = line();
            if (!size || size->empty() || size->front() != '$') return std::nullopt;
            if (!take(std::stoul(size->substr(1)), word)) return std::nullopt;
            if (!line()) return std::nullopt;
        }
        return command;
    }
    // Whether the next command is there already.
    bool has_more() const { return at_ < buffer_.size(); }

private:
    bool fill() {
        if (at_ == buffer_.size()) {
            buffer_.clear();
            at_ = 0;
        }
        std::array<char, 65536> block{};
        const auto count = link_.read(block);
        buffer_.append(block.data(), count);
        return count > 0;
    }
    std::optional<std::string> line() {
        for (;;) {
            const auto end = buffer_.find("\r\n", at_);
            if (end != std::string::npos) {
                auto found = buffer_.substr(at_, end - at_);
                at_ = end + 2;
                return found;
            }
            if (!fill()) return std::nullopt;
        }
    }
    bool take(std::size_t size, std::string& into) {
        while (buffer_.size() - at_ < size)
            if (!fill()) return false;
        into = buffer_.substr(at_, size);
        at_ += size;
        return true;
    }

    Link& link_;
    std::string buffer_;
    std::size_t at_ = 0;
};

}  // namespace

struct RespServer::State {
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::mutex answering;
    Responder responder;
    Tamper tamper;  // under `answering`
    std::unique_ptr<TlsContext> tls;
    std::vector<RespCommand> commands;
    std::set<Link*> open;
    std::size_t connections = 0;
    bool over = false;
    bool deaf = false;
    int listener = -1;
    std::uint16_t port = 0;
    std::vector<std::jthread> threads;
    std::jthread acceptor;

    void start() {
        listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* plain = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener, plain, length) != 0 || ::listen(listener, 64) != 0 ||
            ::getsockname(listener, plain, &length) != 0)
            throw std::runtime_error("the test server cannot listen");
        port = ntohs(address.sin_port);
        acceptor = std::jthread([this] { accept_all(); });
    }

    void accept_all() {
        for (;;) {
            const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
            const auto why = errno;
            std::unique_lock lock(mutex);
            if (over) {
                if (fd >= 0) ::close(fd);
                return;
            }
            // A moment without descriptors or memory is not the server's end: the client waits in line meanwhile.
            if (fd < 0 && (why == EMFILE || why == ENFILE || why == ENOBUFS || why == ENOMEM)) {
                changed.wait_for(lock, std::chrono::milliseconds(10), [this] { return over; });
                continue;
            }
            // Nor is a client that gave up before it was taken.
            if (fd < 0 && (why == EINTR || why == ECONNABORTED || why == EPROTO)) continue;
            if (fd < 0) return;
            ++connections;
            threads.emplace_back([this, fd] { serve(fd); });
        }
    }

    void serve(int fd) {
        const auto link = tls ? tls->accept(fd) : std::make_unique<Link>(fd);
        if (!link) return;
        {
            const std::scoped_lock lock(mutex);
            if (over) return;
            open.insert(link.get());
        }
        if (deaf) {
            wait_for_end();
        } else {
            talk(*link);
        }
        const std::scoped_lock lock(mutex);
        open.erase(link.get());
    }

    void talk(Link& link) {
        Reader reader(link);
        RespSession session;
        std::string out;
        while (auto command = reader.next()) {
            auto answer = answer_to(session, *command);
            if (answer.then == RespAnswer::Then::later) {
                if (!link.write(out) || !wait_for(answer.when)) return;
                out.clear();
                try {
                    answer = {answer.when.get()};
                } catch (const std::future_error&) {
                    return;  // nobody will ever answer it
                }
            }
            out += answer.bytes;
            if (answer.then == RespAnswer::Then::go_on && reader.has_more() && out.size() < 65536) continue;
            if (!link.write(out)) return;
            out.clear();
            if (answer.then == RespAnswer::Then::close) return;
            if (answer.then == RespAnswer::Then::stall) return wait_for_end();
        }
    }

    RespAnswer answer_to(RespSession& session, const RespCommand& command) {
        {
            const std::scoped_lock lock(mutex);
            commands.push_back(command);
        }
        const std::scoped_lock lock(answering);
        const auto work = [&] { return responder(session, command); };
        return tamper ? tamper(command, work) : work();
    }

    // False at the server's end.
    bool wait_for(const std::shared_future<std::string>& answer) {
        std::unique_lock lock(mutex);
        while (!over) {
            if (answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready) return true;
            changed.wait_for(lock, std::chrono::milliseconds(2));
        }
        return false;
    }

    void wait_for_end() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return over; });
    }
};

RespServer::RespServer(Responder responder, bool deaf) : state_(std::make_shared<State>()) {
    state_->deaf = deaf;
    state_->responder = std::move(responder);
    state_->start();
}

RespServer::RespServer(const TlsFiles& tls, Responder responder) : state_(std::make_shared<State>()) {
    state_->responder = std::move(responder);
    state_->tls = std::make_unique<TlsContext>(tls);
    state_->start();
}

RespServer::~RespServer() {
    {
        const std::scoped_lock lock(state_->mutex);
        state_->over = true;
        for (auto* link : state_->open) link->shut();
    }
    state_->changed.notify_all();
    ::shutdown(state_->listener, SHUT_RDWR);
    state_->acceptor = {};
    state_->threads.clear();
    ::close(state_->listener);
}

void RespServer::tamper(Tamper tamper) {
    const std::scoped_lock lock(state_->answering);
    state_->tamper = std::move(tamper);
}

std::uint16_t RespServer::port() const {
    return state_->port;
}

std::string RespServer::address() const {
    return fmt::format("127.0.0.1:{}", state_->port);
}

std::vector<RespCommand> RespServer::commands() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->commands;
}

std::size_t RespServer::count(std::string_view word) const {
    const std::scoped_lock lock(state_->mutex);
    return static_cast<std::size_t>(
        std::count_if(state_->commands.begin(), state_->commands.end(),
                      [&](const auto& one) { return !one.empty() && same_word(one.front(), word); }));
}

std::size_t RespServer::connections() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->connections;
}

void RespServer::disconnect() {
    const std::scoped_lock lock(state_->mutex);
    for (auto* link : state_->open) link->shut();
}

}  // namespace vbackup::test
