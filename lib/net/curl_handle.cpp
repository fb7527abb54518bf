// SPDX-License-Identifier: Apache-2.0
#include "net/curl_handle.hpp"

#include <fmt/format.h>

#include <new>
#include <utility>

#include "base/error.hpp"

namespace vbackup::net {

namespace {

// Thread-safe in libcurl since 7.84 where it was built with threads; the static makes it so with any.
void require_curl() {
    static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK)
        throw Error(ErrorKind::failed, fmt::format("libcurl cannot start: {}", curl_easy_strerror(code)));
}

}  // namespace

void HeaderList::add(const std::string& line) {
    curl_slist* longer = curl_slist_append(list_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    (void)list_.release();
    list_.reset(longer);
}

Wire::Wire() {
    require_curl();
    multi.reset(curl_multi_init());
    easy.reset(curl_easy_init());
    if (!multi || !easy) throw std::bad_alloc();
    // One connection is in use at a time; a second may be on its way out.
    curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, 2L);
}

std::unique_ptr<Wire> WirePool::take() {
    {
        const std::scoped_lock lock(mutex_);
        if (!idle_.empty()) {
            auto wire = std::move(idle_.back());
            idle_.pop_back();
            return wire;
        }
    }
    return std::make_unique<Wire>();
}

void WirePool::give_back(std::unique_ptr<Wire> wire) {
    curl_easy_reset(wire->easy.get());
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(wire));
}

void require_set(CURLcode code, const char* option) {
    if (code == CURLE_OK) return;
    throw Error(ErrorKind::failed, fmt::format("libcurl refuses {}: {}", option, curl_easy_strerror(code)));
}

}  // namespace vbackup::net
