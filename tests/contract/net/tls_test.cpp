// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>

#include "contract/net/fixture.hpp"
#include "support/certificates.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

// A folder of its own, gone afterwards.
struct Folder {
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "vbackup-tls-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::filesystem::path path;
};

struct TlsFixture {
    Folder folder;
    Certificates files{folder.path};
    FakeClock clock;
    Tally tally;
    Call call{clock, tally};

    std::unique_ptr<HttpServer> serve(bool wants_client) const {
        auto server = std::make_unique<HttpServer>(
            TlsFiles{files.server_certificate, files.server_key, wants_client ? files.ca : std::string()});
        server->on("GET", "/a", {.body = "over TLS"});
        return server;
    }

    net::Response ask(net::Connection connection) {
        return net::Http(std::move(connection)).send(call, get("/a"), false);
    }
};

}  // namespace

TEST_CASE_FIXTURE(TlsFixture, "the right authority opens the door") {
    const auto server = serve(false);
    CHECK(ask({.base = server->base(), .ca_file = files.ca}).body == "over TLS");
}

TEST_CASE_FIXTURE(TlsFixture, "bodies of any length come through TLS") {
    const auto server = serve(false);
    const std::string bytes = pattern(5'000'000);
    server->on("GET", "/file", {.body = bytes});
    const net::Http http({.base = server->base(), .ca_file = files.ca});
    net::Response head;
    const auto source = http.open(call, get("/file"), head);
    std::string read;
    std::vector<std::byte> buffer(100'000);
    while (const std::size_t count = source->read(buffer)) {
        read.append(reinterpret_cast<const char*>(buffer.data()), count);
    }
    CHECK((read == bytes));
}

TEST_CASE_FIXTURE(TlsFixture, "without the authority, or with another, nothing is sent") {
    const auto server = serve(false);
    for (const std::string& authority : {std::string(), files.other_ca}) {
        CAPTURE(authority);
        const Error error = error_of([&] { return ask({.base = server->base(), .ca_file = authority}); });
        CHECK(error.kind() == ErrorKind::denied);
        CHECK(error.message().find(server->base()) != std::string::npos);
        CHECK(error.hint().find("ca_file") != std::string::npos);
    }
    CHECK(server->requests().empty());
}

TEST_CASE_FIXTURE(TlsFixture, "the certificate must name the address") {
    const auto server = serve(false);
    // libcurl itself takes every name below localhost (RFC 6761) for this machine; the certificate holds just localhost.
    const auto base = [&](const std::string& name) { return "https://" + name + server->base().substr(17); };
    CHECK(ask({.base = base("localhost"), .ca_file = files.ca}).body == "over TLS");
    const Error error = error_of([&] { return ask({.base = base("other.localhost"), .ca_file = files.ca}); });
    CHECK(error.kind() == ErrorKind::denied);
    CHECK(error.hint().find("name") != std::string::npos);
    CHECK(server->requests().size() == 1);
}

TEST_CASE_FIXTURE(TlsFixture, "a client certificate is shown where one is wanted") {
    const auto server = serve(true);
    CHECK(ask({.base = server->base(),
               .ca_file = files.ca,
               .client_cert_file = files.client_certificate,
               .client_key_file = files.client_key})
              .body == "over TLS");
    const Error error = error_of([&] { return ask({.base = server->base(), .ca_file = files.ca}); });
    CHECK(error.kind() == ErrorKind::denied);
    CHECK(error.hint().find("client_cert_file") != std::string::npos);
    CHECK(server->requests().size() == 1);
}

TEST_CASE_FIXTURE(TlsFixture, "files that cannot be used are the configuration's fault") {
    const auto server = serve(true);
    const std::string missing = (folder.path / "missing.pem").string();
    const Error no_ca = error_of([&] { return ask({.base = server->base(), .ca_file = missing}); });
    CHECK(no_ca.kind() == ErrorKind::configuration);
    CHECK(no_ca.message().find("ca_file " + missing) != std::string::npos);
    const Error no_cert = error_of([&] {
        return ask({.base = server->base(),
                    .ca_file = files.ca,
                    .client_cert_file = missing,
                    .client_key_file = files.client_key});
    });
    CHECK(no_cert.kind() == ErrorKind::configuration);
    CHECK(no_cert.message().find(missing) != std::string::npos);
}

TEST_CASE_FIXTURE(TlsFixture, "TLS where there is none, and none where there is") {
    const HttpServer plain;
    const std::string with_tls = "https" + plain.base().substr(4);
    const net::Connection hasty{.base = with_tls, .ca_file = files.ca, .connect_timeout = Milliseconds(300)};
    // The plain server waits for the end of what it takes for a request.
    CHECK(error_of([&] { return ask(hasty); }).kind() == ErrorKind::unreachable);
    const auto server = serve(false);
    CHECK(error_of([&] { return ask({.base = "http" + server->base().substr(5)}); }).kind() == ErrorKind::unreachable);
}
