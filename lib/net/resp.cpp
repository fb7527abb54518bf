// SPDX-License-Identifier: Apache-2.0
#include "net/resp.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "net/resp_log.hpp"
#include "net/resp_parser.hpp"
#include "net/resp_socket.hpp"

namespace vbackup::net {

namespace {

constexpr std::size_t large = std::size_t{1} << 20;         // arguments of more are sent without a copy
constexpr std::size_t queue_most = std::size_t{1} << 20;    // what is queued is sent from then on
constexpr std::size_t block_size = std::size_t{128} << 10;  // read at once
constexpr std::size_t longest_line = std::size_t{1} << 20;
constexpr std::int64_t longest_text = std::int64_t{1} << 30;  // all texts of an answer together
constexpr std::int64_t believed = 10'000;                     // elements that an array may announce
constexpr int deepest = 8;                                    // arrays in arrays

bool begins_with(const Reply& error, std::string_view word) {
    return error.text.starts_with(word);
}

bool says(const Reply& error, std::string_view words) {
    return error.text.find(words) != std::string::npos;
}

ErrorKind kind_of(const Reply& error) {
    for (const auto* word : {"NOAUTH", "WRONGPASS", "NOPERM", "DENIED"})
        if (begins_with(error, word)) return ErrorKind::denied;
    if (says(error, "invalid password") || says(error, "called without any password")) return ErrorKind::denied;
    for (const auto* word : {"LOADING", "BUSY ", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN"})
        if (begins_with(error, word)) return ErrorKind::busy;
    if (says(error, "max number of clients")) return ErrorKind::busy;
    if (begins_with(error, "OOM") || begins_with(error, "MISCONF") || says(error, "Out of memory"))
        return ErrorKind::storage;
    if (begins_with(error, "READONLY")) return ErrorKind::refused;
    if (begins_with(error, "BUSYKEY")) return ErrorKind::conflict;
    if (says(error, "unknown command") || says(error, "nknown subcommand") || says(error, "not supported"))
        return ErrorKind::unsupported;
    return ErrorKind::failed;
}

std::string hint_of(const Reply& error, const RespServer& server) {
    if (begins_with(error, "NOAUTH"))
        return "give the password: api_key_file, api_key_command or api_key_env in the configuration, or "
               "VBACKUP_API_KEY_FILE";
    if (begins_with(error, "WRONGPASS") || says(error, "invalid password")) return "check user and password";
    if (says(error, "called without any password")) return "this server asks for no password: leave it out";
    if (begins_with(error, "NOPERM"))
        return fmt::format("the user {} needs that right", server.user.empty() ? "default" : server.user);
    if (begins_with(error, "LOADING")) return "wait until it has loaded its data";
    if (begins_with(error, "OOM")) return "raise its maxmemory, or use a larger server";
    if (begins_with(error, "READONLY")) return "give the address of the master";
    if (begins_with(error, "DENIED")) return "the server lets nobody in from outside without a password";
    return {};
}

// "INFO persistence", without what may be data.
std::string name_of(std::span<const std::string_view> words) {
    std::string name(*words.begin());
    for (const auto* group : {"INFO", "CLUSTER", "FUNCTION", "ACL", "FT._LIST"})
        if (name == group && words.size() > 1) name += fmt::format(" {}", words[1]);
    return name;
}

// An error without what was sent: some servers repeat the arguments of a command that they do not know, and one was the password.
std::string said_by(const Reply& error, const RespServer& server) {
    auto text = error.text.substr(0, error.text.find(", with args beginning with"));
    const auto secret = server.password.reveal();
    if (!secret.empty())
        for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
            text.replace(at, secret.size(), "***");
    return one_line(text, 200);
}

std::string size_of(const Reply& reply, const RespServer& server) {
    if (reply.is_error()) return said_by(reply, server);
    if (reply.kind == Reply::Kind::array) return fmt::format("{} items", reply.items.size());
    return format_bytes(reply.text.size());
}

void append_word(std::string& out, std::string_view word) {
    fmt::format_to(std::back_inserter(out), FMT_STRING("${}\r\n"), word.size());
    out.append(word);
    out.append("\r\n");
}

}  // namespace

std::string RespServer::address() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

std::string_view Reply::code() const {
    if (!is_error()) return {};
    return std::string_view(text).substr(0, text.find(' '));
}

Error to_error(const Reply& error, const RespServer& server, std::string_view what) {
    Error whole(kind_of(error), fmt::format("{}: {} answers: {}", what, server.address(), said_by(error, server)),
                hint_of(error, server));
    if (begins_with(error, "LOADING")) whole.with("loading", server.address());
    return whole;
}

namespace {

// Runs `work`; what ends the connection goes into the log too.
template <typename Work>
auto logged(RespLog& log, Work work) {
    try {
        return work();
    } catch (const Error& error) {
        log.failed(error.message());
        throw;
    }
}

}  // namespace

struct Resp::State {
    State(Call& call, const RespServer& the_server)
        : server(the_server), log(server), socket(logged(log, [&] { return RespSocket(call, server); })) {}

    RespServer server;
    RespLog log;
    RespSocket socket;
    RespParser parser;
    std::string out;
    std::string in;  // what came and is not read yet, from `at` on
    std::size_t at = 0;
    std::int64_t weight = 0;  // of the texts of the answer that is being read

    void fill(Call& call);
    std::string_view line(Call& call);
    std::int64_t size(Call& call);
    Reply read(Call& call, int depth);
    Reply read_text(Call& call);
    Reply read_array(Call& call, int depth);
    Reply read_line(Call& call);
    [[noreturn]] void not_resp(std::string_view why) const;
};

void Resp::State::not_resp(std::string_view why) const {
    throw Error(ErrorKind::not_understood, fmt::format("{} does not speak RESP: {}", server.address(), why),
                "check the port: the databases behind dragonfly:// listen on 6379 unless told otherwise");
}

// Appends at least one byte.
void Resp::State::fill(Call& call) {
    if (at == in.size()) {
        in.clear();
        at = 0;
    } else if (at > block_size) {
        in.erase(0, at);
        at = 0;
    }
    const auto had = in.size();
    in.resize(had + block_size);
    try {
        const auto count = socket.receive(call, std::span(in).subspan(had));
        log.received(count);
        in.resize(had + count);
    } catch (...) {
        in.resize(had);
        throw;
    }
}

// The line that begins at `at`, its end included. It stays where it is.
std::string_view Resp::State::line(Call& call) {
    for (std::size_t from = at;;) {
        const auto end = in.find('\n', from);
        if (end != std::string::npos) return std::string_view(in).substr(at, end + 1 - at);
        if (in.size() - at > longest_line) not_resp("a line does not end");
        const auto known = in.size() - at;
        fill(call);
        from = at + known;
    }
}

// What a text or an array begins with; -1: there is none.
std::int64_t Resp::State::size(Call& call) {
    const auto head = line(call);
    std::int64_t size = 0;
    const auto [end, fault] = std::from_chars(head.data() + 1, head.data() + head.size(), size);
    if (fault != std::errc{} || *end != '\r' || size < -1) not_resp("a length that is none");
    at += head.size();
    return size;
}

// A text is read straight into its place: values are large, and twice in memory is once too often.
Reply Resp::State::read_text(Call& call) {
    const auto size = this->size(call);
    weight += std::max<std::int64_t>(size, 0);
    if (std::max(size, weight) > longest_text)
        throw Error(ErrorKind::not_understood, fmt::format("{}: an answer of {} is longer than 1 GiB", server.address(),
                                                           format_bytes(static_cast<std::uint64_t>(size))));
    Reply reply;
    if (size < 0) return reply;
    reply.kind = Reply::Kind::text;
    const auto whole = static_cast<std::size_t>(size);
    auto have = std::min(whole, in.size() - at);
    reply.text.reserve(whole);
    reply.text.assign(in, at, have);
    at += have;
    if (have < whole) {
        reply.text.resize(whole);
        log.received(whole - have);
        while (have < whole) have += socket.receive(call, std::span(reply.text).subspan(have));
    }
    while (in.size() - at < 2) fill(call);
    if (in.compare(at, 2, "\r\n") != 0) not_resp("a text is longer than announced");
    at += 2;
    return reply;
}

Reply Resp::State::read_array(Call& call, int depth) {
    if (depth > deepest) not_resp("arrays in arrays without an end");
    const auto count = size(call);
    Reply reply;
    if (count < 0) return reply;
    reply.kind = Reply::Kind::array;
    // What is announced may be a lie: memory is taken for what comes.
    reply.items.reserve(static_cast<std::size_t>(std::min(count, believed)));
    while (std::cmp_less(reply.items.size(), count)) reply.items.push_back(read(call, depth + 1));
    return reply;
}

Reply Resp::State::read_line(Call& call) {
    const auto whole = line(call);
    parser.feed(whole);
    at += whole.size();
    auto reply = parser.next();
    if (!reply) not_resp(parser.broken() ? parser.why() : "a line that makes no sense");
    return std::move(*reply);
}

Reply Resp::State::read(Call& call, int depth) {
    if (at == in.size()) fill(call);
    switch (in[at]) {
        case '$':
            return read_text(call);
        case '*':
            return read_array(call, depth);
        case '+':
        case '-':
        case ':':
            return read_line(call);
        default:
            not_resp(fmt::format("its answer begins with \"{}\"", one_line(in.substr(at, 20), 20)));
    }
}

Resp::Resp(Call& call, const RespServer& server) : state_(std::make_unique<State>(call, server)) {
    if (server.password.empty()) return;
    const auto words = server.user.empty()
                           ? std::vector<std::string_view>{"AUTH", server.password.reveal()}
                           : std::vector<std::string_view>{"AUTH", server.user, server.password.reveal()};
    queue(call, words);
    send(call);
    const auto reply = read(call);
    if (reply.is_error()) throw to_error(reply, server, "login");
}

Resp::~Resp() = default;

const RespServer& Resp::server() const {
    return state_->server;
}

void Resp::set_silence(Milliseconds silence) {
    state_->socket.set_silence(silence);
}

bool Resp::has_answer(Call& call, Milliseconds patience) {
    send(call);
    auto& state = *state_;
    if (state.at < state.in.size()) return true;
    const auto usual = state.socket.set_silence(patience);
    try {
        state.fill(call);
    } catch (const Error& error) {
        state.socket.set_silence(usual);
        if (error.kind() != ErrorKind::stalled) throw;
        return false;
    }
    state.socket.set_silence(usual);
    return true;
}

void Resp::queue(Call& call, std::initializer_list<std::string_view> words) {
    queue(call, std::span(words.begin(), words.size()));
}

void Resp::queue(Call& call, std::span<const std::string_view> words) {
    auto& out = state_->out;
    if (noting_of(state_->server.trace)) {
        std::uint64_t bytes = 0;
        for (const auto word : words) bytes += word.size();
        state_->log.sent(name_of(words), bytes);
    }
    fmt::format_to(std::back_inserter(out), FMT_STRING("*{}\r\n"), words.size());
    for (const auto word : words) {
        if (word.size() <= large) {
            append_word(out, word);
            continue;
        }
        fmt::format_to(std::back_inserter(out), FMT_STRING("${}\r\n"), word.size());
        send(call);
        state_->socket.send(call, word, state_->in);
        out.append("\r\n");
    }
    if (out.size() >= queue_most) send(call);
}

void Resp::send(Call& call) {
    auto& out = state_->out;
    if (out.empty()) return;
    state_->socket.send(call, out, state_->in);
    // What held a password must not lie about.
    std::fill(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(out.size(), 1024)), '\0');
    out.clear();
}

Reply Resp::read(Call& call) {
    state_->weight = 0;
    auto reply = logged(state_->log, [&] {
        send(call);
        return state_->read(call, 0);
    });
    state_->log.answered(reply);
    return reply;
}

Reply Resp::ask(Call& call, std::initializer_list<std::string_view> words) {
    const auto begun = std::chrono::steady_clock::now();
    state_->log.flush();
    queue(call, words);
    auto reply = read(call);
    state_->log.flush();
    if (state_->server.trace) {
        const auto took = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begun);
        state_->server.trace(fmt::format("{} {} -> {} ({})", state_->server.address(),
                                         name_of(std::span(words.begin(), words.size())),
                                         size_of(reply, state_->server), format_duration(took)));
    }
    return reply;
}

Reply Resp::require(Call& call, std::initializer_list<std::string_view> words) {
    auto reply = ask(call, words);
    if (reply.is_error()) throw to_error(reply, state_->server, name_of(std::span(words.begin(), words.size())));
    return reply;
}

}  // namespace vbackup::net
