#include "graph/code_check.h"

#include <filesystem>

#include "graph/builder.h"
#include "hostile.h"

using namespace graft;

namespace {

void check_refused(const std::string& bytes, const std::string& words, const std::string& code = "graft-K016") {
  const CheckpointError error = test::refusal(bytes);
  INFO(error.what());
  CHECK(error.code() == code);
  CHECK(error.message().find(words) != std::string::npos);
}

void check_code_refused(const std::string& code, const std::string& words) { check_refused(test::with_code(code), words); }

std::string repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

/// The records of a network with state methods of its own.
test::ZipRecords set_state_records(const std::string& body, const std::string& more = "") {
  const test::TempDir folder;
  graph::Builder network("Net");
  network.define(more + "def __getstate__(self) -> bool:\n  return self.training\n");
  network.define("def __setstate__(self, state: bool) -> None:\n  self.training = state\n" + body);
  network.define("def forward(self, x):\n  return x\n");
  network.network().save(folder.file("x.pt"));
  return test::read_zip(folder.file("x.pt"));
}

std::string with_set_state(const std::string& body, const std::string& more = "") { return test::write_zip(set_state_records(body, more)); }

}  // namespace

TEST_CASE("Code: operators on files are refused, however they are reached", "[graph][error]") {
  check_code_refused("hidden = torch.relu(_0)\n    torch.save(hidden, \"f\")", "aten::save");
  check_code_refused("hidden = torch.relu(_0)\n    ops.aten.save(hidden, \"f\")", "aten::save");
  check_code_refused("hidden = torch.relu(_0)\n    (hidden).save(\"f\")", "\"save\"");
  check_code_refused("hidden = torch.relu(_0)\n    f = hidden.save\n    f(\"f\", )", "\"save\"");
  check_code_refused("hidden = torch.relu(_0)\n    torch . save(hidden, \"f\")", "aten::save");
  check_code_refused("hidden = torch.relu(_0)\n    t = torch\n    t.save(hidden, \"f\")", "another name");
  check_code_refused("hidden = torch.relu(_0)\n    o = ops.aten\n    o.save(hidden, \"f\")", "another name");
  check_code_refused("hidden = torch.relu(_0)\n    getattr(torch, \"sa\" \"ve\")(hidden, \"f\")", "\"save\"");
  check_code_refused("hidden = torch.relu(_0)\n    getattr(hidden, \"sa\" \"ve\")(\"f\")", "\"save\"");
  check_code_refused("hidden = torch.relu(_0)\n    getattr(hidden, \"\\x73ave\")(\"f\")", "hides the name");
  check_code_refused("hidden = torch.from_file(\"f\", True, 40)", "aten::from_file");
}

TEST_CASE("Code: the refusal names file and line, and trust lifts it", "[graph][error]") {
  const test::TempDir folder;
  const std::string target = folder.file("written");
  const std::string bytes = test::with_code("hidden = torch.relu(_0)\n    torch.save(hidden, \"" + target + "\")");
  const CheckpointError error = test::refusal(bytes);
  CHECK(error.message().find("\"code/__torch__.py\" line 14") != std::string::npos);
  CHECK(error.remedy().find("trust") != std::string::npos);
  test::loaded(bytes, graph::Trust::Code)({at::ones({1, 5}), 1.0});
  CHECK(std::filesystem::exists(target));
}

TEST_CASE("Code: operators beyond known namespaces, and views of memory that is nobody's, are refused", "[graph][error]") {
  check_code_refused("hidden = ops._c10d_functional.wait_tensor(_0)", "_c10d_functional::wait_tensor");
  check_code_refused("hidden = ops.inductor._reinterpret_tensor(_0, [1000], [1])", "inductor::_reinterpret_tensor");
  check_code_refused("hidden = torch._reshape_alias(_0, [1000], [1])", "aten::_reshape_alias");
  check_code_refused("hidden = torch.relu(_0)\n    s = __torch__.torch.classes.dist_c10d.TCPStore", "torch.classes.dist_c10d");
  check_code_refused("hidden = torch.relu(_0)\n    c = __torch__.torch.classes", "another name");
  check_code_refused("hidden = torch.relu(_0)\n    c = __torch__", "another name");
}

