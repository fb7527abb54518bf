// SPDX-License-Identifier: Apache-2.0
// An API server asked with every kind of credentials that a kubeconfig holds.
#include "net/kube.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "contract/net/fixture.hpp"
#include "support/certificates.hpp"
#include "support/temporary.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

std::string read(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

// A variable of this process, for libcurl, as long as this lives.
class InEnvironment {
public:
    InEnvironment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
    ~InEnvironment() { ::unsetenv(name_); }
    InEnvironment(const InEnvironment&) = delete;
    InEnvironment& operator=(const InEnvironment&) = delete;

private:
    const char* name_;
};

struct KubeFixture : Fixture {
    TemporaryFolder folder;
    std::map<std::string, std::string> environment{{"PATH", "/usr/bin:/bin"}};

    net::KubeAccess access() const {
        net::KubeAccess to;
        to.context = "test";
        to.cluster = {.name = "c", .server = server.base()};
        to.user.name = "u";
        return to;
    }
    net::Kube kube(net::KubeAccess to) {
        return net::Kube(std::move(to), {}, environment, trace(), [] { return 0.5; });
    }

    std::string write(const std::string& name, const std::string& text, bool program = false) const {
        std::ofstream(folder / name) << text;
        if (program) ::chmod((folder / name).c_str(), 0755);
        return (folder / name).string();
    }

    // A user whose credential command prints what stands in the file `credential`, and notes each run in `runs`.
    net::KubeAccess with_command(const std::string& more = "") const {
        auto to = access();
        const auto script =
            write("login",
                  "#!/bin/sh\nprintf '%s\\n' \"$KUBERNETES_EXEC_INFO $1 $EXTRA\" >>\"" + (folder / "runs").string() +
                      "\"\ncat \"" + (folder / "credential").string() + "\"\n" + more,
                  true);
        to.user.command = {.api_version = "client.authentication.k8s.io/v1",
                           .command = script,
                           .arguments = {"get-token"},
                           .environment = {{"EXTRA", "set"}}};
        return to;
    }
    void print(const std::string& status) const {
        write("credential",
              R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":)" + status + "}");
    }
    std::size_t runs() const {
        const auto text = read(folder / "runs");
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }
    std::string sent(std::string_view header, std::size_t request) const {
        return std::string(server.requests().at(request).header(header));
    }
};

}  // namespace

TEST_CASE_FIXTURE(KubeFixture,
                  "token, name and password, and impersonation go out as headers, and not into the trace") {
    server.on("GET", "/a", {.body = "{}"});
    auto with_token = access();
    with_token.user.token = Secret("s3cret");
    with_token.user.impersonation = {{"Impersonate-User", "me"}, {"Impersonate-Group", "us"}};
    CHECK(kube(with_token).send(call, get("/a")).status == 200);
    CHECK(sent("authorization", 0) == "Bearer s3cret");
    CHECK(sent("impersonate-user", 0) == "me");
    CHECK(sent("impersonate-group", 0) == "us");
    auto with_password = access();
    with_password.user.username = "ab";
    with_password.user.password = Secret("s3cret");
    CHECK(kube(with_password).send(call, get("/a")).status == 200);
    CHECK(sent("authorization", 1) == "Basic YWI6czNjcmV0");
    CHECK(kube(access()).send(call, get("/a")).status == 200);
    CHECK(sent("authorization", 2).empty());
    CHECK(traced("/a"));
    CHECK(!traced("s3cret"));
}

TEST_CASE_FIXTURE(KubeFixture, "a token file is read again when it rotates, as a pod's does") {
    server.on("GET", "/a", {.body = "{}"});
    auto to = access();
    to.user.token_file = write("token", "first\n");
    auto kube = this->kube(to);
    kube.send(call, get("/a"));
    write("token", "second\n");
    kube.send(call, get("/a"));
    CHECK(sent("authorization", 0) == "Bearer first");
    CHECK(sent("authorization", 1) == "Bearer second");
    std::filesystem::remove(folder / "token");
    const auto error = error_of([&] { return kube.send(call, get("/a")); });
    CHECK(error.kind() == ErrorKind::configuration);
    CHECK(error.message().find("token") != std::string::npos);
    // With a token besides, as kubectl has it, that one serves then.
    to.user.token = Secret("third");
    this->kube(to).send(call, get("/a"));
    CHECK(sent("authorization", 2) == "Bearer third");
    write("token", "fourth\n");
    this->kube(to).send(call, get("/a"));
    CHECK(sent("authorization", 3) == "Bearer fourth");
}

