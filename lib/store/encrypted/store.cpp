// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "store/encrypted/content.hpp"
#include "store/encrypted/names.hpp"
#include "store/encrypted/slots.hpp"

namespace vbackup::store::encrypted {

namespace {

// All that is made of the store's key.
struct Keys {
    explicit Keys(const Key& store_key) : content(derive(store_key.view(), "vbackup 1 content")), names(store_key) {}
    const Key content;
    const NameCipher names;
};

// How the bytes below are to be read now.
struct View {
    bool plain = false;
    std::shared_ptr<const Keys> keys;  // null when not plain: there is nothing yet
    bool nothing() const { return !plain && !keys; }
};

class Guarded final : public Store {
public:
    Guarded(std::unique_ptr<Store> bytes, Unlocking unlocking)
        : bytes_(std::move(bytes)), unlocking_(std::move(unlocking)) {}

    std::string where() const override { return bytes_->where(); }
    std::optional<std::uint64_t> free_bytes() override { return bytes_->free_bytes(); }
    std::size_t at_once() const override { return bytes_->at_once(); }

    std::unique_ptr<io::Sink> create(const std::string& name, bool resume) override {
        const auto view = look(true);
        if (view.plain) return bytes_->create(name, resume);
        const auto path = view.keys->names.encrypt(name);
        if (resume && plain_partial_size(bytes_->partial_size(path)) > 0) return carry_on(place(view, name));
        return encrypt_to(bytes_->create(path), view.keys->content, name);
    }

    void put_new(const std::string& name, std::string_view text) override {
        const auto view = look(true);
        if (view.plain) return bytes_->put_new(name, text);
        bytes_->put_new(view.keys->names.encrypt(name), encrypted(view.keys->content, name, text));
    }

    std::uint64_t partial_size(const std::string& name) override {
        const auto view = look(false);
        if (view.plain) return bytes_->partial_size(name);
        return view.keys ? plain_partial_size(bytes_->partial_size(view.keys->names.encrypt(name))) : 0;
    }

    std::unique_ptr<io::Source> open_partial(const std::string& name) override {
        const auto view = look_for(name);
        return view.plain ? bytes_->open_partial(name) : decrypt_partial(place(view, name));
    }

    std::unique_ptr<io::Source> open(const std::string& name, std::uint64_t offset) override {
        const auto view = look_for(name);
        return view.plain ? bytes_->open(name, offset) : decrypt(place(view, name), offset);
    }

    std::optional<std::uint64_t> size(const std::string& name) override {
        const auto view = look(false);
        if (view.plain) return bytes_->size(name);
        const auto stored = view.keys ? bytes_->size(view.keys->names.encrypt(name)) : std::nullopt;
        return stored ? std::optional(plain_size(*stored)) : std::nullopt;
    }

    std::vector<std::string> list(const std::string& prefix, bool partial) override;
    std::vector<std::string> folders() override;

    void remove(const std::string& name) override {
        const auto view = look(false);
        if (!view.nothing()) bytes_->remove(view.plain ? name : view.keys->names.encrypt(name));
    }
    void remove_all(const std::string& prefix) override {
        const auto view = look(false);
        if (!view.nothing()) bytes_->remove_all(view.plain ? prefix : path_of_folder(*view.keys, prefix));
    }

    void require_writable() override {
        look(false);
        bytes_->require_writable();
    }

    std::shared_ptr<void> lock(const std::string& name) override {
        const auto view = look(true);
        return view.plain ? bytes_->lock(name) : lock_encrypted(*view.keys, name);
    }

private:
    View look(bool make);
    View look_afresh(bool make);
    View look_for(const std::string& name);
    std::shared_ptr<void> lock_encrypted(const Keys& keys, const std::string& name);
    Place place(const View& view, const std::string& name) {
        return {*bytes_, view.keys->content, name, view.keys->names.encrypt(name)};
    }
    static std::string path_of_folder(const Keys& keys, std::string_view folder) {
        if (folder.ends_with('/')) folder.remove_suffix(1);
        return keys.names.encrypt(folder);
    }

    const std::unique_ptr<Store> bytes_;
    const Unlocking unlocking_;
    std::mutex mutex_;  // guards the rest
    std::optional<View> known_;
    bool looked_ = false;  // nothing lay there that is not encrypted
    std::optional<Error> refused_;
};

// A key that is wrong stays so, and each try costs time.
View Guarded::look(bool make) {
    const std::scoped_lock lock(mutex_);
    if (refused_) throw Error(*refused_);
    try {
        return look_afresh(make);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::denied) refused_ = error;
        throw;
    }
}

View Guarded::look_afresh(bool make) {
    if (known_) return *known_;
    const auto keep = [this](View view) { return known_.emplace(std::move(view)); };
    const auto open = [&](const Opened& opened) {
        return keep({.plain = false, .keys = std::make_shared<const Keys>(opened.store_key)});
    };
    if (const auto text = slots_text(*bytes_)) return open(open_slots(*text, unlocking_.credential, bytes_->where()));
    if (unlocking_.credential.secret.empty()) return keep({.plain = true, .keys = {}});
    if (make) return open(make_slots(*bytes_, unlocking_));
    if (!looked_) require_empty(*bytes_);
    looked_ = true;
    return {};
}

View Guarded::look_for(const std::string& name) {
    auto view = look(false);
    if (view.nothing()) throw Error(ErrorKind::not_found, name + " is not in " + where());
    return view;
}

std::vector<std::string> Guarded::list(const std::string& prefix, bool partial) {
    const auto view = look(false);
    if (view.plain) return bytes_->list(prefix, partial);
    std::vector<std::string> names;
    if (view.nothing()) return names;
    for (const auto& path : bytes_->list(prefix.empty() ? prefix : path_of_folder(*view.keys, prefix), partial))
        if (auto name = view.keys->names.decrypt(path)) names.push_back(std::move(*name));
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> Guarded::folders() {
    const auto view = look(false);
    if (view.plain) return bytes_->folders();
    std::set<std::string> names;
    const auto add = [&](const std::string& path) {
        if (const auto name = view.keys->names.decrypt(path)) names.insert(name->substr(0, name->find('/')));
    };
    if (view.nothing()) return {};
    for (const auto& folder : bytes_->folders()) {
        if (!goes_on(folder)) {
            add(folder);
            continue;
        }
        for (const bool partial : {false, true})
            for (const auto& path : bytes_->list(folder, partial)) add(path);
    }
    return {names.begin(), names.end()};
}

std::shared_ptr<void> Guarded::lock_encrypted(const Keys& keys, const std::string& name) {
    const auto path = keys.names.encrypt(name);
    try {
        return bytes_->lock(path);
    } catch (const Error& error) {
        auto message = error.message();
        const auto at = message.find(path);
        if (error.kind() != ErrorKind::busy || at == std::string::npos) throw;
        throw Error(error.kind(), message.replace(at, path.size(), name), error.hint(), error.context());
    }
}

}  // namespace

std::unique_ptr<Store> guard(std::unique_ptr<Store> bytes, Unlocking unlocking) {
    return std::make_unique<Guarded>(std::move(bytes), std::move(unlocking));
}

}  // namespace vbackup::store::encrypted
