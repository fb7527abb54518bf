// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>

#include "backup/story.hpp"
#include "base/call.hpp"
#include "base/tally.hpp"
#include "cli/output/messages.hpp"
#include "cli/output/ticker.hpp"
#include "cli/session/address.hpp"
#include "cli/session/common.hpp"
#include "cli/session/surroundings.hpp"
#include "cli/session/trace_file.hpp"
#include "config/config.hpp"
#include "store/catalog.hpp"
#include "store/encrypted/open.hpp"

namespace vbackup::cli {

// A store and the catalog over it.
struct Place {
    explicit Place(std::unique_ptr<store::Store> opened) : bytes(std::move(opened)), catalog(*bytes) {}
    std::unique_ptr<store::Store> bytes;
    store::Catalog catalog;
};

// An open target with all that a story needs; it owns what the stage refers to.
struct Scene {
    std::unique_ptr<driver::Driver> driver;
    std::unique_ptr<Place> journal;
    std::unique_ptr<Place> store;  // null: none is named
    model::Options options;        // for this verb: those of the configuration under those of the command line
    backup::Stage stage;
};

// One command's wiring: configuration, secrets, driver, stores, limits, signals, questions.
class Session {
public:
    // Throws as TraceFile does.
    Session(const Surroundings& around, const Common& common, Messages& messages);
    // One of several targets that a command works on side by side: its own limits and tally, and it ends when `whole` is
    // ended. Its progress and warnings are the command's to show.
    Session(Session& whole, const Common& common);

    const Surroundings& around() const { return around_; }
    Call& call() { return call_; }
    Milliseconds elapsed() const;
    std::size_t parallel();
    // What the configuration says for the target that was opened last, else for all.
    const config::Habits& habits();
    config::Habits habits_of(const config::TargetConfig* target) { return config().habits_of(target); }
    const config::Config& config();
    // Called ten times a second from now on, by another thread; empty: nothing.
    void each_beat(std::function<void()> work);
    // The target's own part of the configuration; null for one that was given as a URL.
    const config::TargetConfig* configured(const std::string& target);

    static bool is_store(const std::string& text) { return names_a_store(text); }

    // Opens TARGET for a verb; `store` is what --to or --from says, or empty for what the configuration says. Asks the
    // server what it is when the URL does not say it. Checks -o against the driver's table.
    std::unique_ptr<Scene> open(const std::string& target, const std::string& verb, const std::string& store);
    std::unique_ptr<Place> open_store(const std::string& text);
    // The same for what is to be written into: Error{refused} for a path or URL without a key where the configuration has an
    // encrypted store, since what came there would lie open.
    std::unique_ptr<Place> open_store_to_fill(const std::string& text);
    // The bytes below a store as they lie there, and what the configuration or, for a path or URL, the environment has to open
    // them with.
    std::unique_ptr<store::Store> open_bytes(const std::string& text);
    store::encrypted::Unlocking unlocking_of(const std::string& store);
    std::unique_ptr<Place> open_journal();
    // Null where none is configured and the environment has no place for one.
    std::unique_ptr<Place> find_journal();
    backup::Confirm confirm();
    // What goes over a wire is told to: --verbose, --trace, and whoever keeps exchanges. Null for nobody.
    net::Trace trace() const;
    // Who keeps them from the next opening on; empty: nobody. Called by any thread.
    void keep_exchanges(std::function<void(const net::Exchanged& exchange)> keep) { keep_ = std::move(keep); }

    // Runs `work` while progress, warnings and signals are looked after.
    template <class Work>
    std::invoke_result_t<Work> watch(Work work) {
        Ticker ticker(messages_, tally_, around_.clock, around_.pulse, [this] { beat(); });
        ticker_ = &ticker;
        struct Forget {
            Ticker*& pointer;
            ~Forget() { pointer = nullptr; }
        } forget{ticker_};
        set_limits();
        return work();
    }

private:
    void set_limits();
    void set_habits(const config::TargetConfig* target);
    void set_rate(std::uint64_t bytes);
    void note_signal();
    void beat();
    Secret secret_of(const TargetAddress& address);
    driver::Settings settings_of(const TargetAddress& address);
    const driver::Entry& entry_of(const TargetAddress& address, const driver::Settings& settings);
    store::Opening opening(const Call& call);
    // What lies at a location that a server named: a folder that this machine sees, or a place in a bucket that a store of the
    // configuration is in too, with what that says of it. Null otherwise: the same name may be another bucket elsewhere.
    std::unique_ptr<store::Store> open_location(const std::string& url);
    std::unique_ptr<Place> store_for(const TargetAddress& address, const std::string& named, bool fills);
    job::Limits limits();
    bool ask(const model::Plan& plan);
    backup::SecretKeeper secrets(const model::Options& options);

    const Surroundings& around_;
    const Common& common_;
    Messages& messages_;
    Tally tally_;
    std::stop_source stop_;
    Instant begun_;
    std::optional<Rate> rate_;
    Call call_;
    std::optional<config::Config> config_;
    config::Habits habits_;
    Ticker* ticker_ = nullptr;
    std::mutex beating_;
    std::function<void()> each_beat_;
    std::shared_ptr<TraceFile> trace_file_;  // null: none is asked for
    std::function<void(const net::Exchanged& exchange)> keep_;
};

}  // namespace vbackup::cli