TEST_CASE("Code: a network may have methods called like forbidden operators, and calls of the operators are told apart", "[graph][error]") {
  const std::string method = "\n  def _coalesced_(self: __torch__.MlpDict,\n    x: Tensor) -> Tensor:\n    return torch.neg(x)\n";
  test::ZipRecords records = test::small_network();
  test::record(records, "code/__torch__.py").bytes += method;
  test::replace(test::record(records, "code/__torch__.py").bytes, "torch.relu(_0)", "(self)._coalesced_(_0, )");
  CHECK(test::loaded(test::write_zip(records))({at::ones({1, 5}), 1.0}).has("logits"));
  test::replace(test::record(records, "code/__torch__.py").bytes, "    fc2 = self.fc2", "    (_0)._coalesced_(True, )\n    fc2 = self.fc2");
  check_refused(test::write_zip(records), "aten::_coalesced_");
}

TEST_CASE("Code: one object is not taken for another", "[graph][error]") {
  check_code_refused("hidden = (unchecked_cast(__torch__.MlpDict, fc1).fc2).forward(_0, )", "unchecked_cast");
}

TEST_CASE("Code: what runs while loading comes to an end", "[graph][error]") {
  CHECK_NOTHROW(test::loaded(with_set_state("")));
  check_refused(with_set_state("  while self.training:\n    self.training = state\n"), "\"while\"");
  check_refused(with_set_state("  for i in range(9000000000):\n    self.training = state\n"), "\"for\"");
  SECTION("in methods that it calls, too") {
    check_refused(with_set_state("  self.training = self.helper(state)\n",
                                 "def helper(self, x: bool) -> bool:\n  while x:\n    x = not x\n  return x\n"),
                  "\"while\"");
  }
  SECTION("but loops elsewhere are free") {
    CHECK_NOTHROW(test::loaded(with_set_state("", "def other(self, x: bool) -> bool:\n  while x:\n    x = not x\n  return x\n")));
  }
  SECTION("and a method of the same name excuses no operator there") {
    const std::string own = "def _coalesced_(self, x: int) -> int:\n  return x\n";
    test::ZipRecords records = set_state_records("", own);
    test::replace(test::record(records, "graft.py").bytes, "self.training = state", "self.training = (state)._coalesced_(True, )");
    check_refused(test::write_zip(records), "\"_coalesced_\"");
  }
}

TEST_CASE("Code: what nests so deep that LibTorch's parser crashes is refused", "[graph][error]") {
  const auto refused = [](const std::string& code, const std::string& words = "nests too deep") {
    check_refused(test::with_code(code), words, "graft-K014");
  };
  refused("hidden = " + repeat("(", 200000) + "_0" + repeat(")", 200000));
  refused("hidden = " + repeat("torch.relu(", 20000) + "_0" + repeat(")", 20000));
  refused("hidden = " + repeat("-", 300000) + "_0");
  refused("hidden = _0" + repeat("+_0", 20000));
  refused("hidden = _0" + repeat("[0]", 60000));
  refused("hidden = _0 if True else " + repeat("_0 if True else ", 10000) + "_0");
  refused("hidden = torch.relu(_0)\n" + repeat("\n", 100000) + "    pass", "blank");
  refused("if True:\n      pass\n" + repeat("    elif True:\n      pass\n", 10000), "alternatives");
  std::string blocks = "hidden = torch.relu(_0)\n";
  for (int i = 0; i < 1000; ++i) blocks += std::string(static_cast<std::size_t>(4 + i), ' ') + "if True:\n";
  refused(blocks + std::string(1004, ' ') + "pass");
  SECTION("long lists of numbers do not") {
    CHECK_NOTHROW(test::loaded(test::with_code("hidden = torch.relu(_0)\n    y = [" + repeat("-1, ", 20000) + "1]")));
  }
}

TEST_CASE("Code: a source has one reading", "[graph][error]") {
  const auto refused = [](const std::string& code, const std::string& words) { check_refused(test::with_code(code), words, "graft-K014"); };
  refused("hidden = torch.relu(_0)\n    s = \"\"\"a\"\"\"", "three quotes");
  refused("hidden = \\\n torch.relu(_0)", "continues");
  refused("hidden = torch.relu(_0) # type: ()", "type comment");
  refused("hidden = torch.relu(_0)\n    s = \"a", "without an end");
  refused("hidden = torch.relu(_0)\n    s = \"\xc3\xa4\"", "plain text");
  refused(std::string("hidden = torch.relu(_0)\0", 24), "plain text");
  SECTION("operators in texts and comments are none") {
    CHECK_NOTHROW(test::loaded(test::with_code("hidden = torch.relu(_0) # torch.save(x)\n    s = 'torch.save(x, \"f\")'")));
  }
}
