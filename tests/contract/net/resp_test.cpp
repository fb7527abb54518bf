// SPDX-License-Identifier: Apache-2.0
#include "net/resp.hpp"

#include <doctest/doctest.h>

#include <future>
#include <thread>

#include "support/certificates.hpp"
#include "support/fake_clock.hpp"
#include "support/resp_server.hpp"
#include "support/temporary.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

struct Fixture {
    FakeClock clock;
    Tally tally;
    std::stop_source stop;
    Call call{clock, tally, Instant::max(), stop.get_token()};

    net::RespServer at(const RespServer& server) {
        net::RespServer made;
        made.host = "127.0.0.1";
        made.port = server.port();
        return made;
    }
    template <typename Work>
    Error error_of(Work&& work) {
        try {
            work();
        } catch (const Error& error) {
            return error;
        }
        return {ErrorKind::usage, "nothing was thrown"};
    }
};

RespServer::Responder always(std::string bytes, RespAnswer::Then then = RespAnswer::Then::go_on) {
    return [=](RespSession&, const RespCommand&) { return RespAnswer{bytes, then}; };
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "every kind of answer, and answers in order") {
    RespServer server([](RespSession&, const RespCommand& command) {
        const auto& word = command.back();
        if (word == "nil") return RespAnswer{resp::nil()};
        if (word == "number") return RespAnswer{resp::integer(-42)};
        if (word == "error") return RespAnswer{resp::error("ERR no such thing")};
        if (word == "array")
            return RespAnswer{resp::array({resp::text(std::string("a\0\r\n", 4)), resp::integer(7), resp::nil(),
                                           resp::array({resp::status("OK"), resp::array({})})})};
        if (word == "no array") return RespAnswer{"*-1\r\n"};
        return RespAnswer{resp::text(word)};
    });
    net::Resp wire(call, at(server));
    for (const auto* word : {"nil", "number", "array", "error", "text", "no array", ""})
        wire.queue(call, {"GET", word});
    CHECK(wire.read(call).is_nil());
    CHECK(wire.read(call).number == -42);
    const auto array = wire.read(call);
    REQUIRE(array.items.size() == 4);
    CHECK(array.items[0].text == std::string("a\0\r\n", 4));
    CHECK(array.items[2].is_nil());
    CHECK(array.items[3].items.at(0).text == "OK");
    CHECK(array.items[3].items.at(1).items.empty());
    const auto error = wire.read(call);
    CHECK(error.is_error());
    CHECK(error.code() == "ERR");
    CHECK(wire.read(call).text == "text");
    CHECK(wire.read(call).is_nil());
    CHECK(wire.read(call).kind == net::Reply::Kind::text);
    CHECK(wire.ask(call, {"GET", std::string("\r\n\0", 3)}).text == std::string("\r\n\0", 3));
}

TEST_CASE_FIXTURE(Fixture, "values of 100 MB both ways, between small ones") {
    std::string got;
    RespServer server([&](RespSession&, const RespCommand& command) {
        if (command.front() == "SET") got = command[2];
        return command.front() == "SET" ? RespAnswer{resp::ok()} : RespAnswer{resp::text(got)};
    });
    std::string value(100 << 20, 'v');
    for (std::size_t n = 0; n < value.size(); n += 4096) value[n] = static_cast<char>(n >> 12);
    net::Resp wire(call, at(server));
    wire.queue(call, {"SET", "k", value});
    wire.queue(call, {"GET", "k"});
    wire.queue(call, {"SET", "k", "small"});
    wire.queue(call, {"GET", "k"});
    CHECK(wire.read(call).text == "OK");
    CHECK((wire.read(call).text == value) == true);
    CHECK(wire.read(call).text == "OK");
    CHECK(wire.read(call).text == "small");
}

