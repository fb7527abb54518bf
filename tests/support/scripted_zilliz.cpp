// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_zilliz.hpp"

#include <fmt/format.h>

#include <sstream>

#include "base/text.hpp"
#include "support/scripted_zilliz_state.hpp"

namespace vbackup::test {

namespace {

using State = ScriptedZilliz::State;

std::string decode(std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%' && at + 2 < text.size()) {
            result += static_cast<char>(std::stoi(std::string(text.substr(at + 1, 2)), nullptr, 16));
            at += 2;
        } else {
            result += text[at];
        }
    }
    return result;
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::stringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) {
        if (!part.empty()) parts.push_back(part);
    }
    return parts;
}

State::Parameters parameters(const std::string& query) {
    State::Parameters result;
    for (const auto& pair : split(query, '&')) {
        const auto sign = pair.find('=');
        result[pair.substr(0, sign)] = sign == std::string::npos ? "" : decode(pair.substr(sign + 1));
    }
    return result;
}

std::string given(const State::Parameters& asked, const char* name) {
    const auto found = asked.find(name);
    return found == asked.end() ? "" : found->second;
}

}  // namespace

Answer State::good(const json& data, bool top) const {
    json body{{"code", script.ok_is_200 ? 200 : 0}};
    if (top)
        body.update(data);
    else
        body["data"] = data;
    return {.body = body.dump(), .headers = {{"Content-Type", "application/json"}}};
}

Answer State::bad(int code, const std::string& words, int status) const {
    return {.status = status,
            .body = json{{"code", code}, {"message", words}}.dump(),
            .headers = {{"Content-Type", "application/json"}}};
}

std::string State::next(const char* prefix) {
    ++number;
    return fmt::format("{}{:08x}", prefix, static_cast<unsigned>(number) * 2654435761U);
}

std::string State::begin(const std::string& type, const std::string& ending, const std::string& reason,
                         std::function<void(bool)> end) {
    Job made;
    made.id = next("job-");
    made.type = type;
    made.ending = ending;
    made.reason = reason;
    made.started = format_time(script.now);
    made.looks = made.all = script.looks;
    made.end = std::move(end);
    jobs[made.id] = made;
    return made.id;
}

void State::end(Job& job) {
    job.status = job.ending;
    job.ended = format_time(script.now + Seconds(30));
    job.looks = 0;
    if (const auto work = std::exchange(job.end, nullptr)) work(job.ending == "SUCCESSFUL");
}

// One look has come: all work moves on by one.
void State::tick() {
    for (auto& backup : backups) {
        if (backup.status == "CREATING" && backup.job.empty() && --backup.looks <= 0) backup.status = "AVAILABLE";
    }
    for (auto& [id, looks] : starting) {
        if (looks > 0 && --looks == 0) script.clusters.at(id).status = "RUNNING";
    }
    for (auto& [id, job] : jobs) {
        if (job.fixed || !job.end) continue;
        if (--job.looks <= 0) {
            end(job);
        } else {
            job.status = "IN_PROGRESS";
        }
    }
}

Answer State::job(const std::string& id) {
    const auto found = jobs.find(id);
    if (found == jobs.end()) return bad(96026, "The job does not exist.");
    const auto& job = found->second;
    const auto percent = job.all == 0 ? 100 : (job.all - job.looks) * 100 / job.all;
    const auto shown = job.status == "SUCCESSFUL" ? 100 : std::min(percent, 99);
    json data{{"jobId", id},
              {"type", job.type},
              {"status", job.status},
              {"progress", script.progress.empty() ? std::to_string(shown) : script.progress},
              {"startTime", job.started},
              {"endTime", job.ended.empty() ? json(nullptr) : json(job.ended)},
              {"reason", job.status == "FAILED" ? json(job.reason) : json(nullptr)}};
    return good(data, script.job_at_top);
}

Answer State::page(const json& all, const Parameters& asked, const char* name) {
    const auto number_of = [&](const char* key, int usual) {
        const auto text = given(asked, key);
        return text.empty() ? usual : std::atoi(text.c_str());
    };
    const auto wanted = number_of("pageSize", 10), current = number_of("currentPage", 1);
    if (wanted < 1 || wanted > 100) return bad(96008, "The page size should be in the range of 1 to 100.");
    const auto size = std::min(wanted, script.page);
    if (current < 1) return bad(96009, "The current page is invalid.");
    json some = json::array();
    const auto from = static_cast<std::size_t>(size) * static_cast<std::size_t>(current - 1);
    for (auto at = from; at < std::min(all.size(), from + static_cast<std::size_t>(size)); ++at)
        some.push_back(all[at]);
    return good({{"count", all.size()}, {"currentPage", current}, {"pageSize", size}, {name, some}});
}

bool State::too_many(const HttpRequest& request) {
    if (script.most_per_second == 0) return false;
    const auto now = std::chrono::steady_clock::now();
    auto& times = recent[request.method + " " + request.path];
    while (!times.empty() && now - times.front() >= std::chrono::seconds(1)) times.pop_front();
    if (times.size() >= static_cast<std::size_t>(script.most_per_second)) return true;
    times.push_back(now);
    return false;
}

