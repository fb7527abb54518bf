// SPDX-License-Identifier: Apache-2.0
#include "faults/blow.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

namespace vbackup::test {

namespace {

using nlohmann::json;

constexpr Milliseconds longer_than_any_deadline{2LL * 3600 * 1000};

std::size_t below(std::size_t end, std::mt19937_64& random) {
    return end == 0 ? 0 : static_cast<std::size_t>(random() % end);
}

void cut(Answer& answer, std::mt19937_64& random) {
    answer.fault = Fault::cut;
    answer.fault_at = below(answer.body.size(), random);
}

void cut_short(Answer& answer, std::mt19937_64& random) {
    answer.body.resize(below(answer.body.size(), random));
}

void flip(Answer& answer, std::mt19937_64& random) {
    if (answer.body.empty()) return;
    answer.body[below(answer.body.size(), random)] ^= static_cast<char>(1U << below(8, random));
}

void gather(json& value, std::vector<json*>& all) {
    all.push_back(&value);
    if (value.is_structured()) {
        for (auto& inner : value) gather(inner, all);
    }
}

// Changes one random value of a JSON answer; an answer that is none stays as it is.
void change_one(Answer& answer, std::mt19937_64& random, const std::function<bool(const json&)>& fits,
                const std::function<void(json&)>& change) {
    auto whole = json::parse(answer.body, nullptr, false);
    if (whole.is_discarded()) return;
    std::vector<json*> all;
    gather(whole, all);
    std::erase_if(all, [&](const json* one) { return !fits(*one); });
    if (all.empty()) return;
    change(*all[below(all.size(), random)]);
    answer.body = whole.dump();
}

void other_type(Answer& answer, std::mt19937_64& random) {
    static const std::array<json, 6> kinds{json(nullptr),       json(7), json("x"), json(true), json(json::array()),
                                           json(json::object())};
    const json& instead = kinds.at(below(kinds.size(), random));
    change_one(
        answer, random, [](const json&) { return true; }, [&](json& one) { one = instead; });
}

void drop_member(Answer& answer, std::mt19937_64& random) {
    change_one(
        answer, random, [](const json& one) { return one.is_object() && !one.empty(); },
        [&](json& one) { one.erase(std::next(one.begin(), static_cast<std::ptrdiff_t>(below(one.size(), random)))); });
}

void unknown_word(Answer& answer, std::mt19937_64& random) {
    change_one(
        answer, random, [](const json& one) { return one.is_string(); }, [](json& one) { one = "BLUE"; });
}

void no_items(Answer& answer, std::mt19937_64& random) {
    change_one(
        answer, random, [](const json& one) { return one.is_array() && !one.empty(); },
        [](json& one) { one = json::array(); });
}

constexpr std::string_view page = "<html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>";

constexpr std::array all_blows{
    Blow{.name = "close"},
    Blow{.name = "reset"},
    Blow{.name = "lost", .works = true},
    Blow{.name = "lost-reset", .works = true},
    Blow{.name = "stall"},
    Blow{.name = "stall-after", .works = true},
    Blow{.name = "cut", .works = true, .spoil = cut},
    Blow{.name = "cut-short", .works = true, .spoil = cut_short},
    Blow{.name = "flip", .works = true, .lies = true, .spoil = flip},
    Blow{.name = "400", .status = 400, .body = "{}"},
    Blow{.name = "401", .status = 401, .body = "{}"},
    Blow{.name = "403", .status = 403, .body = "{}"},
    Blow{.name = "404", .status = 404, .body = "{}", .lies = true},
    Blow{.name = "404-empty", .status = 404, .lies = true},
    Blow{.name = "408", .status = 408},
    Blow{.name = "409", .status = 409, .body = "{}"},
    Blow{.name = "413", .status = 413, .body = page},
    Blow{.name = "422", .status = 422, .body = "{}"},
    Blow{.name = "429", .status = 429},
    Blow{.name = "500", .status = 500, .body = "{}"},
    Blow{.name = "502", .status = 502, .body = page},
    Blow{.name = "503", .status = 503},
    Blow{.name = "504", .status = 504, .body = page},
    Blow{.name = "500-after", .works = true, .status = 500, .body = "{}"},
    Blow{.name = "504-after", .works = true, .status = 504, .body = page},
    Blow{.name = "html", .status = 200, .body = page},
    Blow{.name = "html-after", .works = true, .status = 200, .body = page},
    Blow{.name = "empty", .works = true, .status = 200, .lies_in_resp = true},
    Blow{.name = "null", .works = true, .status = 200, .body = "null", .lies_in_resp = true},
    Blow{.name = "array", .works = true, .status = 200, .body = "[]", .lies = true},
    Blow{.name = "object", .works = true, .status = 200, .body = "{}", .lies = true},
    Blow{.name = "string", .works = true, .status = 200, .body = "\"ok\""},
    Blow{.name = "ok-undone",
         .status = 200,
         .body = R"({"result":true,"status":"ok","code":0,"data":{}})",
         .lies = true},
    Blow{.name = "other-type", .works = true, .lies = true, .spoil = other_type},
    Blow{.name = "drop-member", .works = true, .lies = true, .spoil = drop_member},
    Blow{.name = "unknown-word", .works = true, .lies = true, .spoil = unknown_word},
    Blow{.name = "no-items", .works = true, .lies = true, .unseen = true, .spoil = no_items},
    Blow{.name = "words-early", .works = true, .lies = true, .words = Words::early},
    Blow{.name = "words-backwards", .works = true, .words = Words::backwards},
    Blow{.name = "words-unknown", .works = true, .words = Words::unknown},
    Blow{.name = "disk-full", .call = "room", .code = ENOSPC},
    Blow{.name = "disk-write-full", .call = "write", .code = ENOSPC},
    Blow{.name = "disk-write", .call = "write", .code = EIO},
    Blow{.name = "disk-read", .call = "read", .code = EIO},
    Blow{.name = "disk-fsync", .call = "sync", .code = EIO},
    Blow{.name = "disk-rename", .call = "rename", .code = EIO},
    Blow{.name = "disk-folder-fsync", .call = "sync_directory", .code = EIO},
    Blow{.name = "disk-open", .call = "open_write", .code = EMFILE},
    Blow{.name = "disk-folder", .call = "make_directories", .code = ENOSPC},
    Blow{.name = "disk-remove", .call = "remove", .code = EIO},
    Blow{.name = "disk-list", .call = "list", .code = EIO},
    Blow{.name = "kill", .kill = Kill::before},
    Blow{.name = "kill-within", .kill = Kill::within},
    Blow{.name = "power", .kill = Kill::power},
    Blow{.name = "power-bytes", .kill = Kill::bytes},
};

// Does a RESP answer end where its bytes end? What no client can read does.
bool is_whole(const std::string& bytes) {
    const std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader(redisReaderCreate(), redisReaderFree);
    void* answer = nullptr;
    if (redisReaderFeed(reader.get(), bytes.data(), bytes.size()) != REDIS_OK ||
        redisReaderGetReply(reader.get(), &answer) != REDIS_OK)
        return true;
    if (answer != nullptr) freeReplyObject(answer);
    return answer != nullptr;
}

bool is(const Blow& blow, std::string_view name) {
    return blow.name.starts_with(name);
}

}  // namespace

std::span<const Blow> blows() {
    return all_blows;
}

const Blow* find_blow(std::string_view name) {
    const auto found =
        std::find_if(all_blows.begin(), all_blows.end(), [&](const Blow& one) { return one.name == name; });
    return found == all_blows.end() ? nullptr : &*found;
}

void Wedge::arm(const Blow& blow, std::size_t at, std::size_t times, std::uint64_t seed) {
    const std::scoped_lock lock(mutex_);
    blow_ = &blow;
    at_ = at;
    times_ = times;
    seen_ = hits_ = 0;
    struck_ = false;
    random_.seed(seed);
}

void Wedge::disarm() {
    const std::scoped_lock lock(mutex_);
    blow_ = nullptr;
    seen_ = 0;
}

std::size_t Wedge::seen() const {
    const std::scoped_lock lock(mutex_);
    return seen_;
}

bool Wedge::has_struck() const {
    const std::scoped_lock lock(mutex_);
    return struck_;
}

void Wedge::count_jobs(std::function<bool(std::string_view, std::string_view)> begins) {
    const std::scoped_lock lock(mutex_);
    begins_ = std::move(begins);
}

void Wedge::obey(Fate& fate) {
    const std::scoped_lock lock(mutex_);
    fate_ = &fate;
}

std::size_t Wedge::jobs() const {
    const std::scoped_lock lock(mutex_);
    return jobs_;
}

const Blow* Wedge::next() {
    const auto now = seen_++;
    if (blow_ == nullptr || blow_->is_of_disk() || now < at_) return nullptr;
    if (blow_->words != Words::kept) return hits_ < times_ ? blow_ : nullptr;
    if (now - at_ >= times_) return nullptr;
    struck_ = true;
    return blow_;
}

void Wedge::hit(bool changed) {
    hits_ += changed ? 1 : 0;
    struck_ = struck_ || changed;
}

Tamper Wedge::http() {
    return [this](const HttpRequest& request, const std::function<Answer()>& server) {
        const std::scoped_lock lock(mutex_);
        const auto work = [&] {
            auto answer = server();
            // Zilliz Cloud says no with a 200 and a code.
            const bool taken = answer.status / 100 == 2 &&
                               (!answer.body.starts_with(R"({"code":)") || answer.body.starts_with(R"({"code":0,)"));
            if (begins_ && taken && begins_(request.method, request.path)) ++jobs_;
            return answer;
        };
        const auto fate = fate_ == nullptr ? Fate::Call::works : fate_->next("request");
        if (fate == Fate::Call::last) work();
        if (fate != Fate::Call::works) return Answer{.fault = Fault::close};
        const auto* blow = next();
        if (blow == nullptr) return work();
        Answer answer;
        if (blow->works) answer = work();
        if (blow->words != Words::kept) {
            hit(change_words(answer.body, blow->words));
            return answer;
        }
        if (blow->status != 0) {
            answer = {.status = blow->status, .body = std::string(blow->body)};
            answer.headers = {{"Content-Type", blow->body == page ? "text/html" : "application/json"}};
            if (blow->status == 429) answer.headers.emplace_back("Retry-After", "1");
        } else if (blow->spoil != nullptr) {
            blow->spoil(answer, random_);
        } else if (is(*blow, "stall")) {
            clock_.advance(longer_than_any_deadline);
            answer.fault = Fault::stall;
        } else {
            answer.fault = blow->name.ends_with("reset") ? Fault::reset : Fault::close;
        }
        return answer;
    };
}

// What has no like in RESP is said by the nearest: an error for a status, half a word for what is cut.
RespServer::Tamper Wedge::resp() {
    return [this](const RespCommand& command, const std::function<RespAnswer()>& server) {
        const std::scoped_lock lock(mutex_);
        const auto work = [&] {
            auto answer = server();
            if (begins_ && !answer.bytes.starts_with('-') && begins_(command.front(), "")) ++jobs_;
            return answer;
        };
        const auto fate = fate_ == nullptr ? Fate::Call::works : fate_->next("request");
        if (fate == Fate::Call::last) work();
        if (fate != Fate::Call::works) return RespAnswer{.bytes = {}, .then = RespAnswer::Then::close};
        const auto* blow = next();
        if (blow == nullptr) return work();
        RespAnswer answer;
        if (blow->works) answer = work();
        if (blow->words != Words::kept) {
            hit(change_info(answer.bytes, blow->words));
            return answer;
        }
        if (is(*blow, "stall")) {
            clock_.advance(longer_than_any_deadline);
            return RespAnswer{.bytes = {}, .then = RespAnswer::Then::stall};
        }
        if (is(*blow, "close") || is(*blow, "reset") || is(*blow, "lost"))
            return RespAnswer{.bytes = {}, .then = RespAnswer::Then::close};
        if (is(*blow, "cut")) {
            answer.bytes.resize(below(answer.bytes.size(), random_));
            answer.then = RespAnswer::Then::close;
            return answer;
        }
        if (blow->status == 401) return RespAnswer{.bytes = "-NOAUTH Authentication required.\r\n"};
        if (blow->status == 403) return RespAnswer{.bytes = "-NOPERM this user has no permissions\r\n"};
        if (blow->status == 503) return RespAnswer{.bytes = "-LOADING the dataset is being loaded\r\n"};
        if (blow->status == 429) return RespAnswer{.bytes = "-BUSY the server is busy running a script\r\n"};
        if (blow->status == 500 || blow->status == 504) return RespAnswer{.bytes = "-ERR internal error\r\n"};
        if (blow->status == 502) return RespAnswer{.bytes = "-OOM command not allowed\r\n"};
        if (is(*blow, "html")) return RespAnswer{.bytes = "HTTP/1.1 400 Bad Request\r\n\r\n"};
        if (is(*blow, "null") || is(*blow, "empty")) return RespAnswer{.bytes = "$-1\r\n"};
        if (is(*blow, "array")) return RespAnswer{.bytes = "*0\r\n"};
        if (is(*blow, "string")) return RespAnswer{.bytes = "+OK\r\n"};
        if (is(*blow, "other-type")) return RespAnswer{.bytes = ":7\r\n"};
        if (is(*blow, "flip")) {
            Answer bytes{.body = answer.bytes};
            flip(bytes, random_);
            // A client waits for what a changed length promises. Silence passes in real time, and a stall is a blow of its own.
            return RespAnswer{.bytes = bytes.body,
                              .then = is_whole(bytes.body) ? RespAnswer::Then::go_on : RespAnswer::Then::close};
        }
        return RespAnswer{.bytes = "-ERR unknown command\r\n"};
    };
}

}  // namespace vbackup::test