TEST_CASE_FIXTURE(Fixture, "arrays: large texts in them, more announced than comes, one in another without an end") {
    const std::string large(5 << 20, 'l');
    RespServer server([&](RespSession&, const RespCommand& command) {
        const auto& word = command.back();
        if (word == "large") return RespAnswer{resp::array({resp::text("a"), resp::text(large), resp::text("b")})};
        if (word == "lie") return RespAnswer{"*2147483647\r\n$1\r\na\r\n", RespAnswer::Then::close};
        if (word == "no number") return RespAnswer{"*x\r\n"};
        std::string deep;
        for (int n = 0; n < 100'000; ++n) deep += "*1\r\n";
        return RespAnswer{deep};
    });
    {
        net::Resp wire(call, at(server));
        wire.queue(call, {"GET", "large"});
        wire.queue(call, {"GET", "large"});
        for (int n = 0; n < 2; ++n) {
            const auto reply = wire.read(call);
            REQUIRE(reply.items.size() == 3);
            CHECK((reply.items[1].text == large) == true);
            CHECK(reply.items[2].text == "b");
        }
    }
    const auto kind_of = [&](std::string_view word) {
        net::Resp wire(call, at(server));
        return error_of([&] { wire.ask(call, {"GET", word}); }).kind();
    };
    CHECK(kind_of("lie") == ErrorKind::unreachable);
    CHECK(kind_of("no number") == ErrorKind::not_understood);
    CHECK(kind_of("deep") == ErrorKind::not_understood);
}

TEST_CASE_FIXTURE(Fixture, "whether an answer has come is seen without waiting for it, and it is not lost by looking") {
    std::promise<std::string> answer;
    RespServer server([when = answer.get_future().share()](RespSession&, const RespCommand&) {
        return RespAnswer{.bytes = {}, .then = RespAnswer::Then::later, .when = when};
    });
    net::Resp wire(call, at(server));
    wire.queue(call, {"DFLY", "LOAD", "f"});
    CHECK_FALSE(wire.has_answer(call, Milliseconds{0}));
    CHECK_FALSE(wire.has_answer(call, Milliseconds{1}));
    answer.set_value(resp::ok());
    CHECK(wire.has_answer(call, std::chrono::seconds(30)));
    CHECK(wire.has_answer(call, Milliseconds{0}));
    CHECK(wire.read(call).text == "OK");
    server.disconnect();
    CHECK(error_of([&] { wire.has_answer(call, std::chrono::seconds(30)); }).kind() == ErrorKind::unreachable);
}

TEST_CASE_FIXTURE(Fixture, "a server that answers before it has read everything does not hold both sides up") {
    RespServer server(always(resp::text(std::string(100'000, 'a'))));
    net::Resp wire(call, at(server));
    const std::string word(20'000, 'w');
    for (int n = 0; n < 400; ++n) wire.queue(call, {"ECHO", word});
    std::size_t bytes = 0;
    for (int n = 0; n < 400; ++n) bytes += wire.read(call).text.size();
    CHECK(bytes == 40'000'000);
}

TEST_CASE_FIXTURE(Fixture, "login: with a user, without, refused; the password shows nowhere") {
    RespServer server([](RespSession&, const RespCommand& command) {
        if (command == RespCommand{"AUTH", "me", "hush hush"} || command == RespCommand{"AUTH", "hush hush"} ||
            command.front() == "PING")
            return RespAnswer{resp::status("PONG")};
        return RespAnswer{resp::error("WRONGPASS invalid username-password pair or user is disabled.")};
    });
    auto to = at(server);
    std::string traced;
    to.trace = [&](std::string_view line) { traced += line; };
    to.password = Secret("hush hush");
    CHECK(net::Resp(call, to).ask(call, {"PING"}).text == "PONG");
    to.user = "me";
    CHECK(net::Resp(call, to).ask(call, {"PING"}).text == "PONG");
    to.password = Secret("not that one");
    const auto error = error_of([&] { net::Resp wire(call, to); });
    CHECK(error.kind() == ErrorKind::denied);
    CHECK((error.message() + error.hint() + traced).find("not that one") == std::string::npos);
    CHECK(traced.find("hush") == std::string::npos);
    CHECK(traced.find("PING") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a server that repeats what it was sent: the password shows nowhere all the same") {
    RespServer server([](RespSession&, const RespCommand& command) {
        std::string text = "ERR unknown command '" + command[0] + "', with args beginning with: ";
        for (std::size_t n = 1; n < command.size(); ++n) text += "'" + command[n] + "' ";
        return RespAnswer{resp::error(command.back() == "odd one" ? "ERR what is odd one, odd one?" : text)};
    });
    auto to = at(server);
    for (const auto* word : {"hush hush", "odd one"}) {
        to.password = Secret(word);
        const auto error = error_of([&] { net::Resp wire(call, to); });
        CHECK(error.message().find(word) == std::string::npos);
        CHECK(error.message().find("ERR ") != std::string::npos);
    }
}

TEST_CASE_FIXTURE(Fixture, "error answers have kinds") {
    const net::RespServer server;
    const auto kind = [&](const char* text) {
        return net::to_error({.kind = net::Reply::Kind::error, .text = text}, server, "X").kind();
    };
    CHECK(kind("NOAUTH Authentication required.") == ErrorKind::denied);
    CHECK(kind("WRONGPASS x") == ErrorKind::denied);
    CHECK(kind("NOPERM this user has no permissions") == ErrorKind::denied);
    CHECK(kind("DENIED Redis is running in protected mode") == ErrorKind::denied);
    CHECK(kind("LOADING Dragonfly is loading the dataset in memory") == ErrorKind::busy);
    CHECK(kind("BUSY Redis is busy running a script") == ErrorKind::busy);
    CHECK(kind("CLUSTERDOWN The cluster is down") == ErrorKind::busy);
    CHECK(kind("ERR max number of clients reached") == ErrorKind::busy);
    CHECK(kind("BUSYKEY Target key name already exists.") == ErrorKind::conflict);
    CHECK(kind("OOM command not allowed") == ErrorKind::storage);
    CHECK(kind("MISCONF Errors writing to the AOF file: No space left on device") == ErrorKind::storage);
    CHECK(kind("READONLY You can't write against a read only replica.") == ErrorKind::refused);
    CHECK(kind("ERR unknown command 'X', with args beginning with: ") == ErrorKind::unsupported);
    CHECK(kind("ERR syntax error") == ErrorKind::failed);
}

TEST_CASE_FIXTURE(Fixture, "nobody there, closed, cut, not RESP, nonsense") {
    net::RespServer nobody;
    nobody.host = "127.0.0.1";
    nobody.port = 1;
    CHECK(error_of([&] { net::Resp wire(call, nobody); }).kind() == ErrorKind::unreachable);
    const auto kind = [&](const std::string& bytes) {
        RespServer server(always(bytes, RespAnswer::Then::close));
        net::Resp wire(call, at(server));
        return error_of([&] { wire.ask(call, {"PING"}); }).kind();
    };
    CHECK(kind("") == ErrorKind::unreachable);
    for (const auto* cut : {"+PO", "$5\r\nabc", "$5\r\nabcde", "*2\r\n$1\r\na\r\n", "$1000000\r\nabc", ":4"})
        CHECK(kind(cut) == ErrorKind::unreachable);
    for (const auto* odd : {"HTTP/1.1 400 Bad Request\r\n\r\n", "$x\r\n", "$5\r\nabcdefgh\r\n", "*1\r\n?\r\n", ":x\r\n",
                            "$-2\r\n", "$99999999999\r\n"})
        CHECK(kind(odd) == ErrorKind::not_understood);
}

TEST_CASE_FIXTURE(Fixture, "silence, a deadline and a stop end the wait") {
    RespServer server(always("", RespAnswer::Then::stall));
    {
        net::Resp wire(call, at(server));
        wire.set_silence(Milliseconds{50});
        CHECK(error_of([&] { wire.ask(call, {"PING"}); }).kind() == ErrorKind::stalled);
    }
    {
        net::Resp wire(call, at(server));
        clock.on_sleep = nullptr;
        auto late = call;
        late.deadline = clock.now() + Milliseconds{10};
        clock.advance(Milliseconds{20});
        CHECK(error_of([&] { wire.ask(late, {"PING"}); }).kind() == ErrorKind::deadline);
    }
    net::Resp wire(call, at(server));
    std::jthread other([&] {
        while (server.count("PING") < 2) std::this_thread::yield();
        stop.request_stop();
    });
    CHECK(error_of([&] { wire.ask(call, {"PING"}); }).kind() == ErrorKind::interrupted);
}

TEST_CASE_FIXTURE(Fixture,
                  "TLS: the right authority, a wrong one, none asked for, a client's certificate; large values") {
    TemporaryFolder folder;
    Certificates files{folder.path()};
    const std::string value(3'000'000, 'v');
    RespServer server(TlsFiles{files.server_certificate, files.server_key, files.ca},
                      [&](RespSession&, const RespCommand&) { return RespAnswer{resp::text(value)}; });
    auto to = at(server);
    to.tls = true;
    to.connection.ca_file = files.ca;
    CHECK(error_of([&] { net::Resp(call, to).ask(call, {"GET"}); }).kind() == ErrorKind::denied);
    to.connection.client_cert_file = files.client_certificate;
    to.connection.client_key_file = files.client_key;
    net::Resp wire(call, to);
    for (int n = 0; n < 20; ++n) wire.queue(call, {"SET", "k", value});
    for (int n = 0; n < 20; ++n) CHECK(wire.read(call).text.size() == value.size());
    to.connection.ca_file = files.other_ca;
    CHECK(error_of([&] { net::Resp refused(call, to); }).kind() == ErrorKind::denied);
    to.tls = false;
    CHECK(error_of([&] { net::Resp(call, to).ask(call, {"GET"}); }).hint().find("dragonflys://") != std::string::npos);
    // One without TLS waits for more.
    RespServer plain([](RespSession&, const RespCommand&) { return RespAnswer{}; }, true);
    to = at(plain);
    to.tls = true;
    to.connection.connect_timeout = Milliseconds{200};
    CHECK(error_of([&] { net::Resp refused(call, to); }).hint().find("dragonfly://") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a limited rate holds up what is received and sent") {
    RespServer server(always(resp::text(std::string(10'000, 'a'))));
    Rate rate(100'000, clock.now());
    auto slow = call;
    slow.rate = &rate;
    net::Resp wire(slow, at(server));
    for (int n = 0; n < 20; ++n) CHECK(wire.ask(slow, {"GET"}).text.size() == 10'000);
    CHECK(clock.elapsed() > Milliseconds{1000});
}
