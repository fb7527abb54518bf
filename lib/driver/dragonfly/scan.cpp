// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "driver/dragonfly/large_value.hpp"
#include "driver/dragonfly/load.hpp"
#include "io/seen_keys.hpp"

namespace vbackup::driver::dragonfly {

namespace {

// What the values under way may weigh together, by the server's own estimate.
constexpr std::uint64_t window = std::uint64_t{4} << 20;
// Questions about keys under way: filled up to the one once there are fewer than the other.
constexpr std::size_t most_under_way = 2000, few_under_way = 1000;
// Keys that are known by name and wait for their turn.
constexpr std::size_t enough_named = 3000;
// From here on a value is read by itself, and a string in pieces.
constexpr std::uint64_t large = window;
// Where MEMORY USAGE cannot be asked, a value is taken for so much: four are under way then.
constexpr std::uint64_t unknown_weight = window / 4;
// How often a key that is written to all the time is read again before it is read as one transaction.
constexpr int most_repeats = 3;
// Keys that may have been named twice: 100,000 take some 6 MiB here.
constexpr std::size_t most_repeated = 100'000;
// An expiry that had to be computed from what is left of it may differ by so much, in ms.
constexpr std::int64_t tolerance = 1000;

struct Key {
    std::string name;
    std::int64_t expiry = 0;   // as PEXPIRETIME says it: -1 for none, -2 for no such key
    std::uint64_t weight = 0;  // what MEMORY USAGE says
    int repeats = 0;
};
using Keys = std::deque<Key>;

// What was asked about a key in one go: a part of SCAN; expiry and weight; value and expiry; both at one moment.
enum class Asked : std::uint8_t { scan, look, value, both };
struct Question {
    Asked what = Asked::scan;
    Key key;
    std::uint64_t weight = 0;  // of the answers
};

class KeyScan final : public io::Source {
public:
    KeyScan(const Call& call, ScanWish wish, Ended ended)
        : call_(call),
          wish_(std::move(wish)),
          ended_(std::move(ended)),
          wire_(call_, wish_.server),
          facts_(loaded_facts()),
          has_expiretime_(takes(call_, wire_, {"PEXPIRETIME", "vbackup:none"})),
          field_times_(facts_.is_dragonfly() ? LargeValue::FieldTimes::none : LargeValue::field_times_of(call_, wire_)),
          has_weight_(takes(call_, wire_, {"MEMORY", "USAGE", "vbackup:none"})),
          began_(ask_time(call_, wire_)),
          began_here_(call_.clock.now()),
          writer_(began_, wish_.about) {
        if (!has_weight_)
            call_.tally.warn(fmt::format(
                "{} does not say what values weigh, as the command MEMORY USAGE is not known or not allowed: four "
                "are read at once, and large ones whole, which costs time and the server's memory",
                wish_.server.address()));
    }

    std::size_t read(std::span<std::byte> into) override {
        while (writer_.size() == 0 && !done_) advance();
        return writer_.take(into);
    }
    std::optional<std::uint64_t> size() const override { return std::nullopt; }

private:
    // Nothing is asked of a server that is loading: what it refuses then it may take a moment later.
    Facts loaded_facts() {
        auto facts = ask_facts(call_, wire_);
        require_loaded(wish_.server.address(), facts);
        return facts;
    }

    std::uint64_t server_time() const {
        const auto passed = std::chrono::duration_cast<Milliseconds>(call_.clock.now() - began_here_);
        return began_ + static_cast<std::uint64_t>(std::max<Milliseconds::rep>(passed.count(), 0));
    }

    // Takes one answer, or begins something new.
    void advance() {
        call_.require_time();
        if (value_) return advance_value();
        if (!whole_.empty()) return hand_out();
        // What is large waits until nothing else is under way.
        if (large_.empty()) refill();
        if (!under_way_.empty()) return take_answer();
        if (!large_.empty()) {
            current_ = std::move(large_.front());
            large_.pop_front();
            value_.emplace(wire_, writer_, LargeValue::Key{database_, current_.name, current_.weight},
                           LargeValue::Server{has_expiretime_, facts_.is_dragonfly(), field_times_});
            return;
        }
        if (cursor_ == "0" && named_.empty() && ready_.empty() && again_.empty()) next_database();
    }

    // What got its first keys since is read as well.
    void add_others() {
        if (!wish_.all_others || facts_.is_cluster()) return;
        for (const auto& [database, space] : ask_facts(call_, wire_).databases) {
            auto& known = wish_.databases;
            if (std::find(known.begin(), known.end(), database) != known.end()) continue;
            known.push_back(database);
            facts_.databases[database] = space;
        }
    }

