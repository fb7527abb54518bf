// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>

#include "contract/net/fixture.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

std::string packed(const std::string& text, int window = 0) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_inBuffer in{text.data(), text.size(), 0};
    ZSTD_outBuffer into{out.data(), out.size(), 0};
    if (window != 0) {
        ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window);
        // Whoever does not know the end yet keeps the whole window.
        ZSTD_compressStream2(context, &into, &in, ZSTD_e_continue);
    }
    REQUIRE(ZSTD_compressStream2(context, &into, &in, ZSTD_e_end) == 0);
    ZSTD_freeCCtx(context);
    out.resize(into.pos);
    return out;
}

// Compresses well, and is no run of one byte.
std::string text_of(std::size_t size) {
    const std::string half = pattern(1000);
    std::string text;
    while (text.size() < size) text += half + std::to_string(text.size());
    text.resize(size);
    return text;
}

Answer zstd_answer(std::string body) {
    return {.body = std::move(body), .headers = {{"Content-Encoding", "zstd"}}};
}

net::Request get_zstd(std::string path) {
    auto request = get(std::move(path));
    request.zstd = true;
    return request;
}

std::string read_with(io::Source& source, std::size_t block) {
    std::string text;
    std::vector<std::byte> buffer(block);
    while (const std::size_t count = source.read(buffer)) {
        text.append(reinterpret_cast<const char*>(buffer.data()), count);
    }
    return text;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a body compressed with zstd comes through as it was, in reads of any size") {
    const std::string text = text_of(3'000'001);
    server.on("GET", "/one", zstd_answer(packed(text)));
    server.on("GET", "/frames", zstd_answer(packed(text.substr(0, 1'000'000)) + packed(text.substr(1'000'000))));
    Answer chunked = zstd_answer(packed(text));
    chunked.chunked = true;
    chunked.piece = 999;
    server.on("GET", "/chunked", chunked);
    for (const std::string path : {"/one", "/frames", "/chunked"}) {
        for (const std::size_t block :
             {std::size_t{7}, std::size_t{1000}, std::size_t{1} << 20, std::size_t{8} << 20}) {
            CAPTURE(path);
            CAPTURE(block);
            net::Response head;
            const auto source = http().open(call, get_zstd(path), head);
            REQUIRE(source);
            CHECK(source->offset() == 0);
            CHECK(source->size() == std::nullopt);
            CHECK((read_with(*source, block) == text));
            std::byte more{};
            CHECK(source->read(std::span(&more, 1)) == 0);
        }
    }
    CHECK(server.requests().back().header("accept-encoding") == "zstd");
}

TEST_CASE_FIXTURE(Fixture, "compression is asked for only where it was wanted") {
    server.on("GET", "/a", {.body = "plain"});
    net::Response head;
    CHECK(http().open(call, get("/a"), head) != nullptr);
    CHECK(server.requests().back().header("accept-encoding") == "identity");
    http().send(call, get_zstd("/a"));
    CHECK(server.requests().back().header("accept-encoding") == "identity");
    server.on("GET", "/b", zstd_answer(packed("text")));
    CHECK(error_of([&] { return http().open(call, get("/b"), head); }).kind() == ErrorKind::not_understood);
    CHECK(error_of([&] { return http().send(call, get_zstd("/b")); }).kind() == ErrorKind::not_understood);
}

TEST_CASE_FIXTURE(Fixture, "a server that does not compress answers as ever") {
    server.on("GET", "/a", {.body = "plain"});
    net::Response head;
    const auto source = http().open(call, get_zstd("/a"), head);
    REQUIRE(source);
    CHECK(source->size() == 5);
    CHECK(io::read_all(*source, 10) == "plain");
    server.on("GET", "/gzip", {.body = "\x1f\x8b...", .headers = {{"Content-Encoding", "gzip"}}});
    CHECK(error_of([&] { return http().open(call, get_zstd("/gzip"), head); }).kind() == ErrorKind::not_understood);
}

TEST_CASE_FIXTURE(Fixture, "no range is asked of what is compressed: it begins anew") {
    const std::string text = text_of(100'000);
    server.on("GET", "/file", zstd_answer(packed(text)));
    net::Response head;
    const auto source = http().open(call, get_zstd("/file"), head, 60'000, "\"etag\"");
    REQUIRE(source);
    CHECK(source->offset() == 0);
    CHECK((io::read_all(*source, 200'000) == text));
    CHECK(server.requests().back().header("range") == "");
    CHECK(server.requests().back().header("if-match") == "\"etag\"");
}

TEST_CASE_FIXTURE(Fixture, "a compressed body that ends early is unreachable, by the line or within it") {
    const std::string text = text_of(500'000);
    const std::string body = packed(text);
    int number = 0;
    for (const std::size_t at : {std::size_t{1}, std::size_t{5}, body.size() / 2, body.size() - 1}) {
        for (const bool by_line : {true, false}) {
            CAPTURE(at);
            CAPTURE(by_line);
            const std::string path = "/" + std::to_string(++number);
            Answer answer = zstd_answer(by_line ? body : body.substr(0, at));
            if (by_line) answer.fault = Fault::cut;
            if (by_line) answer.fault_at = at;
            server.on("GET", path, answer);
            const Error error = error_of([&] {
                net::Response head;
                const auto source = http().open(call, get_zstd(path), head);
                return read_with(*source, 1000);
            });
            CHECK(error.kind() == ErrorKind::unreachable);
        }
    }
}

TEST_CASE_FIXTURE(Fixture, "what is no zstd, or wants much memory, is not understood") {
    server.on("GET", "/lie", zstd_answer("this is plain text"));
    server.on("GET", "/wide", zstd_answer(packed(text_of(100'000), 27)));
    server.on("GET", "/part",
              {.status = 206,
               .body = packed("56789"),
               .headers = {{"Content-Encoding", "zstd"}, {"Content-Range", "bytes 0-4/5"}}});
    for (const std::string path : {"/lie", "/wide", "/part"}) {
        CAPTURE(path);
        const Error error = error_of([&] {
            net::Response head;
            const auto source = http().open(call, get_zstd(path), head);
            return read_with(*source, 1000);
        });
        CHECK(error.kind() == ErrorKind::not_understood);
    }
}

TEST_CASE_FIXTURE(Fixture, "an empty compressed body is an end") {
    server.on("GET", "/nothing", zstd_answer(""));
    server.on("GET", "/frame", zstd_answer(packed("")));
    for (const std::string path : {"/nothing", "/frame"}) {
        net::Response head;
        CHECK(io::read_all(*http().open(call, get_zstd(path), head), 10).empty());
    }
}
