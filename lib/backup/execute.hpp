// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backup/story.hpp"

namespace vbackup::backup {

// How many steps run at once: what the stage says, else two for each node of the plan (while one part is made there
// another is moved), from 4 to 32.
std::size_t side_by_side(const Stage& stage, const model::Plan& plan);

// Throws Error{usage} when a step brings a secret and there is no place for it, and whatever stands in the way of keeping it.
void require_place_for_secrets(const Stage& stage, const model::Plan& plan);

// The only executor. Runs the steps of an intent in the order their `after` allows, at most stage.parallel side by side;
// notes each in the intent before and after it is sent; asks the driver `done` before anything is sent again; waits for
// jobs through job::wait; has files fetched, placed and erased (backup/carry.hpp). A failed step holds back only those that come after it, unless
// the error makes the rest pointless. Where waiting for a state shows that what came before had no full effect, that is
// sent again.
class Executor {
public:
    // `home` keeps the intent; null when it is not worth keeping (a cancel). `intent.draft` gains the files that come home.
    Executor(Call& call, const Stage& stage, store::Catalog* home, model::Intent& intent);

    // Everything but the tidying steps. With `wait` false a job that no other step waits for is read back once and left
    // running. Throws the worst error of the failed steps, or Error{partial} when some of them ended well.
    void run(bool wait = true);
    // The tidying steps that come after what ended well; what fails becomes a warning. False when something is left to tidy.
    bool tidy();

private:
    struct Failure {
        std::string step;
        Error error;
    };

    void run_all(const std::vector<const model::Step*>& steps, bool wait);
    void run_step(const model::Step& step, bool wait);
    void change(const model::Step& planned, bool wait);
    void require_gone(const model::Step& step);
    void keep_secret(const model::Step& step, const Secret& secret);
    std::optional<model::JobRef> start(const model::Step& step);
    void start_anew(const model::Step& step, const Error& ended, bool wait);
    model::Outcome begin(const model::Step& step);
    model::Outcome send_once(const model::Step& step);
    model::Outcome send_increment(const model::Step& step, const model::File& file);
    void note_sent(const std::string& step);
    void follow(const model::Step& step, model::JobRef job, bool wait);
    model::Seen look_briefly(const job::Look& look);
    void settle(const model::Step& step);
    void send_again(const model::Step& settling);
    void fetch(const model::Step& step);

    std::vector<model::File> files();
    std::optional<model::File> file_called(const std::string& name);
    model::StepRecord record(const std::string& step);
    void note(const std::string& step, const std::function<void(model::StepRecord&)>& change);
    void save();
    [[noreturn]] void throw_failures(const std::vector<const model::Step*>& steps);

    Call& call_;
    const Stage& stage_;
    store::Catalog* home_;
    model::Intent& intent_;
    const bool sends_;  // false: what an old restore began is waited for, and nothing is sent any more
    std::mutex mutex_;  // guards intent_ and what follows
    std::vector<Failure> failures_;
};

}  // namespace vbackup::backup
