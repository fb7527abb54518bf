// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>

#include "backup/story.hpp"
#include "driver/dragonfly/dragonfly.hpp"
#include "store/store.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_dragonfly.hpp"
#include "support/temporary.hpp"

namespace vbackup::test {

// Stories on a scripted Dragonfly, with a store and a journal of their own and a clock that costs no time.
struct Site {
    explicit Site(std::string url, const std::string& password = {}, const std::string& user = {})
        : url_(std::move(url)) {
        driver::Settings settings;
        settings.url = url_;
        settings.key = Secret(password);
        settings.user = user;
        driver = driver::open_dragonfly(std::move(settings));
    }

    backup::Stage stage() {
        return {.target = {"", url_, "dragonfly", *driver},
                .journal = journal,
                .store = &store,
                .open_location = {},
                .limits = {},
                .parallel = 2,
                .vbackup_version = "0",
                .confirm = [this](const model::Plan&) {
                    ++asked;
                    return agrees;
                }};
    }
    backup::Result create(const std::string& id = "b1", model::Options options = {}, bool keep = true,
                          model::Scope scope = {}) {
        backup::CreateOptions asked_for{
            .id = id, .scope = std::move(scope), .options = std::move(options), .keep = keep};
        return backup::create(call, stage(), asked_for);
    }
    backup::Result restore(bool overwrite = false, model::Options options = {}, model::Renames renames = {},
                           model::Scope scope = {}, const std::string& id = "b1") {
        return backup::restore(call, stage(),
                               {.id = id,
                                .scope = std::move(scope),
                                .options = std::move(options),
                                .renames = std::move(renames),
                                .overwrite = overwrite});
    }

    std::string url_;
    TemporaryFolder folder{TemporaryFolder::in_memory()};
    std::unique_ptr<store::Store> store_place = store::open_directory(folder / "store");
    std::unique_ptr<store::Store> journal_place = store::open_directory(folder / "journal");
    store::Catalog store{*store_place};
    store::Catalog journal{*journal_place};
    FakeClock clock;
    Tally tally;
    Call call{clock, tally};
    std::unique_ptr<driver::Driver> driver;
    bool agrees = true;
    int asked = 0;
};

// The error that a call ends with; `usage` with a word about it when it ends well.
template <typename Work>
Error error_of(Work&& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::usage, "nothing was thrown"};
}

#define CHECK_ENDS(kind_, words_, ...)                                                          \
    do {                                                                                        \
        const auto error_ = ::vbackup::test::error_of([&] { static_cast<void>(__VA_ARGS__); }); \
        CAPTURE(error_.message());                                                              \
        CHECK(::vbackup::describe(error_.kind()).word == ::vbackup::describe(kind_).word);      \
        CHECK((error_.message() + error_.hint()).find(words_) != std::string::npos);            \
    } while (false)

}  // namespace vbackup::test