    void next_database() {
        if (at_ == wish_.databases.size()) add_others();
        if (at_ == wish_.databases.size()) {
            writer_.finish();
            done_ = true;
            if (repeats_.size() > most_repeated) repeats_.clear();
            if (ended_) ended_(writer_.summary(), repeats_);
            return;
        }
        database_ = wish_.databases[at_++];
        const auto found = facts_.databases.find(database_);
        total_ = found == facts_.databases.end() ? 0 : found->second.keys;
        seen_.emplace(total_);
        // A cluster has no SELECT, and needs none.
        if (at_ > 1 || database_ != 0) wire_.require(call_, {"SELECT", std::to_string(database_)});
        cursor_.clear();
    }

    // Keeps the server at work: it is given more before it has answered everything.
    void refill() {
        if (at_ == 0) return;
        if (under_way_.size() < few_under_way && weight_ < window / 2) {
            while (under_way_.size() < most_under_way && weight_ < window) {
                if (!again_.empty()) {
                    ask(Asked::both, again_);
                } else if (!ready_.empty()) {
                    ask(Asked::value, ready_);
                } else if (!named_.empty()) {
                    ask(Asked::look, named_);
                } else {
                    break;
                }
            }
        }
        if (!scanning_ && cursor_ != "0" && named_.size() < enough_named) ask_scan();
    }

    void ask_scan() {
        const std::string_view cursor = cursor_.empty() ? "0" : std::string_view(cursor_);
        if (wish_.match.empty())
            wire_.queue(call_, {"SCAN", cursor, "COUNT", "1000"});
        else
            wire_.queue(call_, {"SCAN", cursor, "MATCH", wish_.match, "COUNT", "1000"});
        scanning_ = true;
        under_way_.push_back({Asked::scan, {}, 0});
    }

    void ask_expiry(const Key& key) { wire_.queue(call_, {has_expiretime_ ? "PEXPIRETIME" : "PTTL", key.name}); }

    void ask(Asked what, Keys& from) {
        Question question{what, std::move(from.front()), 0};
        from.pop_front();
        const auto& key = question.key;
        if (what == Asked::look) {
            ask_expiry(key);
            if (has_weight_) wire_.queue(call_, {"MEMORY", "USAGE", key.name});
        } else {
            question.weight = has_weight_ ? key.weight : unknown_weight;
            if (what == Asked::both) {
                wire_.queue(call_, {"MULTI"});
                wire_.queue(call_, {"DUMP", key.name});
                ask_expiry(key);
                wire_.queue(call_, {"EXEC"});
            } else {
                wire_.queue(call_, {"DUMP", key.name});
                ask_expiry(key);
            }
        }
        weight_ += question.weight;
        under_way_.push_back(std::move(question));
    }

    net::Reply next(std::string_view what) {
        auto reply = wire_.read(call_);
        if (reply.is_error()) throw net::to_error(reply, wish_.server, what);
        return reply;
    }

    // As PEXPIRETIME says it, from whichever of the two was asked.
    std::int64_t expiry_of(const net::Reply& reply) const {
        if (reply.kind != net::Reply::Kind::integer)
            throw Error(ErrorKind::not_understood, "the expiry of a key was not answered with a number");
        if (has_expiretime_ || reply.number < 0) return reply.number;
        return static_cast<std::int64_t>(server_time()) + reply.number;
    }

    bool same(std::int64_t one, std::int64_t other) const {
        if (has_expiretime_ || one < 0 || other < 0) return one == other;
        return std::abs(one - other) <= tolerance;
    }

    void take_answer() {
        auto question = std::move(under_way_.front());
        under_way_.pop_front();
        weight_ -= question.weight;
        switch (question.what) {
            case Asked::scan:
                return take_scan();
            case Asked::look:
                return take_look(std::move(question.key));
            case Asked::value:
                return take_value(std::move(question.key));
            case Asked::both:
                return take_both(std::move(question.key));
        }
    }

    void take_scan() {
        auto reply = next("SCAN");
        if (reply.items.size() != 2 || reply.items[1].kind != net::Reply::Kind::array)
            throw Error(ErrorKind::not_understood, "SCAN was not answered with a cursor and keys");
        cursor_ = std::move(reply.items[0].text);
        scanning_ = false;
        for (auto& item : reply.items[1].items) named_.push_back({std::move(item.text)});
    }

    void take_look(Key key) {
        key.expiry = expiry_of(next("PEXPIRETIME"));
        if (has_weight_)
            key.weight = static_cast<std::uint64_t>(std::max<std::int64_t>(next("MEMORY USAGE").number, 0));
        if (key.expiry == -2) return writer_.count_vanished(database_);
        (key.weight > large ? large_ : ready_).push_back(std::move(key));
    }

