// SPDX-License-Identifier: Apache-2.0
// A recognizable secret in every place where one can be given, every verb with all that it writes, good and bad servers: none is
// seen again but by the server it is meant for.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

#include "process.hpp"
#include "support/http_server.hpp"
#include "support/resp_server.hpp"
#include "support/scripted_qdrant.hpp"

using namespace vbackup::test;

namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;

std::string read_whole(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// The one key that the played server takes is a canary too.
bool sings(const std::string& text) {
    return has(text, "canary") || has(text, ScriptedQdrant::key);
}

// Refuses everything, and repeats all that it was told where an error is read from.
Answer repeat(const HttpRequest& request) {
    std::string all = request.target + " " + request.body;
    for (const auto& [name, value] : request.headers) all.append(" ").append(name).append(": ").append(value);
    std::string quoted;
    for (const char letter : all) {
        if (letter == '"' || letter == '\\') quoted += '\\';
        quoted += letter;
    }
    return {.status = 403,
            .body = R"({"status":{"error":"I do not like )" + quoted + R"("},"message":")" + quoted + "\"}",
            .headers = {{"Content-Type", "application/json"}, {"Set-Cookie", "id=canary-cookie"}}};
}

// Sends everybody on, with a signature in the address.
Answer send_on(const HttpRequest&) {
    return {.status = 307, .headers = {{"Location", "https://user:canary-pw@h/x?X-Amz-Signature=canary-signature"}}};
}

// The same over RESP, in the words of a server that does not know a command.
RespAnswer repeat_command(RespSession&, const RespCommand& command) {
    std::string all = "ERR unknown command '" + command.front() + "', with args beginning with:";
    for (const auto& word : command) all += " '" + word + "'";
    return {resp::error(all)};
}

class Cage {
public:
    Cage() {
        for (const auto* method : {"GET", "POST", "PUT", "DELETE", "HEAD"}) {
            angry_.on(method, "*", repeat);
            elsewhere_.on(method, "*", send_on);
        }
        ping_.on("POST", "*", repeat);
        fs::create_directory(secrets_);
        secret("key", ScriptedQdrant::key);
        secret("ping", ping_.base() + "/canary-ping-uuid");
        secret("passphrase", "canary-passphrase");
        secret("store.key", "canary-store-key-0123456789abcdef");
        const auto hook = folder / "hook";
        std::ofstream(hook) << "#!/bin/sh\n{ env; cat; tr '\\0' ' ' < /proc/self/cmdline; tr '\\0' ' ' < "
                               "/proc/$PPID/cmdline; } >> "
                            << (folder / "seen").string() << "\n";
        REQUIRE(::chmod(hook.c_str(), 0700) == 0);
        configure(hook.string());
    }

    // Runs it with all that can be switched on, as text and as JSON.
    void run(Words words) {
        words.insert(words.end(), {"--verbose", "--timeout", "20s"});
        for (const auto* output : {"table", "json"}) {
            auto all = words;
            const auto trace = folder / ("trace" + std::to_string(++runs_));
            all.insert(all.end(), {"--output", output, "--trace", trace.string()});
            check(all);
            CHECK_MESSAGE(fs::exists(trace), words.front() << ' ' << words.at(1));
        }
    }
    Ended check(const Words& words) {
        std::string line;
        for (const auto& word : words) line += word + " ";
        CAPTURE(line);
        const auto ended = Process(words, Process::Out::file, environment()).end();
        CHECK_MESSAGE(!sings(ended.out), ended.out);
        CHECK_MESSAGE(!sings(ended.err), ended.err);
        CHECK(ended.code < 128);
        return ended;
    }