TEST_CASE_FIXTURE(KubeFixture, "a credential command runs once, and again when what it gave expires") {
    server.on("GET", "/a", {.body = "{}"});
    print(R"({"token":"one","expirationTimestamp":"2026-11-21T08:47:00Z"})");
    auto kube = this->kube(with_command());
    kube.send(call, get("/a"));
    kube.send(call, get("/a"));
    CHECK(runs() == 1);
    CHECK(sent("authorization", 1) == "Bearer one");
    const auto told = read(folder / "runs");
    CHECK(told.find(R"("apiVersion":"client.authentication.k8s.io/v1")") != std::string::npos);
    CHECK(told.find("get-token set") != std::string::npos);
    CHECK(told.find("server") == std::string::npos);
    print(R"({"token":"two","expirationTimestamp":"2026-11-21T10:00:00Z"})");
    clock.advance(std::chrono::minutes(59));
    kube.send(call, get("/a"));
    CHECK(runs() == 1);
    clock.advance(Seconds(56));
    kube.send(call, get("/a"));
    CHECK(runs() == 2);
    CHECK(sent("authorization", 3) == "Bearer two");
}

TEST_CASE_FIXTURE(KubeFixture,
                  "after a 401 credentials are had anew, and even a POST is sent once more; but once only") {
    server.on("POST", "/a", [&](const HttpRequest& request) {
        if (request.header("authorization") == "Bearer old") print(R"({"token":"new"})");
        return Answer{.status = request.header("authorization") == "Bearer new" ? 201 : 401, .body = "{}"};
    });
    print(R"({"token":"old"})");
    auto kube = this->kube(with_command());
    CHECK(kube.send(call, post("/a")).status == 201);
    CHECK(runs() == 2);
    CHECK(server.count("POST", "/a") == 2);

    server.on("POST", "/b", {.status = 401, .body = "{}"});
    CHECK(kube.send(call, post("/b")).status == 401);
    CHECK(server.count("POST", "/b") == 2);
    // Without a command there is nothing to have anew.
    auto plain = access();
    plain.user.token = Secret("old");
    CHECK(this->kube(plain).send(call, post("/b")).status == 401);
    CHECK(server.count("POST", "/b") == 3);
}

