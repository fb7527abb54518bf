// SPDX-License-Identifier: Apache-2.0
#include "net/xml.hpp"

#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <type_traits>

#include "base/error.hpp"

namespace vbackup::net {

namespace {

constexpr std::size_t deepest = 32;

struct FreeParser {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using Parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser>;

// The elements that are open, the document outermost.
struct Reading {
    XML_Parser parser;
    std::vector<Xml> open{Xml{}};
};

void begin(void* data, const XML_Char* name, const XML_Char** /*attributes*/) {
    auto& reading = *static_cast<Reading*>(data);
    if (reading.open.size() > deepest) {
        XML_StopParser(reading.parser, XML_FALSE);
        return;
    }
    const std::string_view whole(name);
    const auto colon = whole.find(':');
    reading.open.push_back({.name = std::string(colon == std::string_view::npos ? whole : whole.substr(colon + 1)),
                            .text = {},
                            .children = {}});
}

void end(void* data, const XML_Char* /*name*/) {
    auto& open = static_cast<Reading*>(data)->open;
    Xml done = std::move(open.back());
    open.pop_back();
    open.back().children.push_back(std::move(done));
}

void characters(void* data, const XML_Char* text, int length) {
    static_cast<Reading*>(data)->open.back().text.append(text, static_cast<std::size_t>(length));
}

}  // namespace

const Xml* Xml::child(std::string_view child_name) const {
    const auto found =
        std::find_if(children.begin(), children.end(), [&](const Xml& one) { return one.name == child_name; });
    return found == children.end() ? nullptr : &*found;
}

std::string_view Xml::text_of(std::string_view child_name) const {
    const Xml* found = child(child_name);
    return found == nullptr ? std::string_view{} : std::string_view(found->text);
}

Xml parse_xml(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    const Parser parser(XML_ParserCreate(nullptr));
    if (!parser) throw Error(ErrorKind::failed, "no memory to read XML");
    Reading reading{.parser = parser.get()};
    XML_SetUserData(parser.get(), &reading);
    XML_SetElementHandler(parser.get(), begin, end);
    XML_SetCharacterDataHandler(parser.get(), characters);
    const auto status = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE);
    if (status != XML_STATUS_OK || reading.open.size() != 1 || reading.open.front().children.size() != 1) {
        throw Error(ErrorKind::not_understood,
                    fmt::format("the answer is no XML: {}", XML_ErrorString(XML_GetErrorCode(parser.get()))));
    }
    return std::move(reading.open.front().children.front());
}

}  // namespace vbackup::net