    // Everything that was written, but for what was given.
    void check_files() const {
        std::size_t seen = 0;
        for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
            if (!entry.is_regular_file() || entry.path().parent_path() == secrets_) continue;
            ++seen;
            CHECK_MESSAGE(!sings(read_whole(entry.path())), entry.path());
            CHECK_MESSAGE(!sings(entry.path().string()), entry.path());
        }
        CHECK(seen > 20);
    }

    bool was_told(HttpServer& server, std::string_view what) const {
        for (const auto& request : server.requests()) {
            if (has(request.target, what)) return true;
            for (const auto& [name, value] : request.headers)
                if (has(value, what)) return true;
        }
        return false;
    }
    HttpServer& angry() { return angry_; }
    HttpServer& ping() { return ping_; }
    std::string in(const std::string& name) const { return (folder / name).string(); }

    TemporaryFolder folder;

private:
    void secret(const std::string& name, const std::string& value) const {
        std::ofstream(secrets_ / name) << value << '\n';
        fs::permissions(secrets_ / name, fs::perms(0600));
    }
    void configure(const std::string& hook) const {
        const auto at = [&](const std::string& name) { return "\"" + (secrets_ / name).string() + "\"\n"; };
        std::ofstream out(secrets_ / "vbackup.toml");
        out << "store = \"@safe\"\n[defaults]\nping_url_file = " << at("ping") << "[defaults.hooks]\n";
        for (const auto* when : {"before", "after", "failed"}) out << when << " = [\"" << hook << "\"]\n";
        out << "[stores.safe]\nurl = \"" << in("safe") << "\"\nkey_file = " << at("store.key")
            << "[stores.worded]\nurl = \"" << in("worded") << "\"\npassphrase_file = " << at("passphrase")
            << "[stores.env]\nurl = \"" << in("env") << "\"\npassphrase_env = \"OWN_PASSPHRASE\"\n"
            << "[stores.bucket]\nurl = \"s3://bucket/prefix\"\nendpoint = \"" << angry_.base()
            << "\"\nregion = \"eu-west-1\"\naddressing = \"path\"\n";
        out << "[targets.good]\nurl = \"qdrant+" << qdrant_.base() << "\"\napi_key_file = " << at("key");
        out << "[targets.command]\nurl = \"qdrant+" << qdrant_.base()
            << "\"\napi_key_command = \"env | grep ^VBACKUP_ >> " << in("seen") << "; cat "
            << (secrets_ / "key").string() << "\"\n";
        out << "[targets.angry]\nurl = \"qdrant+" << angry_.base() << "\"\napi_key_env = \"OWN_KEY\"\n";
        out << "[targets.class]\nurl = \"weaviate+" << angry_.base() << "\"\napi_key_env = \"OWN_KEY\"\nping_url = \""
            << ping_.base() << "/canary-ping-direct?token=canary-ping-query\"\n";
        out << "[targets.elsewhere]\nurl = \"qdrant+" << elsewhere_.base() << "\"\napi_key_env = \"OWN_KEY\"\n";
        out << "[targets.cloud]\nurl = \"zilliz://in01-0123456789abcdef\"\nbase_url = \"" << angry_.base()
            << "\"\napi_key_env = \"OWN_KEY\"\n";
        out << "[targets.dragon]\nurl = \"dragonfly://127.0.0.1:" << dragon_.port()
            << "\"\napi_key_env = \"OWN_KEY\"\n";
    }
    Words environment() const {
        return {"PATH=/usr/bin:/bin",
                "VBACKUP_CONFIG=" + (secrets_ / "vbackup.toml").string(),
                "XDG_STATE_HOME=" + in("state"),
                "VBACKUP_API_KEY=canary-of-environment",
                "VBACKUP_PASSPHRASE=canary-passphrase-of-environment",
                "OWN_KEY=canary-own-key",
                "OWN_PASSPHRASE=canary-own-passphrase",
                "AWS_ACCESS_KEY_ID=AKIDOFNOBODY",
                "AWS_SECRET_ACCESS_KEY=canary-aws-secret",
                "AWS_SESSION_TOKEN=canary-aws-token",
                "AWS_EC2_METADATA_DISABLED=true"};
    }

    ScriptedQdrant qdrant_{TEST_DATA};
    HttpServer angry_, elsewhere_, ping_;
    RespServer dragon_{repeat_command};
    const fs::path secrets_ = folder / "secrets";
    int runs_ = 0;
};

}  // namespace

