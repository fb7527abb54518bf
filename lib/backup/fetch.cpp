// SPDX-License-Identifier: Apache-2.0
#include "backup/fetch.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "backup/kept.hpp"
#include "base/error.hpp"
#include "io/copy.hpp"
#include "io/frames.hpp"
#include "job/wait.hpp"
#include "store/catalog.hpp"

namespace vbackup::backup {

namespace {

// How often in a row a line may break without a byte having come through.
constexpr int attempts = 5;

class CheckedSource : public io::Source {
public:
    CheckedSource(std::unique_ptr<io::Source> source, std::string sha256, std::string name)
        : source_(std::move(source)), sha256_(std::move(sha256)), name_(std::move(name)) {}

    std::size_t read(std::span<std::byte> into) override {
        const auto count = source_->read(into);
        if (count > 0) {
            digest_.update(into.first(count));
        } else if (!std::exchange(ended_, true) && !sha256_.empty() && digest_.hex() != sha256_) {
            throw Error(ErrorKind::corrupt, fmt::format("{} in the backup is damaged: its SHA-256 differs", name_),
                        "restore from another backup; `vbackup verify` lists every damaged file");
        }
        return count;
    }
    std::optional<std::uint64_t> size() const override { return source_->size(); }
    std::uint64_t offset() const override { return source_->offset(); }

private:
    std::unique_ptr<io::Source> source_;
    std::string sha256_, name_;
    io::Digest digest_;
    bool ended_ = false;
};

// What is wrong with a file that came home; "" when nothing is.
std::string difference(const model::File& file, const io::Copied& copied) {
    if (file.size && *file.size != copied.size)
        return fmt::format("{} has {} bytes where the server said {}", file.name, copied.size, *file.size);
    if (!file.server_sha256.empty() && file.server_sha256 != copied.sha256)
        return fmt::format("{} differs from the server's: SHA-256 {} where the server said {}", file.name,
                           copied.sha256, file.server_sha256);
    return {};
}

model::File kept(model::File file, const io::Copied& copied) {
    file.size = copied.size;
    file.sha256 = copied.sha256;
    file.kept = true;
    return file;
}

bool is_line_trouble(ErrorKind kind) {
    return kind == ErrorKind::unreachable || kind == ErrorKind::stalled || kind == ErrorKind::busy;
}

// Copies until the end, reopening where a broken line stopped as long as it moves. `had` says how far it is, `copy_from` goes
// on from there.
template <class Had, class CopyFrom>
io::Copied copy_whole(Call& call, Milliseconds patience, Had had, CopyFrom copy_from) {
    Loading loading(call, patience);
    int idle = 0;
    for (auto at = had();;) {
        try {
            return copy_from(at);
        } catch (const Error& error) {
            const auto has = had();
            if (loading.passes(error)) {
                at = has;
                idle = 0;
                continue;
            }
            idle = has > at ? 0 : idle + 1;
            if (!is_line_trouble(error.kind()) || idle >= attempts) throw;
            at = has;
            call.clock.sleep(Seconds(idle + 1), call.stop);
            call.require_time();
        }
    }
}

class Fetch {
public:
    Fetch(Call& call, store::Store& store, std::string name, const Opener& open, Milliseconds patience)
        : call_(call), store_(store), name_(std::move(name)), open_(open), patience_(patience) {}

    io::Copied copy_whole() {
        return backup::copy_whole(
            call_, patience_, [&] { return store_.partial_size(name_); },
            [&](std::uint64_t had) { return copy_from(had); });
    }

    bool resumed() const { return resumed_; }

private:
    io::Copied copy_from(std::uint64_t had) {
        resumed_ = resumed_ || had > 0;
        io::Digest digest;
        if (had > 0 && !add_partial(digest)) {
            had = 0;
            digest.reset();
        }
        auto source = open_(had);
        auto sink = store_.create(name_, had > 0);
        return io::copy(call_, *source, *sink, had, std::move(digest));
    }

    // False when it cannot be carried on: an encrypted store sees that it was damaged.
    bool add_partial(io::Digest& digest) {
        try {
            auto partial = store_.open_partial(name_);
            std::vector<std::byte> block(std::size_t{1} << 20);
            while (const auto count = partial->read(block)) digest.update(std::span(block).first(count));
            return true;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::corrupt) throw;
            return false;
        }
    }

