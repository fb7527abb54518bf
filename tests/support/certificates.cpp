// SPDX-License-Identifier: Apache-2.0
#include "support/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace vbackup::test {

namespace {

struct Delete {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
    void operator()(std::FILE* file) const { std::fclose(file); }
};

using Key = std::unique_ptr<EVP_PKEY, Delete>;
using Certificate = std::unique_ptr<X509, Delete>;
using File = std::unique_ptr<std::FILE, Delete>;

struct Identity {
    Key key;
    Certificate certificate;
};

void require(bool good, const char* what) {
    if (!good) throw std::runtime_error(what);
}

void extend(X509* certificate, X509* issuer, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Delete> extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
    require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, "cannot extend a certificate");
}

// Signed by `issuer`, or by itself for none.
Identity make(const char* name, const Identity* issuer, long serial) {
    Identity made{Key(EVP_EC_gen("P-256")), Certificate(X509_new())};
    X509* certificate = made.certificate.get();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -24L * 3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24L * 3600);
    X509_set_pubkey(certificate, made.key.get());
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509* signer = issuer != nullptr ? issuer->certificate.get() : certificate;
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    if (issuer == nullptr) {
        extend(certificate, signer, NID_basic_constraints, "critical,CA:TRUE");
        extend(certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
        extend(certificate, signer, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    }
    EVP_PKEY* key = issuer != nullptr ? issuer->key.get() : made.key.get();
    require(X509_sign(certificate, key, EVP_sha256()) > 0, "cannot sign a certificate");
    return made;
}

File open(const std::filesystem::path& path) {
    File file(std::fopen(path.c_str(), "w"));
    require(file != nullptr, "cannot write a certificate");
    return file;
}

std::string write_certificate(const std::filesystem::path& path, const Identity& identity) {
    require(PEM_write_X509(open(path).get(), identity.certificate.get()) == 1, "cannot write a certificate");
    return path.string();
}

std::string write_key(const std::filesystem::path& path, const Identity& identity) {
    const int good = PEM_write_PrivateKey(open(path).get(), identity.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    require(good == 1, "cannot write a key");
    return path.string();
}

}  // namespace

Certificates::Certificates(const std::filesystem::path& folder) {
    const Identity authority = make("vbackup test authority", nullptr, 1);
    const Identity server = make("vbackup test server", &authority, 2);
    const Identity client = make("vbackup test client", &authority, 3);
    ca = write_certificate(folder / "ca.pem", authority);
    server_certificate = write_certificate(folder / "server.pem", server);
    server_key = write_key(folder / "server.key", server);
    client_certificate = write_certificate(folder / "client.pem", client);
    client_key = write_key(folder / "client.key", client);
    other_ca = write_certificate(folder / "other.pem", make("another test authority", nullptr, 4));
}

}  // namespace vbackup::test
