// SPDX-License-Identifier: Apache-2.0
#include "net/resp_parser.hpp"

#include <hiredis/read.h>

#include <new>
#include <utility>

namespace vbackup::net {

namespace {

struct FreeReader {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
};

// A null pointer tells hiredis that there is no memory; an exception must not pass through C.
template <typename Fill>
void* made(const redisReadTask* task, const Fill& fill) {
    try {
        auto& reply = *static_cast<Reply*>(task->privdata);
        reply = {};
        fill(reply);
        return &reply;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void* make_text(const redisReadTask* task, char* text, std::size_t size) {
    return made(task, [&](Reply& reply) {
        reply.kind = task->type == REDIS_REPLY_ERROR    ? Reply::Kind::error
                     : task->type == REDIS_REPLY_STATUS ? Reply::Kind::status
                                                        : Reply::Kind::text;
        reply.text.assign(text, size);
    });
}

// Texts and arrays are read past it.
void* make_array(const redisReadTask*, int) {
    return nullptr;
}

void* make_integer(const redisReadTask* task, long long number) {
    return made(task, [&](Reply& reply) {
        reply.kind = Reply::Kind::integer;
        reply.number = number;
    });
}

void* make_nil(const redisReadTask* task) {
    return made(task, [](Reply& reply) { reply.kind = Reply::Kind::nil; });
}

// There is one answer, which is ours.
void free_nothing(void*) {}

redisReplyObjectFunctions functions{make_text, make_array, make_integer, make_nil, free_nothing};

}  // namespace

struct RespParser::State {
    Reply top;
    std::unique_ptr<redisReader, FreeReader> reader;

    void renew() {
        reader.reset(redisReaderCreateWithFunctions(&functions));
        if (!reader) throw std::bad_alloc();
        reader->privdata = &top;
    }
};

RespParser::RespParser() : state_(std::make_unique<State>()) {
    state_->renew();
}

RespParser::~RespParser() = default;

void RespParser::feed(std::string_view bytes) {
    if (bytes.empty()) return;
    redisReaderFeed(state_->reader.get(), bytes.data(), bytes.size());
}

std::optional<Reply> RespParser::next() {
    void* whole = nullptr;
    if (redisReaderGetReply(state_->reader.get(), &whole) != 0 || whole == nullptr) return std::nullopt;
    return std::move(state_->top);
}

bool RespParser::broken() const {
    return state_->reader->err != 0;
}

std::string RespParser::why() const {
    return state_->reader->errstr;
}

}  // namespace vbackup::net