TEST_CASE_FIXTURE(KubeFixture, "a command is told of the cluster when it wants that") {
    server.on("GET", "/a", {.body = "{}"});
    print(R"({"token":"one"})");
    auto to = with_command();
    to.user.command->wants_cluster = true;
    to.cluster.tls_server_name = "na\"me";
    kube(to).send(call, get("/a"));
    const auto told = read(folder / "runs");
    CHECK(told.find("\"server\":\"" + server.base() + "\"") != std::string::npos);
    CHECK(told.find(R"("tls-server-name":"na\"me")") != std::string::npos);
}

TEST_CASE_FIXTURE(KubeFixture, "a command that gives no credentials is told with what to do, and nothing it printed") {
    const auto fails = [&](const net::KubeAccess& to) {
        auto kube = this->kube(to);
        auto error = error_of([&] { return kube.send(call, get("/a")); });
        CHECK((error.message() + error.hint()).find("s3cret") == std::string::npos);
        return error;
    };
    auto missing = with_command();
    missing.user.command->command = "no-such-program-here";
    missing.user.command->install_hint = "get it from the cloud";
    CHECK(fails(missing).kind() == ErrorKind::configuration);
    CHECK(fails(missing).hint() == "get it from the cloud");

    write("credential", "s3cret");
    const auto ended = fails(with_command("exit 3\n"));
    CHECK(ended.kind() == ErrorKind::denied);
    CHECK(ended.message().find("exit code 3") != std::string::npos);

    const std::vector<std::pair<std::string, std::string>> printed{
        {"s3cret", "no JSON object"},
        {R"({"kind":"Other"})", "kind"},
        {R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"})", "apiVersion"},
        {R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"})", "no status"},
    };
    for (const auto& [text, words] : printed) {
        write("credential", text);
        const auto error = fails(with_command());
        CHECK(error.kind() == ErrorKind::configuration);
        CHECK_MESSAGE(error.message().find(words) != std::string::npos, error.message());
    }
    const std::vector<std::pair<std::string, std::string>> statuses{
        {R"({})", "neither a token nor"},
        {R"({"token":["s3cret"]})", "no text"},
        {R"({"clientCertificateData":"s3cret"})", "without key"},
        {R"({"token":"s3cret","expirationTimestamp":"soon"})", "no time"},
    };
    for (const auto& [status, words] : statuses) {
        print(status);
        const auto error = fails(with_command());
        CHECK_MESSAGE(error.message().find(words) != std::string::npos, error.message());
    }
    CHECK(server.requests().empty());
}

TEST_CASE_FIXTURE(KubeFixture, "what an API server turns away with a time is sent again after it, a POST too") {
    server.on("POST", "/a", {.status = 429, .headers = {{"Retry-After", "7"}}});
    server.on("POST", "/a", {.status = 201, .body = "{}"});
    CHECK(kube(access()).send(call, post("/a")).status == 201);
    CHECK(clock.elapsed() >= Seconds(7));
    CHECK(clock.elapsed() < Seconds(8));
    // Without a time nothing is promised, and it is not sent again.
    server.on("POST", "/b", {.status = 429});
    CHECK(kube(access()).send(call, post("/b")).status == 429);
    CHECK(server.count("POST", "/b") == 1);
    // Nor is a look that its caller repeats: how long to wait is the caller's to say.
    server.on("GET", "/d", {.status = 429, .headers = {{"Retry-After", "60"}}});
    const auto before = clock.elapsed();
    CHECK(kube(access()).send(call, get("/d"), false).status == 429);
    CHECK(server.count("GET", "/d") == 1);
    CHECK(clock.elapsed() == before);
    // Nor beyond the deadline.
    server.on("POST", "/c", {.status = 429, .headers = {{"Retry-After", "60"}}});
    call.deadline = clock.now() + Seconds(30);
    CHECK(kube(access()).send(call, post("/c")).status == 429);
    CHECK(server.count("POST", "/c") == 1);
}

TEST_CASE_FIXTURE(KubeFixture, "the proxy of the kubeconfig is used, also on the way to what is near") {
    HttpServer proxy;
    proxy.on("GET", "*", {.body = "by proxy"});
    auto to = access();
    to.cluster.proxy_url = proxy.base();
    CHECK(kube(to).send(call, get("/a")).body == "by proxy");
    CHECK(server.requests().empty());
    CHECK(proxy.requests().at(0).target == server.base() + "/a");
}

TEST_CASE(
    "TLS: authority and client certificate from the kubeconfig's data or a command, and the name in the certificate") {
    const TemporaryFolder folder;
    const Certificates files(folder.path());
    FakeClock clock;
    Tally tally;
    Call call{clock, tally};
    HttpServer server(TlsFiles{files.server_certificate, files.server_key, files.ca});
    server.on("GET", "/a", {.body = "over TLS"});
    net::KubeAccess to;
    to.cluster = {.name = "c", .server = server.base(), .ca_data = read(files.ca)};
    to.user.name = "u";
    to.user.cert_data = read(files.client_certificate);
    to.user.key_data = Secret(read(files.client_key));
    const auto ask = [&](const net::KubeAccess& with) { return net::Kube(with, {}, {}).send(call, get("/a"), false); };
    CHECK(ask(to).body == "over TLS");

    SUBCASE("files serve as well") {
        to.cluster.ca_data.clear();
        to.cluster.ca_file = files.ca;
        to.user.cert_data.clear();
        to.user.cert_file = files.client_certificate;
        to.user.key_data = {};
        to.user.key_file = files.client_key;
        CHECK(ask(to).body == "over TLS");
    }
    SUBCASE("another authority is refused, with where it came from") {
        to.cluster.ca_data = read(files.other_ca);
        const auto error = error_of([&] { return ask(to); });
        CHECK(error.kind() == ErrorKind::denied);
        CHECK(error.message().find("not trusted") != std::string::npos);
        CHECK(error.hint().find("certificate-authority-data of the cluster c") != std::string::npos);
    }
    SUBCASE("an authority that is none is the configuration's fault") {
        to.cluster.ca_data = "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n";
        const auto error = error_of([&] { return ask(to); });
        CHECK(error.kind() == ErrorKind::configuration);
        CHECK(error.message().find("certificate-authority-data") != std::string::npos);
    }
    SUBCASE("without a certificate the server refuses") {
        to.user.cert_data.clear();
        to.user.key_data = {};
        CHECK(error_of([&] { return ask(to); }).kind() == ErrorKind::denied);
    }
    SUBCASE("the name to ask for is checked, and the machine is still the one of the address") {
        to.cluster.tls_server_name = "localhost";
        CHECK(ask(to).body == "over TLS");
        CHECK(std::string(server.requests().back().header("host")) == server.base().substr(8));
        to.cluster.tls_server_name = "elsewhere.example";
        const auto error = error_of([&] { return ask(to); });
        CHECK(error.kind() == ErrorKind::denied);
        CHECK(error.message().find(server.base()) != std::string::npos);
    }
    SUBCASE("NO_PROXY is about the machine, not about the name in its certificate") {
        // Another way to the same machine, one that is no loopback by its name.
        to.cluster.server = "https://0.0.0.0" + server.base().substr(server.base().rfind(':'));
        to.cluster.tls_server_name = "localhost";
        const InEnvironment proxy("https_proxy", "http://127.0.0.1:1");
        const auto by = [&](const std::map<std::string, std::string>& variables) {
            return net::Kube(to, {}, variables).send(call, get("/a"), false).body;
        };
        const auto refused = [&](const std::map<std::string, std::string>& variables) {
            return error_of([&] { return by(variables); }).kind() == ErrorKind::unreachable;
        };
        CHECK(by({{"no_proxy", "a.example,0.0.0.0/8"}}) == "over TLS");
        CHECK(refused({{"no_proxy", "localhost"}}));
        // The small letters count, but not where nothing stands in them.
        CHECK(refused({{"NO_PROXY", "0.0.0.0/8"}, {"no_proxy", "localhost"}}));
        CHECK(by({{"NO_PROXY", "0.0.0.0/8"}, {"no_proxy", ""}}) == "over TLS");
    }
    SUBCASE("insecure-skip-tls-verify works, and a warning says so") {
        to.cluster.ca_data.clear();
        to.cluster.insecure = true;
        CHECK(ask(to).body == "over TLS");
        REQUIRE(tally.warnings().size() == 1);
        CHECK(tally.warnings().front().find("insecure-skip-tls-verify") != std::string::npos);
    }
    SUBCASE("a credential command may print a certificate") {
        const auto line = [](const std::string& pem) {
            std::string out;
            for (const char c : pem) out += c == '\n' ? std::string("\\n") : std::string(1, c);
            return out;
        };
        const auto script = folder / "login";
        std::ofstream(script)
            << "#!/bin/sh\ncat <<'END'\n"
            << R"({"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{)"
            << R"("clientCertificateData":")" << line(to.user.cert_data) << R"(","clientKeyData":")"
            << line(std::string(to.user.key_data.reveal())) << "\"}}\nEND\n";
        ::chmod(script.c_str(), 0755);
        to.user.cert_data.clear();
        to.user.key_data = {};
        to.user.command = {.api_version = "client.authentication.k8s.io/v1beta1", .command = script.string()};
        CHECK(net::Kube(to, {}, {{"PATH", "/usr/bin:/bin"}}).send(call, get("/a"), false).body == "over TLS");
    }
}
