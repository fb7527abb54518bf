// SPDX-License-Identifier: Apache-2.0
#include "faults/state_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

namespace vbackup::test {

namespace {

using nlohmann::json;

struct Word {
    std::string_view word, done, earlier;
};

constexpr std::array vocabulary{
    // Weaviate's jobs
    Word{"STARTED", "SUCCESS", "STARTED"},
    Word{"TRANSFERRING", "SUCCESS", "STARTED"},
    Word{"TRANSFERRED", "SUCCESS", "TRANSFERRING"},
    Word{"FINALIZING", "SUCCESS", "TRANSFERRING"},
    Word{"SUCCESS", "SUCCESS", "TRANSFERRING"},
    // Zilliz Cloud's jobs, backups, clusters
    Word{"PENDING", "SUCCESSFUL", "PENDING"},
    Word{"IN_PROGRESS", "SUCCESSFUL", "PENDING"},
    Word{"SUCCESSFUL", "SUCCESSFUL", "IN_PROGRESS"},
    Word{"CREATING", "AVAILABLE", "CREATING"},
    Word{"AVAILABLE", "AVAILABLE", "CREATING"},
    Word{"RESTORE_BACKUP", "RUNNING", "RESTORE_BACKUP"},
    // Qdrant's replicas and collections
    Word{"Initializing", "Active", "Dead"},
    Word{"Partial", "Active", "Initializing"},
    Word{"Recovery", "Active", "Partial"},
    Word{"Active", "Active", "Partial"},
    Word{"Dead", "Active", "Dead"},
    Word{"grey", "green", "grey"},
    Word{"yellow", "green", "grey"},
    Word{"green", "green", "yellow"},
    // Dragonfly Cloud's data stores
    Word{"pending", "active", "pending"},
    Word{"updating", "active", "pending"},
    Word{"restoring", "active", "updating"},
    Word{"active", "active", "updating"},
    // Qdrant's objects in Kubernetes
    Word{"Pending", "Succeeded", "Pending"},
    Word{"Running", "Succeeded", "Pending"},
    Word{"Succeeded", "Succeeded", "Running"},
};

constexpr std::string_view nobodys = "BLUE";

std::string changed(const std::string& word, Words how) {
    const auto found =
        std::find_if(vocabulary.begin(), vocabulary.end(), [&](const Word& one) { return one.word == word; });
    if (found == vocabulary.end()) return word;
    if (how == Words::unknown) return std::string(nobodys);
    return std::string(how == Words::early ? found->done : found->earlier);
}

bool change_in(json& value, Words how) {
    bool any = false;
    if (value.is_object()) {
        for (const auto* key : {"status", "state", "phase"}) {
            const auto found = value.find(key);
            if (found == value.end() || !found->is_string()) continue;
            const auto before = found->get<std::string>();
            auto after = changed(before, how);
            any = any || after != before;
            *found = std::move(after);
        }
    }
    if (value.is_structured()) {
        for (auto& inner : value) any = change_in(inner, how) || any;
    }
    return any;
}

bool replace_all(std::string& text, std::string_view from, std::string_view to) {
    bool any = false;
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
        any = true;
    }
    return any;
}

}  // namespace

bool change_words(std::string& text, Words how) {
    auto whole = json::parse(text, nullptr, false);
    if (whole.is_discarded() || !change_in(whole, how)) return false;
    text = whole.dump();
    return true;
}

bool change_info(std::string& resp, Words how) {
    const auto head = resp.find("\r\n");
    if (!resp.starts_with('$') || head == std::string::npos || resp.size() < head + 4) return false;
    auto body = resp.substr(head + 2, resp.size() - head - 4);
    bool any = false;
    for (const std::string field : {"\r\nsaving:", "\r\nloading:", "\r\nrdb_bgsave_in_progress:"}) {
        if (how != Words::backwards)
            any = replace_all(body, field + "1", field + (how == Words::early ? "0" : "BLUE")) || any;
        else
            any = replace_all(body, field + "0", field + "1") || any;
    }
    const std::string last = "\r\nrdb_last_bgsave_status:";
    if (how == Words::unknown) any = replace_all(body, last + "ok", last + "BLUE") || any;
    if (any) resp = fmt::format("${}\r\n{}\r\n", body.size(), body);
    return any;
}

}  // namespace vbackup::test
