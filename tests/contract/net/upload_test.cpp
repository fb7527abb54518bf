// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "contract/net/fixture.hpp"

using namespace vbackup;
using namespace vbackup::test;
using namespace std::chrono_literals;

namespace {

// A source that hides its length, gives small pieces, or breaks.
class OddSource : public io::Source {
public:
    explicit OddSource(std::string bytes) : bytes_(std::move(bytes)) {}
    std::size_t read(std::span<std::byte> into) override {
        if (at_ >= breaks_at) throw Error(ErrorKind::storage, "cannot read the file: input/output error");
        const std::size_t count = std::min({into.size(), piece, bytes_.size() - at_});
        std::memcpy(into.data(), bytes_.data() + at_, count);
        at_ += count;
        return count;
    }
    std::optional<std::uint64_t> size() const override { return announced; }
    std::uint64_t offset() const override { return from; }

    std::optional<std::uint64_t> announced;
    std::uint64_t from = 0;
    std::size_t piece = 777;
    std::size_t breaks_at = std::string::npos;

private:
    std::string bytes_;
    std::size_t at_ = 0;
};

struct Part {
    std::string head;
    std::string content;
};

// The one part of a multipart/form-data body, taken apart by hand as RFC 7578 has it.
Part only_part(const HttpRequest& request) {
    const std::string type(request.header("content-type"));
    REQUIRE(type.find("multipart/form-data; boundary=") == 0);
    const std::string boundary = "--" + type.substr(type.find('=') + 1);
    const std::string& body = request.body;
    REQUIRE(body.find(boundary + "\r\n") == 0);
    const std::size_t head = boundary.size() + 2;
    const std::size_t content = body.find("\r\n\r\n", head) + 4;
    const std::size_t end = body.rfind("\r\n" + boundary + "--\r\n");
    REQUIRE(end != std::string::npos);
    REQUIRE(end >= content);
    CHECK(end + 2 + boundary.size() + 4 == body.size());
    return {body.substr(head, content - 4 - head), body.substr(content, end - content)};
}

net::Request upload(io::Source& source) {
    return {.method = "POST",
            .path = "/upload?priority=snapshot",
            .upload = &source,
            .upload_part = "snapshot",
            .upload_name = "a \"name\".snapshot"};
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a source of known length goes out as one part with that length") {
    for (const std::size_t size : {0UL, 1UL, 100'000UL, 3'000'000UL}) {
        CAPTURE(size);
        const std::string bytes = pattern(size);
        const auto source = io::memory_source(bytes);
        const std::uint64_t before = tally.bytes_done;
        server.on("POST", "/upload", {.body = "{\"result\":true}"});
        CHECK(http().send(call, upload(*source)).status == 200);
        const HttpRequest request = server.requests().back();
        CHECK_FALSE(request.chunked);
        CHECK(request.header("content-length") == std::to_string(request.body.size()));
        CHECK(request.query == "priority=snapshot");
        const Part part = only_part(request);
        CHECK((part.content == bytes));
        CHECK(part.head.find("name=\"snapshot\"; filename=\"a %22name%22.snapshot\"") != std::string::npos);
        CHECK(part.head.find("Content-Type: application/octet-stream") != std::string::npos);
        CHECK(tally.bytes_done - before == size);
    }
}

TEST_CASE_FIXTURE(Fixture, "a source of unknown length goes out in chunks") {
    const std::string bytes = pattern(1'500'000);
    OddSource source(bytes);
    server.on("POST", "/upload");
    CHECK(http().send(call, upload(source)).status == 200);
    CHECK(server.requests().back().chunked);
    CHECK((only_part(server.requests().back()).content == bytes));
    CHECK(tally.bytes_done == bytes.size());
}

TEST_CASE_FIXTURE(Fixture, "the length may be given by the request, and counts from the source's offset") {
    const std::string bytes = pattern(50'000);
    server.on("POST", "/upload");
    OddSource unknown(bytes);
    net::Request request = upload(unknown);
    request.upload_size = bytes.size();
    http().send(call, request);
    CHECK_FALSE(server.requests().back().chunked);
    CHECK((only_part(server.requests().back()).content == bytes));

    OddSource rest(bytes);
    rest.announced = bytes.size() + 1000;
    rest.from = 1000;
    http().send(call, upload(rest));
    CHECK_FALSE(server.requests().back().chunked);
    CHECK((only_part(server.requests().back()).content == bytes));
}

TEST_CASE_FIXTURE(Fixture, "what the source throws comes out as itself") {
    OddSource source(pattern(500'000));
    source.breaks_at = 77'700;
    server.on("POST", "/upload");
    const Error error = error_of([&] { return http().send(call, upload(source)); });
    CHECK(error.kind() == ErrorKind::storage);
    CHECK(error.message() == "cannot read the file: input/output error");
    CHECK(server.count("POST", "/upload") == 1);
}

TEST_CASE_FIXTURE(Fixture, "a file that is shorter or longer than it said is not sent as if it were whole") {
    server.on("POST", "/upload");
    for (const std::uint64_t announced : {99'999U, 100'001U}) {
        CAPTURE(announced);
        OddSource source(pattern(100'000));
        source.announced = announced;
        CHECK(error_of([&] { return http().send(call, upload(source)); }).kind() == ErrorKind::corrupt);
    }
}

TEST_CASE_FIXTURE(Fixture, "a server that refuses before it has read is heard") {
    server.on("POST", "/upload", {.status = 413, .body = "too large", .fault = Fault::early});
    const auto source = io::memory_source(pattern(std::size_t{8} << 20));
    const net::Response response = http().send(call, upload(*source));
    CHECK(response.status == 413);
    CHECK(response.body == "too large");
    // Asked for leave first, and refused: hardly anything was sent.
    CHECK(tally.bytes_done < (std::size_t{2} << 20));
}

TEST_CASE_FIXTURE(Fixture, "an upload is never sent twice") {
    for (const Fault fault : {Fault::close, Fault::reset}) {
        const std::string path = fault == Fault::close ? "/close" : "/reset";
        server.on("POST", path, {.fault = fault});
        OddSource source("abc");
        net::Request request = upload(source);
        request.path = path;
        CHECK(error_of([&] { return http().send(call, request); }).kind() == ErrorKind::unreachable);
        CHECK(server.count("POST", path) == 1);
    }
}

TEST_CASE_FIXTURE(Fixture, "an upload that is not read is silence") {
    server.on("POST", "/upload", {.fault = Fault::never_read});
    OddSource source(pattern(std::size_t{32} << 20));
    source.piece = std::size_t{1} << 20;
    net::Request request = upload(source);
    request.silence = 300ms;
    CHECK(error_of([&] { return http().send(call, request); }).kind() == ErrorKind::stalled);
}
