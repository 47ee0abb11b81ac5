#include "graph/code_check.h"

#include <map>
#include <set>
#include <span>

#include "graft/core/error.h"
#include "graph/policy.h"

namespace graft::graph {
namespace {

using Tokens = std::span<const Token>;
using Names = std::set<std::string_view>;

/// Names joined by dots from `at` on: torch, classes, c10d.
std::vector<std::string_view> chain(Tokens tokens, std::size_t at) {
  std::vector<std::string_view> names = {tokens[at].text};
  for (; at + 2 < tokens.size() && tokens[at + 1].is(".") && tokens[at + 2].kind == Token::Kind::Name; at += 2) {
    names.push_back(tokens[at + 2].text);
  }
  return names;
}

bool follows_dot(Tokens tokens, std::size_t at) { return at > 0 && tokens[at - 1].is("."); }
bool precedes(Tokens tokens, std::size_t at, std::string_view next) { return at + 1 < tokens.size() && tokens[at + 1].is(next); }

/// A method or function: the tokens after `def` up to the next definition.
struct Method {
  const Source* source;
  Tokens body;
};

/// What the sources define.
struct Definitions {
  std::multimap<std::string_view, Method> methods;
  Names classes, members;
};

Definitions define(const std::deque<Source>& sources) {
  Definitions found;
  for (const Source& source : sources) {
    const Tokens tokens = source.tokens();
    for (std::size_t at = 0; at + 1 < tokens.size(); ++at) {
      const std::string_view name = tokens[at + 1].text;
      if (tokens[at].is("class")) found.classes.insert(name);
      if (tokens[at].kind == Token::Kind::Name && precedes(tokens, at, ":") && !follows_dot(tokens, at))
        found.members.insert(tokens[at].text);
      if (!tokens[at].is("def")) continue;
      std::size_t end = at + 2;
      while (end < tokens.size() && !tokens[end].is("def") && !tokens[end].is("class")) ++end;
      found.methods.emplace(name, Method{&source, tokens.subspan(at + 1, end - at - 1)});
      found.members.insert(name);
    }
  }
  return found;
}

class Check {
 public:
  Check(const Archive& archive, const std::deque<Source>& sources) : archive_(archive), sources_(sources), defined_(define(sources)) {}

  void run() const {
    for (const Source& source : sources_) check(source, source.tokens(), defined_.members);
    check_loading();
  }

 private:
  [[noreturn]] void refuse(const Source& source, const Token& token, const std::string& what, const std::string& why) const {
    throw CheckpointError({.code = "graft-K016",
                           .message = "[Archive] code that only computes is wanted, \"" + source.name() + "\" line " +
                                      std::to_string(token.line) + " has \"" + what + "\", which " + why + ".",
                           .remedy = trust_remedy,
                           .place = archive_.path()});
  }

  void check(const Source& source, Tokens tokens, const Names& own) const {
    for (std::size_t at = 0; at < tokens.size(); ++at) {
      if (tokens[at].is("getattr")) check_getattr(source, tokens, at, own);
      if (tokens[at].kind != Token::Kind::Name) continue;
      if (follows_dot(tokens, at)) {
        check_member(source, tokens[at], tokens[at].text, own);
      } else {
        check_root(source, tokens, at);
      }
    }
  }

  /// An operator is reached as a method of any value. Names that the file defines itself pass here: graphs tell them apart after loading.
  void check_member(const Source& source, const Token& token, std::string_view name, const Names& own) const {
    if (is_forbidden_operator(name) && !own.contains(name)) refuse(source, token, std::string(name), objection("aten", name));
  }

  /// getattr(torch, "sa" "ve")
  void check_getattr(const Source& source, Tokens tokens, std::size_t at, const Names& own) const {
    int brackets = 0;
    std::string name;
    for (std::size_t next = at + 1; next < tokens.size(); ++next) {
      if (tokens[next].is("(")) ++brackets;
      if (tokens[next].is(")") && --brackets <= 0) break;
      if (tokens[next].kind != Token::Kind::Text) continue;
      name += tokens[next].text;
      if (name.find('\\') != std::string::npos) refuse(source, tokens[next], "getattr", "hides the name that it reads");
    }
    check_member(source, tokens[at], name, own);
  }

