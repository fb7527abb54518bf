// SPDX-License-Identifier: Apache-2.0
#include "io/copy.hpp"
#include "io/hashed_blocks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>

#include "base/error.hpp"
#include "support/fake_clock.hpp"

using namespace vbackup;
using namespace vbackup::io;

namespace {

// Gives a text in small pieces, from an offset of its own choice, and may announce another size or break.
struct ScriptSource final : Source {
    std::string text;
    std::size_t piece = 7;
    std::uint64_t begins = 0;
    std::optional<std::uint64_t> announced;
    std::optional<std::size_t> breaks_at;
    std::size_t position = 0;

    explicit ScriptSource(std::string all, std::uint64_t offset = 0) : text(std::move(all)), begins(offset) {
        position = static_cast<std::size_t>(offset);
        announced = text.size();
    }
    std::size_t read(std::span<std::byte> into) override {
        if (breaks_at && position >= *breaks_at) throw Error(ErrorKind::unreachable, "the line broke");
        const std::size_t count = std::min({piece, into.size(), text.size() - position});
        std::memcpy(into.data(), text.data() + position, count);
        position += count;
        return count;
    }
    std::optional<std::uint64_t> size() const override { return announced; }
    std::uint64_t offset() const override { return begins; }
};

struct MemorySink final : Sink {
    std::string text;
    bool finished = false;
    std::size_t writes = 0;
    std::size_t fails_at = 0;  // the write of that number; 0: none
    std::size_t rewinds = 0;

    void write(std::span<const std::byte> bytes) override {
        ++writes;
        if (writes == fails_at) throw Error(ErrorKind::storage, "the disk is full");
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    void finish() override { finished = true; }
    void rewind() override {
        text.clear();
        ++rewinds;
    }
};

struct Fixture {
    test::FakeClock clock;
    Tally tally;
    Call call{clock, tally, Instant::max(), {}};
    MemorySink sink;
};

std::string letters(std::size_t count) {
    std::string text(count, '\0');
    for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>('a' + (i * i + i / 251) % 26);
    return text;
}

Digest digest_of(std::string_view text) {
    Digest digest;
    digest.update(std::as_bytes(std::span(text)));
    return digest;
}

ErrorKind kind_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.kind();
    }
    FAIL("no error");
    return ErrorKind::failed;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "copy brings all bytes, their digest and size, and finishes the sink") {
    const std::string text = letters(3'000'001);
    ScriptSource source(text);
    source.piece = 16'384;
    const Copied copied = copy(call, source, sink);
    CHECK(sink.text == text);
    CHECK(sink.finished);
    CHECK(copied.size == text.size());
    CHECK(copied.sha256 == sha256(text));
    CHECK(tally.bytes_done == text.size());
    // Small pieces are gathered into blocks.
    CHECK(sink.writes == (text.size() + HashedBlocks::block_size - 1) / HashedBlocks::block_size);
}

TEST_CASE_FIXTURE(Fixture, "an empty source is an empty file") {
    ScriptSource source("");
    const Copied copied = copy(call, source, sink);
    CHECK(copied.size == 0);
    CHECK(copied.sha256 == sha256(""));
    CHECK(sink.finished);
}

TEST_CASE_FIXTURE(Fixture, "copy carries on behind what lies there") {
    const std::string text = letters(1000);
    for (const std::size_t before : {std::size_t{1}, std::size_t{512}, std::size_t{999}, std::size_t{1000}}) {
        CAPTURE(before);
        tally.bytes_done = 0;
        sink = {};
        sink.text = text.substr(0, before);
        ScriptSource source(text, before);
        const Copied copied = copy(call, source, sink, before, digest_of(sink.text));
        CHECK(sink.text == text);
        CHECK(sink.rewinds == 0);
        CHECK(copied.size == text.size());
        CHECK(copied.sha256 == sha256(text));
        CHECK(tally.bytes_done == text.size());
    }
}

TEST_CASE_FIXTURE(Fixture, "a source that begins anew rewinds sink, digest and tally") {
    const std::string text = letters(1000);
    sink.text = "something else that lay there";
    tally.bytes_done = 5;
    ScriptSource source(text);
    const Copied copied = copy(call, source, sink, sink.text.size(), digest_of(sink.text));
    CHECK(sink.rewinds == 1);
    CHECK(sink.text == text);
    CHECK(copied.size == text.size());
    CHECK(copied.sha256 == sha256(text));
    CHECK(tally.bytes_done == 5 + text.size());
}

TEST_CASE_FIXTURE(Fixture, "a source that begins somewhere else is not understood") {
    ScriptSource source(letters(100), 40);
    CHECK(kind_of([&] { copy(call, source, sink, 50, digest_of(letters(50))); }) == ErrorKind::not_understood);
    CHECK_FALSE(sink.finished);
    CHECK(sink.rewinds == 0);
    CHECK(tally.bytes_done == 0);
}

TEST_CASE_FIXTURE(Fixture, "a source that ends before the size it announced is never success") {
    ScriptSource source(letters(100));
    source.announced = 101;
    CHECK(kind_of([&] { copy(call, source, sink); }) == ErrorKind::unreachable);
    CHECK_FALSE(sink.finished);
    CHECK(tally.bytes_done == 0);
}

