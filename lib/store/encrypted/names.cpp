// SPDX-License-Identifier: Apache-2.0
#include "store/encrypted/names.hpp"

#include <cstdint>

namespace vbackup::store::encrypted {

namespace {

// File systems take 255 bytes, and ".part" must fit too; the plain store below cuts what is longer than 200.
constexpr std::size_t longest_piece = 180;
constexpr char continued = '~';

std::string little_endian(std::uint64_t number) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>((number >> (8 * i)) & 0xFF);
    return bytes;
}

std::string nonce_of(std::string_view tag) {
    std::string nonce(tag);
    nonce.resize(nonce_size, '\0');
    return nonce;
}

std::string in_pieces(std::string_view text) {
    std::string path;
    while (text.size() > longest_piece) {
        path += text.substr(0, longest_piece);
        path += continued;
        path += '/';
        text.remove_prefix(longest_piece);
    }
    return path.append(text);
}

// The part before the next '/', which is removed with it. `more` says whether there was one.
std::string_view take_part(std::string_view& rest, bool& more) {
    const auto slash = rest.find('/');
    more = slash != std::string_view::npos;
    const auto part = rest.substr(0, slash);
    rest.remove_prefix(more ? slash + 1 : rest.size());
    return part;
}

void go_down(std::string& folder, std::string_view part, bool first) {
    if (!first) folder += '/';
    folder += part;
}

}  // namespace

bool goes_on(std::string_view piece) {
    return piece.ends_with(continued);
}

NameCipher::NameCipher(const Key& store_key)
    : tag_key_(derive(store_key.view(), "vbackup 1 name tag")),
      stream_key_(derive(store_key.view(), "vbackup 1 name stream")) {}

std::string NameCipher::tag_of(std::string_view folder, std::string_view part) const {
    return keyed_hash(tag_key_.view(), little_endian(folder.size()).append(folder).append(part), tag_size);
}

std::string NameCipher::encrypt_part(std::string_view folder, std::string_view part) const {
    const auto tag = tag_of(folder, part);
    return in_pieces(to_base64(tag + stream_xor(stream_key_, nonce_of(tag), part)));
}

std::optional<std::string> NameCipher::decrypt_part(std::string_view folder, std::string_view text) const {
    const auto bytes = from_base64(text);
    if (!bytes || bytes->size() < tag_size) return std::nullopt;
    const auto tag = bytes->substr(0, tag_size);
    auto part = stream_xor(stream_key_, nonce_of(tag), bytes->substr(tag_size));
    if (!same(tag, tag_of(folder, part))) return std::nullopt;
    return part;
}

std::string NameCipher::encrypt(std::string_view name) const {
    std::string path;
    std::string folder;
    bool more = true;
    for (bool first = true; more; first = false) {
        const auto part = take_part(name, more);
        if (!first) path += '/';
        path += encrypt_part(folder, part);
        go_down(folder, part, first);
    }
    return path;
}

std::optional<std::string> NameCipher::decrypt(std::string_view path) const {
    std::string name;
    std::string text;
    bool more = true;
    for (bool first = true; more;) {
        const auto piece = take_part(path, more);
        text += piece;
        if (goes_on(piece)) {
            text.pop_back();
            if (!more) return std::nullopt;
            continue;
        }
        const auto part = decrypt_part(name, text);
        if (!part) return std::nullopt;
        go_down(name, *part, first);
        first = false;
        text.clear();
    }
    return name;
}

}  // namespace vbackup::store::encrypted