  /// Where operators and classes come from: only as torch.NAME, ops.SPACE.NAME and __torch__.PATH, never under another name.
  void check_root(const Source& source, Tokens tokens, std::size_t at) const {
    const std::string_view root = tokens[at].text;
    if (root != "torch" && root != "ops" && root != "__torch__") return;
    const auto names = chain(tokens, at);
    const Token& token = tokens[at];
    if (root == "ops") {
      if (names.size() < 3) refuse(source, token, "ops", "gives operators another name");
      const std::string space(names[1]), name(names[2]);
      const std::string why = objection(space, name);
      // What does not exist cannot run; LibTorch refuses it, and then it is told as missing.
      if (!why.empty() && operator_exists(space, name)) refuse(source, token, space + "::" + name, why);
      return;
    }
    if (root == "torch") {
      if (names.size() < 2) refuse(source, token, "torch", "gives operators another name");
      if (is_forbidden_operator(names[1])) refuse(source, token, "aten::" + std::string(names[1]), objection("aten", names[1]));
      return;
    }
    const bool is_class = names.size() > 2 && names[1] == "torch" && names[2] == "classes";
    if (names.size() < 2 || (names.size() == 2 && names[1] == "torch") || (is_class && names.size() < 4)) {
      refuse(source, token, std::string(root), "gives classes another name");
    }
    if (is_class && !is_known_class_namespace(names[3])) {
      refuse(source, token, "torch.classes." + std::string(names[3]), "does more than to hold packed weights");
    }
  }

  /// Methods that run while loading: __setstate__, and by name whatever that may call. Operators of the language call methods without
  /// naming them, and the name of a class calls its __init__.
  void check_loading() const {
    std::set<std::string_view> seen;
    std::vector<std::string_view> queue;
    const auto visit = [&](std::string_view name) {
      if (defined_.methods.contains(name) && seen.insert(name).second) queue.push_back(name);
    };
    visit("__setstate__");
    if (queue.empty()) return;
    for (const auto& [name, method] : defined_.methods) {
      if (name.starts_with("__") && name != "__getstate__" && name != "__init__") visit(name);
    }
    while (!queue.empty()) {
      const auto [first, last] = defined_.methods.equal_range(queue.back());
      queue.pop_back();
      for (auto method = first; method != last; ++method) {
        const auto& [source, body] = method->second;
        check(*source, body, {});
        for (std::size_t at = 1; at < body.size(); ++at) {
          if (body[at].is("for") || body[at].is("while")) {
            refuse(*source, body[at], std::string(body[at].text), "runs while loading and may never end");
          }
          // A wrong class makes LibTorch read the fields of another object.
          if (body[at].is("unchecked_cast") && body.size() > at + 2 && body[at + 2].is("__torch__")) {
            refuse(*source, body[at], "unchecked_cast", "runs while loading and takes one object for another");
          }
          if (body[at].kind != Token::Kind::Other) visit(body[at].text);
          if (defined_.classes.contains(body[at].text)) visit("__init__");
        }
      }
    }
  }

  const Archive& archive_;
  const std::deque<Source>& sources_;
  const Definitions defined_;
};

}  // namespace

void check_code(const Archive& archive, const std::deque<Source>& sources) { Check(archive, sources).run(); }

std::optional<std::string> missing_operator(const std::deque<Source>& sources) {
  for (const Source& source : sources) {
    const Tokens tokens = source.tokens();
    for (std::size_t at = 0; at < tokens.size(); ++at) {
      if (tokens[at].kind != Token::Kind::Name || follows_dot(tokens, at)) continue;
      const auto names = chain(tokens, at);
      const bool in_space = names[0] == "ops" && names.size() > 2;
      if (!in_space && (names[0] != "torch" || names.size() != 2)) continue;
      const std::string space(in_space ? names[1] : "aten"), name(in_space ? names[2] : names[1]);
      if (!operator_exists(space, name)) return space + "::" + name;
    }
  }
  return std::nullopt;
}

}  // namespace graft::graph