TEST_CASE_FIXTURE(Fixture, "an empty body where bytes were announced is never success") {
    ScriptSource source("");
    source.announced = 1;
    CHECK(kind_of([&] { copy(call, source, sink); }) == ErrorKind::unreachable);
    CHECK_FALSE(sink.finished);
}

TEST_CASE_FIXTURE(Fixture, "more bytes than were announced are not understood") {
    ScriptSource source(letters(100));
    source.announced = 99;
    CHECK(kind_of([&] { copy(call, source, sink); }) == ErrorKind::not_understood);
    CHECK_FALSE(sink.finished);
}

TEST_CASE_FIXTURE(Fixture, "a length that is not known is no obstacle") {
    ScriptSource source(letters(100));
    source.announced.reset();
    CHECK(copy(call, source, sink).size == 100);
}

TEST_CASE_FIXTURE(Fixture, "a line that breaks ends the copy, unfinished, and the tally is as before") {
    ScriptSource source(letters(5'000'000));
    source.piece = 100'000;
    source.breaks_at = 2'500'000;
    tally.bytes_done = 11;
    CHECK(kind_of([&] { copy(call, source, sink); }) == ErrorKind::unreachable);
    CHECK_FALSE(sink.finished);
    CHECK(tally.bytes_done == 11);
}

TEST_CASE_FIXTURE(Fixture, "what came before a line broke is in the sink, to the byte") {
    for (const std::size_t breaks_at : {7U, 262'143U, 262'144U, 262'145U, 3'000'000U}) {
        CAPTURE(breaks_at);
        sink = {};
        ScriptSource source(letters(5'000'000).substr(0, breaks_at));
        source.piece = 1000;
        source.breaks_at = breaks_at;
        CHECK(kind_of([&] { copy(call, source, sink); }) == ErrorKind::unreachable);
        CHECK((sink.text == source.text));
        CHECK_FALSE(sink.finished);
    }
}

TEST_CASE_FIXTURE(Fixture, "a sink that fails ends the copy at once, whatever is being hashed") {
    ScriptSource source(letters(5'000'000));
    source.piece = 1'000'000;
    for (const std::size_t fails_at : {1U, 2U, 7U, 20U}) {
        CAPTURE(fails_at);
        source.position = 0;
        sink = {};
        sink.fails_at = fails_at;
        CHECK(kind_of([&] { copy(call, source, sink); }) == ErrorKind::storage);
        CHECK(sink.writes == fails_at);
        CHECK_FALSE(sink.finished);
        CHECK(tally.bytes_done == 0);
    }
}

TEST_CASE_FIXTURE(Fixture, "sizes around the edges of the blocks keep their digest") {
    for (const std::size_t size : {262'143U, 262'144U, 262'145U, 1'048'576U, 1'310'720U, 1'310'721U}) {
        CAPTURE(size);
        sink = {};
        ScriptSource source(letters(size));
        source.piece = 100'000;
        CHECK(copy(call, source, sink).sha256 == sha256(source.text));
        CHECK((sink.text == source.text));
    }
}

TEST_CASE_FIXTURE(Fixture, "a paced source flows at the call's rate, and not at all beyond a stop") {
    const std::string text = letters(50'000);
    CHECK(read_all(*paced(call, memory_source(text)), 50'000) == text);
    CHECK(clock.elapsed().count() == 0);
    Rate rate(10'000, clock.now());
    call.rate = &rate;
    const auto source = paced(call, memory_source(text));
    CHECK(source->size() == 50'000);
    CHECK(read_all(*source, 50'000) == text);
    CHECK(clock.elapsed() >= Milliseconds(4900));
    CHECK(clock.elapsed() <= Milliseconds(5100));
    std::stop_source stop;
    stop.request_stop();
    call.stop = stop.get_token();
    CHECK(kind_of([&] { read_all(*paced(call, memory_source(text)), 50'000); }) == ErrorKind::interrupted);
}

TEST_CASE_FIXTURE(Fixture, "the deadline and a stop end a copy between two blocks") {
    ScriptSource source(letters(100));
    call.deadline = clock.now();
    clock.advance(Milliseconds(1));
    CHECK(kind_of([&] { copy(call, source, sink); }) == ErrorKind::deadline);
    std::stop_source stop;
    stop.request_stop();
    Call stopped{clock, tally, Instant::max(), stop.get_token()};
    CHECK(kind_of([&] { copy(stopped, source, sink); }) == ErrorKind::interrupted);
    CHECK_FALSE(sink.finished);
}

TEST_CASE_FIXTURE(Fixture, "drain tells size and digest and keeps nothing") {
    ScriptSource source(letters(2'000'000));
    const Copied copied = drain(call, source);
    CHECK(copied.size == 2'000'000);
    CHECK(copied.sha256 == sha256(letters(2'000'000)));
    ScriptSource cut(letters(10));
    cut.announced = 11;
    CHECK(kind_of([&] { drain(call, cut); }) == ErrorKind::unreachable);
}

TEST_CASE_FIXTURE(Fixture, "a hashing source passes on what it hashes") {
    ScriptSource source(letters(1000));
    HashingSource hashing(source);
    CHECK(hashing.size() == 1000);
    CHECK(read_all(hashing, 1000) == letters(1000));
    const Copied copied = hashing.copied();
    CHECK(copied.size == 1000);
    CHECK(copied.sha256 == sha256(letters(1000)));
}
