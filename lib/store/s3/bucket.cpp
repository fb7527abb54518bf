// SPDX-License-Identifier: Apache-2.0
#include "store/s3/bucket.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "io/digest.hpp"
#include "net/xml.hpp"

namespace vbackup::store::s3 {

namespace {

// Services refuse what is 15 minutes off; without words (an answer to HEAD has none) this much is taken for the reason.
constexpr auto suspicious = std::chrono::minutes(5);

enum Mended : unsigned { expired = 1, clock_off = 2, other_region = 4 };

bool one_of(std::string_view code, std::initializer_list<std::string_view> codes) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::optional<net::Xml> error_in(const net::Response& answer) {
    if (answer.body.empty() || answer.body.size() > (std::size_t{64} << 10)) return std::nullopt;
    if (answer.body.find("<Error") == std::string::npos) return std::nullopt;
    try {
        auto top = net::parse_xml(answer.body);
        if (top.name == "Error") return top;
        if (const auto* inner = top.child("Error")) return *inner;
    } catch (const Error&) {
        // Some proxy's words.
    }
    return std::nullopt;
}

// Besides what the status says. A body cut or changed on its way is sent again, and so is what met another writer.
bool is_passing(const net::Response& answer) {
    return one_of(code_of(answer), {"RequestTimeout", "InternalError", "SlowDown", "ServiceUnavailable", "BadDigest",
                                    "XAmzContentSHA256Mismatch", "OperationAborted", "ConditionalRequestConflict"});
}

std::string host_of(const Url& url) {
    const auto name = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
    return url.port == 0 ? name : fmt::format("{}:{}", name, url.port);
}

ErrorKind kind_of(int status, std::string_view code) {
    if (code == "NoSuchKey" || (status == 404 && code.empty())) return ErrorKind::not_found;
    if (status == 401 || status == 403) return ErrorKind::denied;
    if (one_of(code, {"SlowDown", "ServiceUnavailable"}) || status == 429 || status == 503) return ErrorKind::busy;
    if (status == 502 || status == 504) return ErrorKind::unreachable;
    return ErrorKind::storage;
}

std::string hint_of(std::string_view code, ErrorKind kind) {
    if (code == "NoSuchBucket") return "make the bucket, or correct its name or the endpoint";
    if (one_of(code, {"InvalidAccessKeyId", "SignatureDoesNotMatch"}))
        return "check the keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile";
    if (code == "InvalidObjectState") return "the object lies in an archive class: have it brought back first";
    if (kind == ErrorKind::denied) return "the keys need the rights to list, read, write and delete below the prefix";
    if (kind == ErrorKind::busy) return "try again later";
    return {};
}

}  // namespace

std::string code_of(const net::Response& answer) {
    const auto error = error_in(answer);
    return error ? std::string(error->text_of("Code")) : std::string();
}

Bucket::Bucket(Settings settings, const Call& call, net::Environment environment, net::Trace trace, net::Random random)
    : settings_(std::move(settings)),
      call_(call),
      trace_(std::move(trace)),
      random_(std::move(random)),
      credentials_(std::move(environment), settings_.profile, settings_.region, trace_),
      way_(way_to(settings_.region, settings_.endpoint)) {}

Call Bucket::call_to_tidy(Milliseconds time) const {
    return {.clock = call_.clock, .tally = call_.tally, .deadline = call_.clock.now() + time};
}

Bucket::Way Bucket::way_to(const std::string& region, const std::string& endpoint) const {
    Url url = parse_url(endpoint);
    if (!settings_.path_style) url.host = settings_.bucket + "." + url.host;
    Way way{.http = nullptr, .host = host_of(url), .base_path = url.path, .region = region};
    if (settings_.path_style) way.base_path += "/" + settings_.bucket;
    way.http = std::make_shared<const net::Http>(
        net::Connection{.base = fmt::format("{}://{}", url.scheme, way.host), .ca_file = settings_.ca_file}, trace_,
        random_);
    return way;
}

Bucket::Way Bucket::way() {
    const std::scoped_lock lock(mutex_);
    return way_;
}

Moment Bucket::now() const {
    return call_.clock.wall() + Milliseconds(skew_.load());
}

std::string Bucket::text(const std::string& key) const {
    return fmt::format("s3://{}/{}", settings_.bucket, key);
}

std::string Bucket::nonce() {
    std::random_device device;
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

net::Request Bucket::request_of(const Ask& ask, const Way& way, const net::AwsKeys& keys) {
    const auto hash = ask.bytes.empty() ? io::sha256(std::string_view(ask.body)) : io::sha256(ask.bytes);
    net::Signable signable{.method = ask.method,
                           .path = way.base_path + net::encode_key(ask.key),
                           .query = ask.query,
                           .headers = ask.headers,
                           .payload_sha256 = hash};
    const auto query = net::encode_query(ask.query);
    net::Request request{.method = ask.method,
                         .path = signable.path + (query.empty() ? "" : "?" + query),
                         .headers = ask.headers,
                         .body = ask.body,
                         .content_type = ask.body.empty() ? "application/octet-stream" : "application/xml",
                         .silence = ask.silence,
                         .bytes = ask.bytes,
                         .repeatable = true};
    signable.headers.emplace_back("host", way.host);
    request.headers.emplace_back("Host", way.host);
    request.sign = [this, signable = std::move(signable), keys, region = way.region] {
        return net::sign(signable, keys, {.region = region, .service = "s3"}, now());
    };
    request.passing = is_passing;
    return request;
}

net::Response Bucket::mended(Call& call, const Ask& ask,
                             const std::function<net::Response(const net::Http&, const net::Request&)>& once) {
    for (unsigned tried = 0;;) {
        const auto keys = credentials_.keys(call);
        const auto the_way = way();
        auto answer = once(*the_way.http, request_of(ask, the_way, keys));
        if (answer.ok() || !mend(call, answer, keys, tried)) return answer;
    }
}

// Each reason once. An answer to HEAD has no code, so what would explain it is tried.
bool Bucket::mend(Call& call, const net::Response& answer, const net::AwsKeys& used, unsigned& tried) {
    call.require_time();
    if (answer.status == 404 || answer.status == 412 || answer.status >= 500) return false;
    const auto code = code_of(answer);
    if ((tried & other_region) == 0 && mend_region(answer, code)) {
        tried |= other_region;
        return true;
    }
    if ((tried & clock_off) == 0 && mend_clock(answer, code)) {
        tried |= clock_off;
        return true;
    }
    const bool lasting = used.session_token.empty();
    const bool wordless = code.empty() && (answer.status == 403 || answer.status == 400);
    const bool old = one_of(code, {"ExpiredToken", "TokenRefreshRequired", "InvalidTokenId"}) ||
                     (!lasting && (wordless || code == "InvalidAccessKeyId"));
    if (!old || (tried & expired) != 0) return false;
    tried |= expired;
    credentials_.forget(used);
    return true;
}

bool Bucket::mend_clock(const net::Response& answer, std::string_view code) {
    if (answer.status != 403 && answer.status != 400) return false;
    const auto theirs = net::http_date(answer.header("date"));
    if (!theirs) return false;
    const auto off = std::chrono::duration_cast<Milliseconds>(*theirs - now());
    const bool said = one_of(code, {"RequestTimeTooSkewed", "RequestExpired"});
    if (!said && !(code.empty() && (off > suspicious || -off > suspicious))) return false;
    skew_ += off.count();
    return true;
}

bool Bucket::mend_region(const net::Response& answer, std::string_view code) {
    std::string region(answer.header("x-amz-bucket-region"));
    if (const auto error = error_in(answer); region.empty() && error && code == "AuthorizationHeaderMalformed")
        region = error->text_of("Region");
    const bool redirected = answer.status == 301 || answer.status == 307 || answer.status == 400;
    const std::scoped_lock lock(mutex_);
    if (region.empty() || region == way_.region || !redirected) return false;
    if (region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos) return false;
    way_ = way_to(region, settings_.usual_endpoint ? usual_endpoint_of(region) : settings_.endpoint);
    return true;
}

net::Response Bucket::send(Call& call, const Ask& ask) {
    auto answer =
        mended(call, ask, [&](const net::Http& http, const net::Request& request) { return http.send(call, request); });
    if (answer.ok()) seen_ = true;
    return answer;
}

std::unique_ptr<io::Source> Bucket::open(Call& call, const Ask& ask, net::Response& head, std::uint64_t offset,
                                         std::string_view etag) {
    std::unique_ptr<io::Source> source;
    head = mended(call, ask, [&](const net::Http& http, const net::Request& request) {
        net::Response answer;
        source = http.open(call, request, answer, offset, etag);
        return answer;
    });
    return source;
}

net::Response Bucket::require(Call& call, const Ask& ask, std::string_view what) {
    auto answer = send(call, ask);
    if (!answer.ok()) fail(answer, what, ask.key);
    return answer;
}

std::vector<std::string> Bucket::keys(Call& call, const std::string& prefix, bool folders) {
    std::vector<std::string> found;
    std::string token;
    do {
        Ask ask{.query = {{"list-type", "2"}, {"prefix", prefix}}};
        if (folders) ask.query.emplace_back("delimiter", "/");
        if (!token.empty()) ask.query.emplace_back("continuation-token", token);
        const auto top = net::parse_xml(require(call, ask, "list").body);
        if (top.name != "ListBucketResult") {
            throw Error(ErrorKind::not_understood, fmt::format("the list of {} is none", text(prefix)),
                        "does the endpoint speak S3?");
        }
        for (const auto& one : top.children) {
            const bool wanted = one.name == (folders ? "CommonPrefixes" : "Contents");
            if (wanted) found.emplace_back(one.text_of(folders ? "Prefix" : "Key"));
        }
        const auto next = std::string(top.text_of("NextContinuationToken"));
        // A list that says it goes on and not where would be asked for ever.
        if (top.text_of("IsTruncated") == "true" && (next.empty() || next == token))
            throw Error(ErrorKind::not_understood, fmt::format("the list of {} does not go on", text(prefix)));
        token = top.text_of("IsTruncated") == "true" ? next : "";
    } while (!token.empty());
    return found;
}

std::vector<BegunUpload> Bucket::begun_uploads(Call& call, const std::string& prefix) {
    std::vector<BegunUpload> found;
    std::string key_marker;
    std::string id_marker;
    for (bool more = true; more;) {
        Ask ask{.query = {{"uploads", ""}, {"prefix", prefix}}};
        if (!key_marker.empty()) ask.query.emplace_back("key-marker", key_marker);
        if (!id_marker.empty()) ask.query.emplace_back("upload-id-marker", id_marker);
        const auto answer = send(call, ask);
        // Keys with few rights may upload and not list uploads.
        if (answer.status == 403 || answer.status == 405 || answer.status == 501) return {};
        if (!answer.ok()) fail(answer, "list unfinished uploads");
        const auto top = net::parse_xml(answer.body);
        for (const auto& one : top.children) {
            if (one.name == "Upload")
                found.push_back({std::string(one.text_of("Key")), std::string(one.text_of("UploadId"))});
        }
        const auto next = std::string(top.text_of("NextKeyMarker"));
        const auto next_id = std::string(top.text_of("NextUploadIdMarker"));
        more = top.text_of("IsTruncated") == "true" && (next != key_marker || next_id != id_marker);
        key_marker = next;
        id_marker = next_id;
    }
    return found;
}

void Bucket::abort(Call& call, const BegunUpload& upload) {
    const auto answer = send(call, {.method = "DELETE", .key = upload.key, .query = {{"uploadId", upload.id}}});
    if (!answer.ok() && answer.status != 404) fail(answer, "abort the upload of", upload.key);
}

void Bucket::remove(Call& call, const std::string& key) {
    const auto answer = send(call, {.method = "DELETE", .key = key});
    if (answer.ok() || (answer.status == 404 && code_of(answer) != "NoSuchBucket")) return;
    fail(answer, "remove", key);
}

// An answer to HEAD does not tell a missing key from a missing bucket.
void Bucket::require_bucket(Call& call) {
    if (seen_) return;
    require(call, {.query = {{"list-type", "2"}, {"max-keys", "1"}, {"prefix", settings_.prefix}}}, "list");
}

std::optional<net::Response> Bucket::head(Call& call, const std::string& key) {
    auto answer = send(call, {.method = "HEAD", .key = key});
    if (answer.ok()) return answer;
    if (answer.status != 404) fail(answer, "look for", key);
    require_bucket(call);
    return std::nullopt;
}

void Bucket::fail(const net::Response& answer, std::string_view what, const std::string& key) const {
    const auto error = error_in(answer);
    const std::string code(error ? error->text_of("Code") : "");
    const auto kind = kind_of(answer.status, code);
    if (code == "NoSuchBucket") {
        throw Error(ErrorKind::storage, fmt::format("there is no bucket {}", settings_.bucket), hint_of(code, kind),
                    {{"endpoint", settings_.endpoint}});
    }
    auto said = code.empty() ? fmt::format("status {}", answer.status) : one_line(code, 60);
    if (error && !error->text_of("Message").empty()) said += ": " + one_line(error->text_of("Message"), 200);
    throw Error(kind, fmt::format("cannot {} {}: {}", what, text(key), said), hint_of(code, kind),
                {{"endpoint", settings_.endpoint}});
}

}  // namespace vbackup::store::s3
