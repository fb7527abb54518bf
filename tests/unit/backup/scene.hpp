// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "backup/story.hpp"
#include "store/catalog.hpp"
#include "support/fake_clock.hpp"
#include "support/fault_files.hpp"
#include "support/toy_driver.hpp"

namespace vbackup::test {

// A folder that goes with the test; in memory where there is such a place, since the stories call fsync a lot.
class TemporaryFolder {
public:
    TemporaryFolder() {
        const std::filesystem::path memory = "/dev/shm";
        const auto parent = std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
        std::string name = (parent / "vbackup-XXXXXX").string();
        const auto* made = mkdtemp(name.data());
        REQUIRE(made != nullptr);
        path_ = made;
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

// The real file system, but with next to no room left.
class SmallDisk : public FaultFiles {
public:
    explicit SmallDisk(std::uint64_t free) : free_(free) {}
    std::uint64_t free_bytes(const std::filesystem::path&) const override { return free_; }

private:
    std::uint64_t free_;
};

// A toy database with two collections, a store and a journal in a temporary folder, and a clock that does not sleep.
struct Scene {
    TemporaryFolder folder;
    FakeClock clock;
    Tally tally;
    std::stop_source stop;
    Call call{clock, tally, Instant::max(), stop.get_token()};
    ToyDatabase database;
    ToyDriver driver{database};
    std::unique_ptr<store::Store> store_bytes = store::open_directory(folder.path() / "store");
    std::unique_ptr<store::Store> journal_bytes = store::open_directory(folder.path() / "journal");
    store::Catalog store{*store_bytes};
    store::Catalog journal{*journal_bytes};
    bool consent = true;

    Scene() { database.collections = {{"Article", 1'000}, {"Book", 20}}; }

    backup::Stage stage(std::size_t parallel = 1) {
        return {.target = {"prod", "http://127.0.0.1:1", "toy", driver},
                .journal = journal,
                .store = &store,
                .open_location = {},
                .limits = {},
                .parallel = parallel,
                .vbackup_version = "0.0.0",
                .confirm = [this](const model::Plan&) { return consent; }};
    }

    // Throws, at the n-th time that `function` is about to be called for something whose name begins with `about`.
    void fail(const std::string& function, const std::string& about, ErrorKind kind, int nth = 1, int times = 1) {
        database.before = [=, seen = std::make_shared<int>(0)](const std::string& now, const std::string& what) {
            if (now != function || !what.starts_with(about)) return;
            ++*seen;
            if (*seen >= nth && *seen < nth + times) throw Error(kind, "planted at " + now + " " + what);
        };
    }

    // Makes b1, and restores it into an empty database whose server goes away in the middle and stays away.
    void interrupt_restore();

    model::Manifest made(const std::string& id, bool keep = true) {
        return *backup::create(call, stage(), {.id = id, .keep = keep}).manifest;
    }
};

inline backup::Result restore(Scene& scene, const backup::RestoreOptions& options) {
    return backup::restore(scene.call, scene.stage(), options);
}

template <class Work>
ErrorKind kind_of(const Work& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.kind();
    }
    FAIL("it ended well");
    return ErrorKind::failed;
}

inline void Scene::interrupt_restore() {
    made("b1");
    database.collections.clear();
    fail("run", "send:Book", ErrorKind::unreachable, 1, 100);
    CHECK(kind_of([&] { restore(*this, {.id = "b1"}); }) == ErrorKind::unreachable);
}

}  // namespace vbackup::test
