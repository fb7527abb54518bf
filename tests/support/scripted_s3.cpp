// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_s3.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "io/digest.hpp"

namespace vbackup::test {

namespace {

std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() + 0) {
            out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::map<std::string, std::string> query_of(const HttpRequest& request) {
    std::map<std::string, std::string> out;
    std::string_view rest = request.query;
    while (!rest.empty()) {
        const auto one = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), one.size() + 1));
        const auto equals = std::min(one.find('='), one.size());
        out[decoded(one.substr(0, equals))] = decoded(one.substr(std::min(equals + 1, one.size())));
    }
    return out;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string(1, c);
    return out;
}

std::string http_time(Moment moment) {
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::chrono::system_clock::to_time_t(moment)));
}

std::map<std::string, std::string> kept_headers(const HttpRequest& request) {
    std::map<std::string, std::string> out;
    for (const auto& [name, value] : request.headers) {
        if (name.starts_with("x-amz-meta-") || name.starts_with("x-amz-storage") || name.starts_with("x-amz-server"))
            out[name] = value;
    }
    return out;
}

}  // namespace

ScriptedS3::ScriptedS3(const Clock& clock, std::string bucket) : clock_(clock), bucket_(std::move(bucket)) {
    for (const auto* method : {"GET", "HEAD", "PUT", "POST", "DELETE"})
        server.on(method, "/*", Responder([this](const HttpRequest& request) { return answer(request); }));
}

Answer ScriptedS3::refusal(int status, const std::string& code) {
    return {.status = status,
            .body = fmt::format(
                "<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>said by the test</Message></Error>", code)};
}

Answer ScriptedS3::answer(const HttpRequest& request) {
    std::unique_lock lock(mutex_);
    const int number = ++number_;
    std::optional<Answer> given = before ? before(request, number) : std::nullopt;
    if (!given) given = refused(request);
    if (!given) {
        given = done(request);
        if (auto instead = after ? after(request, number) : std::nullopt) given = std::move(instead);
    }
    given->headers.emplace_back("Date", http_time(now()));
    if (request.method == "HEAD") {
        if (given->status >= 300) given->body.clear();
        given->announced = given->announced.value_or(given->body.size());
        given->body.clear();
    }
    return *given;
}

std::optional<Answer> ScriptedS3::refused(const HttpRequest& request) const {
    if (request.header("authorization").empty()) return refusal(403, "AccessDenied");
    // "20261121T074700Z"
    const auto date = std::string(request.header("x-amz-date"));
    const auto sent =
        parse_time(fmt::format("{}-{}-{}T{}:{}:{}Z", date.substr(0, 4), date.substr(4, 2), date.substr(6, 2),
                               date.substr(9, 2), date.substr(11, 2), date.substr(13, 2)));
    const auto off = sent ? now() - *sent : std::chrono::hours(1);
    if (off > std::chrono::minutes(15) || -off > std::chrono::minutes(15)) return refusal(403, "RequestTimeTooSkewed");
    if (!token.empty() && request.header("x-amz-security-token") != token) return refusal(400, "ExpiredToken");
    if (request.header("x-amz-content-sha256") != io::sha256(std::string_view(request.body)))
        return refusal(400, "XAmzContentSHA256Mismatch");
    return std::nullopt;
}

Answer ScriptedS3::done(const HttpRequest& request) {
    const auto root = "/" + bucket_;
    const auto path = decoded(request.path);
    if (path == root || path == root + "/") return on_bucket(request);
    if (!path.starts_with(root + "/")) return refusal(404, "NoSuchBucket");
    const auto key = path.substr(root.size() + 1);
    const auto query = query_of(request);
    return query.contains("uploads") || query.contains("uploadId") ? on_upload(request, key) : on_object(request, key);
}

Answer ScriptedS3::on_bucket(const HttpRequest& request) {
    const auto query = query_of(request);
    if (!query.contains("uploads")) return list(request);
    std::string body = "<ListMultipartUploadsResult>";
    for (const auto& [id, upload] : uploads_) {
        if (!upload.key.starts_with(query.at("prefix"))) continue;
        body += fmt::format("<Upload><Key>{}</Key><UploadId>{}</UploadId></Upload>", escaped(upload.key), id);
    }
    return {.body = body + "<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"};
}