TEST_CASE_FIXTURE(Cage, "no secret is seen again while all goes well") {
    run({"check", "good"});
    run({"create", "good", "--id", "b1", "--metrics-file", in("good.prom")});
    run({"create", "command", "--id", "b2"});
    run({"run", "good", "--verify", "--metrics-file", in("run.prom")});
    run({"list", "@safe"});
    run({"list", "good"});
    run({"status", "good", "--max-age", "26h"});
    run({"verify", "@safe", "b1"});
    run({"restore", "good", "b1", "--overwrite", "--yes"});
    run({"report", "@safe", in("page.html")});
    run({"pin", "@safe", "b1"});
    run({"unpin", "@safe", "b1"});
    run({"copy", "@safe", "b1", "@worded"});
    run({"export", "@safe", "b1", in("b1.tar.zst")});
    run({"key", "list", "@safe"});
    run({"prune", "@safe", "--keep-last", "1", "--yes"});
    run({"delete", "@safe", "b2", "--yes"});
    run({"wait", "good", "b1"});
    run({"cancel", "good", "b1"});
    run({"download", "good", "b1", "--to", in("other")});
    run({"import", in("b1.tar.zst"), in("third")});
    run({"schedule", "list", "good"});
    run({"diagnose", "good"});
    run({"diagnose", "good", in("good.json")});
    run({"config", "show"});
    run({"config", "check"});
    check_files();
    CHECK(has(read_whole(folder / "seen"), "VBACKUP_HOOK=after"));
    CHECK(was_told(ping(), "canary-ping-uuid"));
    CHECK(has(read_whole(folder / "safe" / "b1" / "manifest.json") + read_whole(in("good.json")), "libcurl"));
}

TEST_CASE_FIXTURE(Cage, "no secret is seen again where servers repeat what they were told, or send one on") {
    const auto url = angry().base();
    for (const auto& target : Words{"angry", "class", "elsewhere", "dragon", "qdrant+" + url, "weaviate+" + url}) {
        run({"create", target, "--metrics-file", in("bad.prom")});
        run({"diagnose", target});
        run({"list", target});
    }
    for (const auto& words : {Words{"check", "angry"},
                              {"run", "angry", "class"},
                              {"status", "angry"},
                              {"restore", "angry", "b1", "--yes"},
                              {"delete", "angry", "b1", "--yes"},
                              {"download", "angry", "b1", "--to", in("other")},
                              {"schedule", "list", "angry"},
                              {"create", "good", "--to", "@bucket"},
                              {"list", "@bucket"},
                              {"verify", "@bucket", "b1"},
                              {"report", "@bucket", in("bucket.html")},
                              {"create", "good", "--to", "@env", "--id", "b9"},
                              {"verify", "@env", "b9"},
                              {"diagnose", "cloud"}})
        run(words);
    check_files();
    CHECK(has(read_whole(folder / "seen"), "VBACKUP_HOOK=failed"));
    CHECK(was_told(angry(), "canary-own-key"));
    CHECK(was_told(angry(), "canary-of-environment"));
    CHECK(was_told(angry(), "canary-aws-token"));
    CHECK(was_told(ping(), "canary-ping-direct"));
}

TEST_CASE_FIXTURE(Cage, "a secret on the command line is refused, and not repeated") {
    for (const auto& words : {Words{"list", "https://user:canary-pw@db.example"},
                              {"list", "http://canary-pw@db.example"},
                              {"list", "qdrant+http://:canary-pw@db.example"},
                              {"list", "s3://canary-id:canary-pw@bucket"},
                              {"list", "good", "--api-key", "canary-flag"},
                              {"list", "good", "--api-key=canary-flag"},
                              {"create", "good", "--password", "canary-flag"},
                              {"create", "good", "-o", "api-key=canary-flag"},
                              {"create", "good", "-otoken=canary-flag"},
                              {"diagnose", "https://x:canary-pw@db.example"}})
        CHECK(check(words).code == 2);
}
