// SPDX-License-Identifier: Apache-2.0
#include "cli/session/pipes.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace vbackup::cli {

namespace {

class Input final : public io::Source {
public:
    Input(const ReadBytes& read, Call& call) : read_(read), call_(call) {}

    std::size_t read(std::span<std::byte> into) override {
        for (;;) {
            call_.require_time();
            std::size_t moved = 0;
            const int failure = read_(into, moved);
            if (failure == 0) return moved;
            if (failure == EAGAIN) continue;
            throw Error(ErrorKind::storage, fmt::format("standard input cannot be read: {}", std::strerror(failure)));
        }
    }
    std::optional<std::uint64_t> size() const override { return std::nullopt; }

private:
    const ReadBytes& read_;
    Call& call_;
};

class Output final : public io::Sink {
public:
    Output(const WriteBytes& write, Call& call) : write_(write), call_(call) {}

    void write(std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            call_.require_time();
            std::size_t moved = 0;
            const int failure = write_(bytes, moved);
            if (failure != 0 && failure != EAGAIN)
                throw Error(ErrorKind::storage,
                            fmt::format("standard output cannot be written: {}", std::strerror(failure)),
                            "what was written of it is no whole archive; an import would refuse it");
            bytes = bytes.subspan(moved);
        }
    }
    void finish() override {}
    void rewind() override { throw Error(ErrorKind::failed, "standard output cannot be rewound"); }

private:
    const WriteBytes& write_;
    Call& call_;
};

}  // namespace

std::unique_ptr<io::Source> standard_input(const Surroundings& around, Call& call) {
    // Whoever can be asked sits at standard input.
    if (!around.read_bytes || around.ask)
        throw Error(ErrorKind::usage, "there is no archive on standard input", "pipe one in, or name a file");
    return std::make_unique<Input>(around.read_bytes, call);
}

std::unique_ptr<io::Sink> standard_output(const Surroundings& around, Call& call) {
    if (!around.write_bytes || around.out_terminal)
        throw Error(ErrorKind::usage, "an archive is not written to a terminal", "pipe it on, or name a file");
    return std::make_unique<Output>(around.write_bytes, call);
}

}  // namespace vbackup::cli
