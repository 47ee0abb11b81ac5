#include "graph/lookup_tables.h"

#include <ATen/ATen.h>

#include "graph/builder.h"
#include "graph/walk.h"
#include "halves.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

using Names = std::set<std::string>;

graph::Network network_of(const std::string& body) {
  return test::network_of("def forward(self, ids):\n" + body,
                          {{"a", at::randn({9, 4})}, {"b", at::randn({9, 4})}, {"c", at::randn({9, 4})}});
}

const std::string lookup_a = "    x = torch.embedding(self.a, ids, -1, False, False)\n";

/// A table, and a module that reads `decoder`.
graph::Network tied_network(const at::Tensor& table, const at::Tensor& decoder, const std::string& reading) {
  graph::Builder inner("Decoder");
  inner.parameter("w", decoder);
  inner.define("def forward(self, x, ids):\n    return " + reading + "\n");
  graph::Builder builder("Tied");
  builder.parameter("table", table).child("decoder", inner);
  builder.define(
      "def forward(self, ids):\n    x = torch.embedding(self.table, ids, -1, False, False)\n    return self.decoder.forward(x, ids)\n");
  return builder.network();
}

}  // namespace

TEST_CASE("lookup_tables: names what is looked up in, and nothing else", "[graph]") {
  CHECK(graph::lookup_tables(test::tiny_bert().network()) ==
        Names{"embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight", "embeddings.token_type_embeddings.weight"});
  CHECK(graph::lookup_tables(Backbone::load(test::golden_path("vision_script.pt")).network()).empty());
  CHECK(graph::lookup_tables(network_of(lookup_a + "    return x\n")) == Names{"a"});
}

TEST_CASE("lookup_tables: a tensor that is read in another way too is none", "[graph]") {
  CHECK(graph::lookup_tables(network_of(lookup_a + "    return torch.linear(x, self.a, None)\n")).empty());
  CHECK(graph::lookup_tables(network_of(lookup_a + "    return torch.linear(x, self.b, None)\n")) == Names{"a"});
  CHECK(graph::lookup_tables(network_of(lookup_a + "    return x, torch.embedding(self.b * 2.0, ids, -1, False, False)\n")) == Names{"a"});
}

TEST_CASE("lookup_tables: several lookups of a table are one table, in branches too", "[graph]") {
  const std::string branch = "    if ids.size(0) > 2:\n        x = x + torch.embedding(self.a, ids, -1, False, False)\n    return x\n";
  CHECK(graph::lookup_tables(network_of(lookup_a + branch)) == Names{"a"});
  const std::string other = "    if ids.size(0) > 2:\n        x = x @ self.a.t()\n    return x\n";
  CHECK(graph::lookup_tables(network_of(lookup_a + other)).empty());
}

TEST_CASE("lookup_tables: of tied parameters all readings count, and all names are told", "[graph]") {
  const at::Tensor table = at::randn({9, 4}), other = at::randn({9, 4});
  const std::string linear = "torch.linear(x, self.w, None)", lookup = "x + torch.embedding(self.w, ids, -1, False, False)", none = "x";
  CHECK(graph::lookup_tables(tied_network(table, table, linear)).empty());
  CHECK(graph::lookup_tables(tied_network(table, other, linear)) == Names{"table"});
  CHECK(graph::lookup_tables(tied_network(table, table, lookup)) == Names{"table", "decoder.w"});
  CHECK(graph::lookup_tables(tied_network(table, table, none)) == Names{"table", "decoder.w"});
}

TEST_CASE("table_lookups: finds the nodes, table by table", "[graph]") {
  const auto lookups = [](const std::string& body) {
    const auto graph = graph::inlined_forward(network_of(body).module());
    std::vector<std::pair<std::string, std::size_t>> found;
    for (const auto& [name, nodes] : graph::table_lookups(*graph)) found.emplace_back(name, nodes.size());
    return found;
  };
  using Found = std::vector<std::pair<std::string, std::size_t>>;
  CHECK(lookups(lookup_a +
                "    return x + torch.embedding(self.b, ids, -1, False, False) + torch.embedding(self.a, ids, -1, False, False)\n") ==
        Found{{"a", 2}, {"b", 1}});
  CHECK(lookups(lookup_a + "    return torch.linear(x, self.a, None)\n").empty());
  CHECK(lookups("    return ids\n").empty());
}
