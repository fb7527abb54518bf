// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace vbackup::net {

struct CurlDelete {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
    void operator()(curl_mime* mime) const { curl_mime_free(mime); }
};

struct MultiDelete {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

using EasyHandle = std::unique_ptr<CURL, CurlDelete>;
using MultiHandle = std::unique_ptr<CURLM, MultiDelete>;
using MimeHandle = std::unique_ptr<curl_mime, CurlDelete>;

// A list of header lines.
class HeaderList {
public:
    void add(const std::string& line);
    curl_slist* get() const { return list_.get(); }

private:
    std::unique_ptr<curl_slist, CurlDelete> list_;
};

// An easy handle with a multi handle of its own: the multi holds the connections that stay open, and can be waited on and
// woken. One thread at a time.
struct Wire {
    Wire();

    // The easy handle goes first: it may still be known to the multi.
    MultiHandle multi;
    EasyHandle easy;
    std::array<char, CURL_ERROR_SIZE> words{};  // why the last exchange failed, in curl's words
};

// Wires whose connections may be used again. Thread-safe.
class WirePool {
public:
    std::unique_ptr<Wire> take();
    // For a wire whose exchange ended properly; others are just destroyed.
    void give_back(std::unique_ptr<Wire> wire);

private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<Wire>> idle_;
};

// Sets an option, or throws Error{failed}: an option that this libcurl does not know must not be missed silently, since
// some of them protect (verification, protocols).
void require_set(CURLcode code, const char* option);

#define VBACKUP_CURL_SET(easy, option, value) \
    ::vbackup::net::require_set(curl_easy_setopt(easy, option, value), #option)

}  // namespace vbackup::net