    Call& call_;
    store::Store& store_;
    std::string name_;
    const Opener& open_;
    Milliseconds patience_;
    bool resumed_ = false;
};

// Passes on, counts and hashes.
class HashingSink final : public io::Sink {
public:
    explicit HashingSink(io::Sink& inner) : inner_(inner) {}
    void write(std::span<const std::byte> bytes) override {
        inner_.write(bytes);
        digest_.update(bytes);
        size_ += bytes.size();
    }
    void finish() override { inner_.finish(); }
    void rewind() override {
        inner_.rewind();
        digest_.reset();
        size_ = 0;
    }
    std::uint64_t size() const { return size_; }
    io::Copied copied() { return {size_, digest_.hex()}; }

private:
    io::Sink& inner_;
    io::Digest digest_;
    std::uint64_t size_ = 0;
};

// A packed file cannot be carried on where it ends, so one sink lives as long as this run.
model::File fetch_packed(Call& call, store::Store& store, const std::string& name, model::File file, const Opener& open,
                         int level, Milliseconds patience) {
    const auto lying = store.create(name);
    HashingSink stored(*lying);
    const auto packer = io::pack_frames(stored, level);
    HashingSink plain(*packer);
    copy_whole(
        call, patience, [&] { return plain.size(); },
        [&](std::uint64_t had) {
            const auto source = open(had);
            return io::copy(call, *source, plain, had);
        });
    const auto copied = plain.copied();
    if (const auto problem = difference(file, copied); !problem.empty()) {
        store.remove(name);
        throw Error(ErrorKind::corrupt, problem,
                    "run the same command again; if it stays, the server's copy is damaged");
    }
    file = kept(std::move(file), copied);
    const auto packed = stored.copied();
    file.packing = zstd_packing;
    file.stored_size = packed.size;
    file.stored_sha256 = packed.sha256;
    return file;
}

}  // namespace

bool Loading::passes(const Error& error) {
    const auto& context = error.context();
    if (std::none_of(context.begin(), context.end(), [](const auto& one) { return one.first == "loading"; }))
        return false;
    const auto now = call_.clock.now();
    if (!since_) since_ = now;
    const auto age = std::chrono::duration_cast<Milliseconds>(now - *since_);
    if (age >= patience_) throw error;
    call_.tally.stage(fmt::format("waiting: {}", error.message()));
    call_.clock.sleep(std::max<Milliseconds>(job::pause(age), Seconds(1)), call_.stop);
    call_.require_time();
    return true;
}

model::File fetch_file(Call& call, store::Store& store, const std::string& id, model::File file, const Opener& open,
                       int level, Milliseconds patience) {
    const auto name = store::file_name(id, file.name);
    if (level != 0) return fetch_packed(call, store, name, std::move(file), open, level, patience);
    // A file that an earlier run finished is trusted only as far as the server's digest vouches for it.
    if (!file.server_sha256.empty() && store.size(name)) {
        const auto there = io::drain(call, *store.open(name));
        if (difference(file, there).empty()) return kept(std::move(file), there);
    }
    // Without a digest to compare with, nothing tells that what an earlier run left is of this very file.
    const bool too_much = file.size && store.partial_size(name) > *file.size;
    if (file.server_sha256.empty() || too_much) store.remove(name);
    for (bool again = false;; again = true) {
        Fetch fetch(call, store, name, open, patience);
        const auto copied = fetch.copy_whole();
        const auto problem = difference(file, copied);
        if (problem.empty()) return kept(std::move(file), copied);
        store.remove(name);
        // What an earlier run left may belong to another version of the file: once more from the beginning.
        if (again || !fetch.resumed()) {
            throw Error(ErrorKind::corrupt, problem,
                        "run the same command again; if it stays, the server's copy is damaged");
        }
    }
}

std::unique_ptr<io::Source> checked(std::unique_ptr<io::Source> source, std::string sha256, std::string name) {
    return std::make_unique<CheckedSource>(std::move(source), std::move(sha256), std::move(name));
}

Place require_place(const OpenLocation& open, const model::Location& location) {
    const auto slash = location.url.find_last_of('/');
    if (open && slash != std::string::npos && slash + 1 < location.url.size()) {
        if (auto parent = open(location.url.substr(0, slash)))
            return {std::move(parent), location.url.substr(slash + 1)};
    }
    throw Error(ErrorKind::unsupported, fmt::format("{} cannot be reached from this machine", location.url),
                "run vbackup where that place is mounted, or copy the files with the tools of whoever keeps them");
}

}  // namespace vbackup::backup