Answer State::answer(const HttpRequest& request) {
    const auto token = request.header("Authorization");
    if (token.empty()) return bad(80001, "The token is invalid.", 401);
    if (token != "Bearer " + script.key) return bad(21119, "The API key is illegal.", 401);
    if (too_many(request)) return bad(80020, "Too many requests.", 429);
    auto parts = split(request.path, '/');
    for (auto& part : parts) part = decode(part);
    const auto asked = parameters(request.query);
    if (parts.size() < 2 || parts[0] != "v2") return {.status = 404, .body = "404 page not found"};
    if (parts[1] == "jobs" && parts.size() == 3) {
        tick();
        return job(parts[2]);
    }
    if (parts[1] == "backups" && request.method == "GET") {
        tick();
        return list(asked);
    }
    if (parts[1] == "clusters") return cluster_routes(request, parts, asked);
    return {.status = 404, .body = "404 page not found"};
}

Answer State::serve(const HttpRequest& request) {
    const std::scoped_lock lock(mutex);
    const auto fault = std::find_if(faults.begin(), faults.end(), [&](const Once& one) {
        return one.method == request.method && glob_match(one.glob, request.path);
    });
    Answer given;
    if (fault == faults.end()) {
        given = answer(request);
    } else {
        given = fault->answer;
        const bool after = fault->after;
        faults.erase(fault);
        if (after) answer(request);
    }
    given.headers.emplace_back("requestid", fmt::format("req-{}", ++answers));
    return given;
}

ScriptedZilliz::ScriptedZilliz() : ScriptedZilliz(Script{}) {}

ScriptedZilliz::ScriptedZilliz(Script script) : state_(std::make_shared<State>()) {
    state_->script = std::move(script);
    for (const auto* method : {"GET", "POST", "PUT", "DELETE"})
        state_->http.on(method, "*",
                        [state = state_.get()](const HttpRequest& request) { return state->serve(request); });
}

ScriptedZilliz::~ScriptedZilliz() = default;

std::string ScriptedZilliz::base() const {
    return state_->http.base();
}

HttpServer& ScriptedZilliz::http() {
    return state_->http;
}

void ScriptedZilliz::change(const std::function<void(Script&)>& change) {
    const std::scoped_lock lock(state_->mutex);
    change(state_->script);
}

ScriptedZilliz::Script ScriptedZilliz::script() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->script;
}

void ScriptedZilliz::fault_once(std::string method, std::string glob, Answer answer, bool after) {
    const std::scoped_lock lock(state_->mutex);
    state_->faults.push_back({std::move(method), std::move(glob), std::move(answer), after});
}

std::string ScriptedZilliz::add_backup(Backup backup) {
    const std::scoped_lock lock(state_->mutex);
    if (backup.id.empty()) backup.id = state_->next("backup1_");
    if (backup.name.empty()) backup.name = fmt::format("Dedicated-01_backup{}", state_->backups.size() + 1);
    if (backup.created == Moment{}) backup.created = state_->script.now;
    state_->script.now += std::chrono::minutes(1);
    state_->backups.push_back(backup);
    return backup.id;
}

std::string ScriptedZilliz::begin_backup(const std::string& cluster, const std::string& method) {
    const std::scoped_lock lock(state_->mutex);
    Backup backup;
    backup.method = method;
    return state_->begin_backup(cluster, std::move(backup));
}

void ScriptedZilliz::finish() {
    const std::scoped_lock lock(state_->mutex);
    for (auto& [id, job] : state_->jobs) {
        if (job.end) state_->end(job);
    }
    for (auto& backup : state_->backups) {
        if (backup.status == "CREATING") backup.status = "AVAILABLE";
    }
}

void ScriptedZilliz::set_job(const std::string& id, const std::string& status) {
    const std::scoped_lock lock(state_->mutex);
    auto& job = state_->jobs.at(id);
    job.status = status;
    job.fixed = true;
}

void ScriptedZilliz::forget_job(const std::string& id) {
    const std::scoped_lock lock(state_->mutex);
    state_->jobs.erase(id);
}

void ScriptedZilliz::forget_backup(const std::string& id) {
    const std::scoped_lock lock(state_->mutex);
    std::erase_if(state_->backups, [&](const auto& one) { return one.id == id; });
}

std::vector<ScriptedZilliz::Backup> ScriptedZilliz::backups() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->backups;
}

std::string ScriptedZilliz::policy(const std::string& cluster) const {
    const std::scoped_lock lock(state_->mutex);
    const auto found = state_->policies.find(cluster);
    return found == state_->policies.end() ? "" : found->second.dump();
}

std::size_t ScriptedZilliz::count(std::string_view method, std::string_view glob) const {
    return bodies(method, glob).size();
}

std::vector<std::string> ScriptedZilliz::bodies(std::string_view method, std::string_view glob) const {
    std::vector<std::string> all;
    for (const auto& request : state_->http.requests()) {
        if (request.method == method && glob_match(glob, request.path)) all.push_back(request.body);
    }
    return all;
}

}  // namespace vbackup::test
