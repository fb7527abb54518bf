// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vbackup::net {

// An element of an XML answer. Attributes are left out and prefixes of names cut off: no answer that is read here needs them.
struct Xml {
    std::string name;
    std::string text;  // all text directly in it
    std::vector<Xml> children;

    // The first child of that name, null for none; its text, "" for none.
    const Xml* child(std::string_view child_name) const;
    std::string_view text_of(std::string_view child_name) const;
};

// The document's element. Blanks before it are passed over, as servers send them to keep a connection alive. Throws
// Error{not_understood} for what is no XML, and for elements more than 32 deep.
Xml parse_xml(std::string_view text);

}  // namespace vbackup::net