Answer ScriptedS3::list(const HttpRequest& request) const {
    auto query = query_of(request);
    const auto prefix = query["prefix"];
    const auto from = query["continuation-token"];
    std::set<std::pair<std::string, bool>> found;
    for (const auto& [key, object] : objects_) {
        if (!key.starts_with(prefix)) continue;
        const auto slash = key.find('/', prefix.size());
        const bool folder = query.contains("delimiter") && slash != std::string::npos;
        found.emplace(folder ? key.substr(0, slash + 1) : key, folder);
    }
    std::string body = "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    std::size_t given = 0;
    std::string last;
    bool more = false;
    for (const auto& [name, folder] : found) {
        if (!from.empty() && name <= from) continue;
        more = given == page;
        if (more) break;
        ++given;
        last = name;
        body += folder ? fmt::format("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escaped(name))
                       : fmt::format("<Contents><Key>{}</Key></Contents>", escaped(name));
    }
    body += fmt::format("<IsTruncated>{}</IsTruncated>", more);
    if (more) body += fmt::format("<NextContinuationToken>{}</NextContinuationToken>", escaped(last));
    return {.body = body + "</ListBucketResult>"};
}

std::optional<Answer> ScriptedS3::unmet(const HttpRequest& request, const std::string& key) const {
    const auto none = request.header("if-none-match");
    const auto match = request.header("if-match");
    if (none.empty() && match.empty()) return std::nullopt;
    if (!knows_conditions) return refusal(501, "NotImplemented");
    if (passes_over_conditions) return std::nullopt;
    const auto found = objects_.find(key);
    if (none == "*" && found != objects_.end()) return refusal(412, "PreconditionFailed");
    if (!match.empty() && found == objects_.end()) return refusal(404, "NoSuchKey");
    if (!match.empty() && found->second.etag != match) return refusal(412, "PreconditionFailed");
    return std::nullopt;
}

Answer ScriptedS3::on_object(const HttpRequest& request, const std::string& key) {
    if (request.method == "PUT") return take(request, key);
    if (request.method == "DELETE") {
        objects_.erase(key);
        return {.status = 204};
    }
    return give(request, key);
}

Answer ScriptedS3::take(const HttpRequest& request, const std::string& key) {
    if (auto not_met = unmet(request, key)) return *not_met;
    return {.headers = {{"ETag", keep(key, request.body, kept_headers(request)).etag}}};
}

Answer ScriptedS3::give(const HttpRequest& request, const std::string& key) const {
    const auto found = objects_.find(key);
    if (found == objects_.end()) return refusal(404, "NoSuchKey");
    const auto& object = found->second;
    auto given = file_answer(request, object.bytes, object.etag);
    std::erase_if(given.headers, [](const auto& one) { return one.first == "ETag" || one.first == "etag"; });
    given.headers.emplace_back("ETag", object.etag);
    given.headers.emplace_back("Last-Modified", http_time(object.modified));
    for (const auto& one : object.headers) given.headers.push_back(one);
    return given;
}

Answer ScriptedS3::on_upload(const HttpRequest& request, const std::string& key) {
    auto query = query_of(request);
    if (query.contains("uploads")) {
        const auto id = begin_upload(key);
        uploads_[id].headers = kept_headers(request);
        return {.body =
                    "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>"};
    }
    const auto found = uploads_.find(query["uploadId"]);
    if (found == uploads_.end() || found->second.key != key) return refusal(404, "NoSuchUpload");
    if (request.method == "POST") return complete(request, key);
    if (request.method == "DELETE") {
        uploads_.erase(found);
        return {.status = 204};
    }
    found->second.parts[std::stoi(query["partNumber"])] = request.body;
    return {.headers = {{"ETag", "\"part&" + query["partNumber"] + "\""}}};
}

Answer ScriptedS3::complete(const HttpRequest& request, const std::string& key) {
    if (auto not_met = unmet(request, key)) return *not_met;
    const auto id = query_of(request)["uploadId"];
    auto upload = uploads_[id];
    std::string bytes;
    for (const auto& [number, part] : upload.parts) {
        const auto wanted =
            fmt::format("<PartNumber>{}</PartNumber><ETag>&quot;part&amp;{}&quot;</ETag>", number, number);
        if (request.body.find(wanted) == std::string::npos) return refusal(400, "InvalidPart");
        bytes += part;
    }
    uploads_.erase(id);
    keep(key, std::move(bytes), upload.headers);
    return {.body = " \n<?xml version=\"1.0\"?><CompleteMultipartUploadResult></CompleteMultipartUploadResult>"};
}

ScriptedS3::Object& ScriptedS3::keep(const std::string& key, std::string bytes,
                                     std::map<std::string, std::string> headers) {
    return objects_[key] = {std::move(bytes), fmt::format("\"e{}\"", ++etags_), std::move(headers), now()};
}

void ScriptedS3::put(const std::string& key, std::string bytes, Milliseconds age) {
    const std::scoped_lock lock(mutex_);
    keep(key, std::move(bytes), {}).modified = now() - age;
}

std::map<std::string, ScriptedS3::Object> ScriptedS3::objects() const {
    const std::scoped_lock lock(mutex_);
    return objects_;
}

std::map<std::string, ScriptedS3::Upload> ScriptedS3::uploads() const {
    const std::scoped_lock lock(mutex_);
    return uploads_;
}

std::string ScriptedS3::begin_upload(const std::string& key) {
    const std::scoped_lock lock(mutex_);
    const auto id = fmt::format("u{}", ++etags_);
    uploads_[id].key = key;
    return id;
}

int ScriptedS3::requests() const {
    const std::scoped_lock lock(mutex_);
    return number_;
}

}  // namespace vbackup::test