    void take_value(Key key) {
        auto value = next("DUMP");
        const auto expiry = expiry_of(next("PEXPIRETIME"));
        if (value.is_nil() || expiry == -2) return writer_.count_vanished(database_);
        if (same(expiry, key.expiry)) return record(key, std::move(value));
        // It was set anew in between: which expiry belongs to this value cannot be told.
        again_.push_back(std::move(key));
    }

    void take_both(Key key) {
        for (const auto* what : {"MULTI", "DUMP", "PEXPIRETIME"}) (void)next(what);
        auto both = next("EXEC");
        if (both.items.size() != 2)
            throw Error(ErrorKind::not_understood,
                        "EXEC was not answered with as many answers as there were questions");
        key.expiry = expiry_of(both.items[1]);
        if (both.items[0].is_nil() || key.expiry == -2) return writer_.count_vanished(database_);
        record(key, std::move(both.items[0]));
    }

    void advance_value() {
        using State = LargeValue::State;
        const auto state = value_->advance(call_, server_time());
        if (state == State::going) return;
        value_.reset();
        if (state == State::good) {
            note(current_);
        } else if (state == State::gone) {
            writer_.count_vanished(database_);
        } else if (state == State::changed && ++current_.repeats < most_repeats) {
            large_.push_front(std::move(current_));
        } else {
            // Its type, or those who write to it all the time, leave no other way.
            again_.push_back(std::move(current_));
            ask(Asked::both, again_);
        }
    }

    // What is damaged on its way must not be found by `verify` alone.
    void require_undamaged(const Key& key, const net::Reply& value) const {
        const auto what = fmt::format("the value of \"{}\" in {}", one_line(key.name, 80), name_of(database_));
        if (value.kind != net::Reply::Kind::text)
            throw Error(ErrorKind::not_understood, fmt::format("DUMP gave no bytes for {}", what));
        if (const auto wrong = io::payload_problem(value.text); !wrong.empty())
            throw Error(ErrorKind::corrupt, fmt::format("{} came damaged: {}", what, wrong),
                        "give the same command again; if it stays, look at the server's memory and the line to it");
    }

    void record(const Key& key, net::Reply value) {
        require_undamaged(key, value);
        auto payload = std::move(value.text);
        const auto expiry = key.expiry > 0 ? static_cast<std::uint64_t>(key.expiry) : 0;
        note(key);
        if (payload.size() < large) return writer_.add(database_, key.name, expiry, payload);
        writer_.begin_large(database_, key.name, expiry, payload.size());
        whole_ = std::move(payload);
        handed_out_ = 0;
    }

    // A large payload goes into the file piece by piece as well, so that it is not held twice.
    void hand_out() {
        const auto piece = std::string_view(whole_).substr(handed_out_, std::size_t{1} << 20);
        writer_.add_piece(piece);
        handed_out_ += piece.size();
        if (handed_out_ < whole_.size()) return;
        writer_.end_large(true);
        std::string().swap(whole_);
    }

    void note(const Key& key) {
        if (seen_->note(key.name)) {
            writer_.count_perhaps_twice(database_);
            if (repeats_.size() <= most_repeated) repeats_.emplace(database_, io::SeenKeys::hash(key.name));
        }
        const auto keys = ++noted_;
        if (keys % 16384 == 0)
            call_.tally.stage(fmt::format("{}: {} keys, now in {}", wish_.server.address(), keys, name_of(database_)));
    }

    Call call_;
    ScanWish wish_;
    Ended ended_;
    net::Resp wire_;
    Facts facts_;
    bool has_expiretime_;
    LargeValue::FieldTimes field_times_;
    bool has_weight_;
    std::uint64_t began_;  // by the server's clock
    Instant began_here_;
    io::KeyWriter writer_;

    std::size_t at_ = 0;  // databases begun
    std::uint32_t database_ = 0;
    std::uint64_t total_ = 0;
    std::optional<io::SeenKeys> seen_;
    std::string cursor_ = "0";  // empty: at the beginning; "0": at the end
    bool scanning_ = false;
    bool done_ = false;
    Keys named_, ready_, again_, large_;
    std::deque<Question> under_way_;
    std::uint64_t weight_ = 0;  // of what is under way
    std::uint64_t noted_ = 0;   // keys of all databases
    io::Repeats repeats_;
    Key current_;  // whose value is being read in pieces
    std::optional<LargeValue> value_;
    std::string whole_;  // a large payload that came whole
    std::size_t handed_out_ = 0;
};

}  // namespace

std::unique_ptr<io::Source> scan_keys(const Call& call, ScanWish wish, Ended ended) {
    return std::make_unique<KeyScan>(call, std::move(wish), std::move(ended));
}

}  // namespace vbackup::driver::dragonfly
