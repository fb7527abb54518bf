// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "driver/dragonfly/note.hpp"
#include "driver/driver.hpp"

namespace vbackup::driver::dragonfly {

// Error{busy} with the context "loading" while the server loads its data: all but INFO and a few commands are answered by LOADING.
void require_loaded(const std::string& address, const Facts& now);

// DFLY LOAD: a Dragonfly puts back a snapshot of its own. It clears everything before it looks for the file, answers only when it
// has ended, and whoever else asks gets LOADING until then (contracts.md B.2; dflycmd.cc, server_family.cc of f8eca6d). The
// connection on which the answer is to come is kept here from `begin` to the end, for INFO tells that a load goes on but not
// how it ended. Thread-safe.
class Loads {
public:
    // `note` has the path, and in `spaces` the keys that are to be there then, if these are known exactly. Error{busy} while another
    // load goes on: nothing was sent then. An error that comes at once is thrown; what was there is gone by then.
    model::Outcome begin(Call& call, const net::RespServer& server, Note note);
    // Succeeded by the server's own answer; where the connection broke, by its having been seen loading and having exactly the
    // wanted keys afterwards. Failed when neither can be had, or the server was started anew.
    model::Seen observe(Call& call, const net::RespServer& server, const Note& note);

private:
    struct Pending {
        std::unique_ptr<net::Resp> wire;  // none once it broke
        bool seen_loading = false;
    };
    std::shared_ptr<Pending> find(const std::string& node);
    void forget(const std::string& node);

    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Pending>> pending_;  // by node
};

}  // namespace vbackup::driver::dragonfly
