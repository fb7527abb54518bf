// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vbackup::net {

// What stands where a secret stood.
inline constexpr std::string_view masked = "***";

// Names of headers, query fields and members whose values may be secrets: key, token, secret, sign, password, credential,
// auth, jwt, cookie, in any case and with anything around.
bool looks_secret(std::string_view name);

// A header, body or address as a log may keep it. Masked are the `known` secrets of at least four bytes wherever they stand
// (of a text that was cut also the beginning of one at its end), the values of members, fields and elements whose names look
// like a secret's (JSON, also inside a JSON text; name=value; <Name>value</Name>), what follows "Bearer" and "Basic", and
// what stands before the '@' of an address. It rather masks too much: a value without quotes counts up to the next
// delimiter or the end of the line. Of an object or list below such a name all is masked.
std::string mask_text(std::string_view text, std::span<const std::string_view> known = {});

// Only the `known` secrets of at least four bytes, for text that goes on being read.
std::string mask_known(std::string text, std::span<const std::string_view> known);

// The values that authenticate by themselves within one header's value: "Bearer abc" is "Bearer abc" and "abc".
std::vector<std::string_view> parts_of_secret(std::string_view value);

}  // namespace vbackup::net
