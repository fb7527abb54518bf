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

// Where the answer that hiredis is at belongs: in its array, or at the top.
Reply& place_of(const redisReadTask* task) {
    if (task->parent == nullptr) {
        auto& top = *static_cast<Reply*>(task->privdata);
        top = {};
        return top;
    }
    auto& array = *static_cast<Reply*>(task->parent->obj);
    return array.items[static_cast<std::size_t>(task->idx)];
}

// A null pointer tells hiredis that there is no memory; an exception must not pass through C.
template <typename Fill>
void* made(const redisReadTask* task, const Fill& fill) {
    try {
        auto& reply = place_of(task);
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

void* make_array(const redisReadTask* task, int count) {
    return made(task, [&](Reply& reply) {
        reply.kind = Reply::Kind::array;
        reply.items.resize(static_cast<std::size_t>(count));
    });
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

// All answers lie in the one at the top, which is ours.
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

std::size_t RespParser::forget_rest() {
    const auto& reader = *state_->reader;
    const auto rest = reader.len - reader.pos;
    if (rest > 0) state_->renew();
    return rest;
}

bool RespParser::broken() const {
    return state_->reader->err != 0;
}

std::string RespParser::why() const {
    return state_->reader->errstr;
}

}  // namespace vbackup::net
