#pragma once

#include <string>

#include "core/json.h"
#include "graft/data/decoded.h"

namespace graft::cli {

/// With spaces where it breaks lines.
std::string one_line(std::string text);

/// True if answers are parts of a text, or labels of its words.
bool has_spans(const Decoded& answer);

/// [{"text", "label", "start", "end", "score"}] with offsets in characters (code points), as Python counts them; "label" where spans have
/// one.
Json json_of_spans(const Decoded& answer, const std::string& text);

/// The text with its entities marked: in colour, or in brackets: "[Thames location] flows".
std::string marked_text(const Decoded& answer, const std::string& text, bool colour);

/// The best span in the words around it, marked likewise.
std::string span_in_context(const Decoded& answer, const std::string& text, bool colour);

}  // namespace graft::cli
