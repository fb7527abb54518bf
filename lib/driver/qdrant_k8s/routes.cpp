// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant_k8s/routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "model/shallow.hpp"
#include "net/answers.hpp"

namespace vbackup::driver::qdrant_k8s {

namespace {

using Json = nlohmann::json;

constexpr int page_size = 100;
constexpr std::size_t longest_event = std::size_t{4} << 20;

std::string path_of(Kind kind, const std::string& space, const std::string& name = {}) {
    auto path = fmt::format("/apis/qdrant.io/v1/namespaces/{}/{}", percent_encode(space), words_of(kind).plural);
    if (!name.empty()) path += "/" + percent_encode(name);
    return path;
}

// The body that every refusal has: kind Status.
struct Status {
    std::string message, reason, of_kind;
    bool given = false;
};

std::string text_in(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

Status status_of(const net::Response& response) {
    const auto json = Json::parse(model::shallow(response.body), nullptr, false);
    if (!json.is_object() || text_in(json, "kind") != "Status") return {};
    Status status{text_in(json, "message"), text_in(json, "reason"), {}, true};
    if (const auto details = json.find("details"); details != json.end() && details->is_object())
        status.of_kind = text_in(*details, "kind");
    return status;
}

[[noreturn]] void refuse(ErrorKind kind, std::string_view what, const std::string& words, int code, std::string hint) {
    throw Error(kind, fmt::format("{}: {} (HTTP {})", what, one_line(words), code), std::move(hint));
}

std::string what_of(std::string_view verb, Kind kind, const std::string& space, const std::string& name = {}) {
    return fmt::format("{} {} {}{}", verb, words_of(kind).kind, space, name.empty() ? "" : "/" + name);
}

// RBAC says who cannot do what; quotas, admission policies and namespaces that go away refuse with the same status.
std::string hint_for_403(const std::string& words, std::string_view verb, std::string_view plural,
                         const std::string& space) {
    if (words.find(fmt::format("cannot {}", verb)) == std::string::npos)
        return "this is no matter of the role: a quota, an admission policy or the namespace's state forbids it";
    return fmt::format(
        "the role lacks the verb {} on {} of qdrant.io in the namespace {}; examples/kubernetes has the smallest one",
        verb, plural, space);
}

std::string hint_for_409(const Status& status) {
    if (status.reason == "AlreadyExists") return "`vbackup list` shows what is there";
    // What a precondition of ours found, in the words of the API server's storage.
    if (status.message.find("UID in precondition") != std::string::npos)
        return "somebody deleted it and made another of its name meanwhile; `vbackup list` shows what is there";
    return "somebody else changed it at the same time: try again";
}

bool is_cut_off(const Error& error) {
    return error.kind() == ErrorKind::unreachable || error.kind() == ErrorKind::stalled ||
           error.kind() == ErrorKind::deadline || error.kind() == ErrorKind::not_understood;
}

// Lines out of a stream.
class Lines {
public:
    explicit Lines(io::Source& source) : source_(source) {}

    // False at the end; a last piece without its line end is no line.
    bool next(std::string& line) {
        for (;;) {
            if (const auto end = waiting_.find('\n'); end != std::string::npos) {
                line = waiting_.substr(0, end);
                waiting_.erase(0, end + 1);
                return true;
            }
            if (waiting_.size() > longest_event)
                throw Error(ErrorKind::not_understood, "an event of the watch is longer than 4 MiB");
            const auto count = source_.read(buffer_);
            if (count == 0) return false;
            waiting_.append(reinterpret_cast<const char*>(buffer_.data()), count);
        }
    }

private:
    io::Source& source_;
    std::array<std::byte, 16384> buffer_{};
    std::string waiting_;
};

}  // namespace

void throw_answer(const net::Response& response, std::string_view what, std::string_view verb, Kind kind,
                  const std::string& space) {
    const auto status = status_of(response);
    const auto& words = status.message;
    const auto plural = words_of(kind).plural;
    switch (status.given ? response.status : 0) {
        case 401:
            refuse(ErrorKind::denied, what, words, 401,
                   "the credentials are not taken: they may have expired; `kubectl auth whoami` tries the same ones");
        case 403:
            refuse(ErrorKind::denied, what, words, 403, hint_for_403(words, verb, plural, space));
        case 404:
            if (status.of_kind == "namespaces")
                refuse(ErrorKind::not_found, what, words, 404, "check the namespace in the target's address");
            break;
        case 409:
            refuse(ErrorKind::conflict, what, words, 409, hint_for_409(status));
        case 400:
        case 422:
            refuse(
                ErrorKind::refused, what, words, response.status,
                "the API server checked it against the kinds that are installed there: is their version another one?");
        case 410:
            refuse(ErrorKind::busy, what, words, 410, "try again");
        default:
            break;
    }
    // A route that the API server does not have is answered in plain words.
    if (response.status == 404 && !status.given && !net::looks_like_html(response))
        throw Error(ErrorKind::unsupported, fmt::format("{}: this API server has no {} of qdrant.io/v1", what, plural),
                    "check the context: Qdrant's operator and its kinds are not installed there");
    net::throw_for_status(response, what, words);
}

net::Response Routes::get(Call& call, const std::string& path, bool repeat) const {
    net::Request request;
    request.path = path;
    request.headers = {{"Accept", "application/json"}};
    return kube_.send(call, request, repeat);
}

std::optional<model::JsonText> Routes::read(Call& call, Kind kind, const std::string& space, const std::string& name,
                                            bool poll) const {
    auto response = get(call, path_of(kind, space, name), !poll);
    const bool none = response.status == 404 && status_of(response).given;
    if (none && status_of(response).of_kind != "namespaces") return std::nullopt;
    if (!response.ok()) throw_answer(response, what_of("get", kind, space, name), "get", kind, space);
    return std::move(response.body);
}

std::vector<model::JsonText> Routes::list(Call& call, Kind kind, const std::string& space,
                                          const std::string& cluster_id) const {
    const auto base = path_of(kind, space);
    const auto selector = cluster_id.empty() ? "" : "labelSelector=" + percent_encode("cluster-id=" + cluster_id);
    std::vector<model::JsonText> all;
    std::string from;
    for (int limit = page_size;;) {
        std::string query = selector;
        if (limit > 0) query += fmt::format("{}limit={}", query.empty() ? "" : "&", limit);
        if (!from.empty()) query += "&continue=" + percent_encode(from);
        const auto response = get(call, base + (query.empty() ? "" : "?" + query), true);
        if (response.status == 410 && limit > 0) {
            // The server no longer has the state that the first pages showed.
            all.clear();
            from.clear();
            limit = 0;
            continue;
        }
        if (!response.ok()) throw_answer(response, what_of("list", kind, space), "list", kind, space);
        auto page = parse_page(response.body);
        std::move(page.items.begin(), page.items.end(), std::back_inserter(all));
        if (page.next.empty()) return all;
        if (page.next == from) throw Error(ErrorKind::not_understood, "the API server's list goes round in circles");
        from = std::move(page.next);
        call.require_time();
    }
}

model::JsonText Routes::create(Call& call, Kind kind, const std::string& space, const model::JsonText& body) const {
    net::Request request{.method = "POST",
                         .path = path_of(kind, space) + "?fieldManager=vbackup&fieldValidation=Strict"};
    request.body = body;
    auto response = kube_.send(call, request);
    if (!response.ok()) throw_answer(response, what_of("create", kind, space), "create", kind, space);
    return std::move(response.body);
}

model::JsonText Routes::patch(Call& call, Kind kind, const std::string& space, const std::string& name,
                              const model::JsonText& body) const {
    net::Request request{.method = "PATCH",
                         .path = path_of(kind, space, name) + "?fieldManager=vbackup&fieldValidation=Strict"};
    request.body = body;
    request.content_type = "application/merge-patch+json";
    auto response = kube_.send(call, request);
    if (!response.ok()) throw_answer(response, what_of("patch", kind, space, name), "patch", kind, space);
    return std::move(response.body);
}

void Routes::remove(Call& call, Kind kind, const std::string& space, const std::string& name, const std::string& uid,
                    const std::string& version) const {
    net::Request request{.method = "DELETE", .path = path_of(kind, space, name)};
    Json just;
    if (!uid.empty()) just["uid"] = uid;
    if (!version.empty()) just["resourceVersion"] = version;
    if (!just.empty())
        request.body = Json{{"kind", "DeleteOptions"}, {"apiVersion", "v1"}, {"preconditions", just}}.dump();
    const auto response = kube_.send(call, request);
    if (response.status == 404 && status_of(response).given) return;
    if (!response.ok()) throw_answer(response, what_of("delete", kind, space, name), "delete", kind, space);
}

bool Routes::watch(Call& call, Kind kind, const std::string& space, const std::string& name, const std::string& version,
                   Milliseconds patience, const std::function<bool(const Event&)>& take) const {
    Call limited = call;
    limited.deadline = std::min(call.deadline, call.clock.now() + patience);
    const auto seconds = std::max<std::int64_t>(1, std::chrono::ceil<Seconds>(patience).count());
    net::Request request;
    request.path =
        fmt::format("{}?watch=1&allowWatchBookmarks=true&timeoutSeconds={}&fieldSelector={}&resourceVersion={}",
                    path_of(kind, space), seconds, percent_encode("metadata.name=" + name), percent_encode(version));
    // Nothing happens for as long as nothing happens: the patience ends it.
    request.silence = patience + Seconds(30);
    bool taken = false;
    try {
        net::Response head;
        const auto source = kube_.open(limited, request, head);
        if (head.status == 403) throw_answer(head, what_of("watch", kind, space, name), "watch", kind, space);
        taken = source != nullptr;
        if (!taken) return false;
        Lines lines(*source);
        for (std::string line; lines.next(line);) {
            const auto event = parse_event(line);
            if (!event || !take(*event)) break;
        }
    } catch (const Error& error) {
        if (!is_cut_off(error)) throw;
    }
    return taken;
}

}  // namespace vbackup::driver::qdrant_k8s
